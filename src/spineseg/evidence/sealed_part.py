"""The sealed test part: no search sees it; each finalist and the baseline are scored on it once.

Whoever looks at a test part often enough finds a model that happens to suit it. So every opening
is entered in a ledger before anything is scored, for the data, whichever study they serve; a
second opening needs a reason, and both show in the report.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from spineseg.data.labelled import read_films
from spineseg.data.manifest import Manifest
from spineseg.errors import StoreError
from spineseg.evaluation.evaluate import evaluate_weights
from spineseg.evaluation.stored import save_evaluation
from spineseg.events import Scored, append_event
from spineseg.evidence.arms import MatchReader, arm_results, confirmed_arms
from spineseg.evidence.promotion import Promotion
from spineseg.evidence.results import Opening, SealedTest
from spineseg.files import append_line
from spineseg.films import Part
from spineseg.live_line import doing
from spineseg.places import StudyPlaces
from spineseg.process_setup import prepare_environment
from spineseg.runs import Run
from spineseg.study_record import StudyRecord

PART: Part = "test"


def seal_of(manifest: Manifest) -> str:
    """Return what identifies a test part: its films and labels, whatever is trained on beside."""
    films = sorted((e.content_sha256, e.labels_sha256) for e in manifest.entries if e.part == PART)
    return hashlib.sha256(json.dumps(films).encode()).hexdigest()


def openings(places: StudyPlaces, seal: str) -> list[Opening]:
    """Return every time that a test part was opened, by the ledgers of all studies and of this one.

    A study's own goes with its folder, so that none is lost on the way to another machine. Raises
    StoreError for a damaged ledger.
    """
    both = [*_entries(places.openings, seal), *_entries(places.own_openings, seal)]
    found = {opening.model_dump_json(): opening for opening in both}
    return sorted(found.values(), key=lambda opening: opening.time)


def _entries(ledger: Path, seal: str) -> list[Opening]:
    if not ledger.exists():
        return []
    found = []
    for number, line in enumerate(ledger.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if entry.pop("seal") == seal:
                found.append(Opening.model_validate(entry))
        except (ValueError, KeyError, TypeError, AttributeError):  # No JSON, or no entry.
            raise StoreError(
                f"{ledger}:{number}: cannot be read, so it is not known what was opened; mend the "
                "line or put a backup in place"
            ) from None
    return found


def open_sealed(
    study: StudyRecord, reason: str | None, device: str, say: Callable[[str], None]
) -> None:
    """Score on the test part what of the confirmed arms is not scored yet, and enter it.

    Raises StoreError where there is no test part, and where it was opened before and no reason is
    given for opening it again; DataError where the films are not on this machine.
    """
    runs = [run for arm in confirmed_arms(study.runs).values() for run in arm.runs]
    wanted = [run for run in runs if not run.is_evaluated(PART)]
    name = study.places.study
    _refuse_unlisted(study, [run for run in runs if run.is_evaluated(PART)], reason)
    if not wanted:
        _say_scored(runs)
        return
    if not study.manifest.count(PART):
        raise StoreError(
            f"study {name!r}: the data have no test part; set data.test_fraction (with "
            "`split: keep`, add a test part to the sources) and give the study another name"
        )
    films = study.needed_data_folder()
    weights = {run.job.id: run.best_weights for run in wanted}
    seal, names = seal_of(study.manifest), [run.name for run in wanted]
    before = openings(study.places, seal)
    under_way = any(o.study == name and set(names) <= set(o.runs) for o in before)
    if before and not under_way and not (reason or "").strip():
        raise StoreError(
            f"the test part of these data was opened on {before[-1].time} by study "
            f"{before[-1].study!r}; each look makes it worth less: to score {len(names)} more runs "
            "on it say why, with --reason"
        )
    if not under_way:
        _enter(study, seal, names, reason or "promotion")
    say(f"scoring {len(wanted)} runs on the test part")
    _score(study, wanted, weights, films, device)
    _say_scored(runs)


def _refuse_unlisted(study: StudyRecord, scored: Sequence[Run], reason: str | None) -> None:
    """Enter runs that were scored though no ledger tells of it; raise StoreError without reason."""
    seal = seal_of(study.manifest)
    told = {
        name
        for opening in openings(study.places, seal)
        if opening.study == study.places.study
        for name in opening.runs
    }
    unlisted = [run.name for run in scored if run.name not in told]
    if not unlisted:
        return
    if not (reason or "").strip():
        raise StoreError(
            f"{study.places.openings}: tells of no opening of the test part for {unlisted[0]} and "
            f"{len(unlisted) - 1} more, which were scored on it; put the ledger back, or say with "
            "--reason why there is none"
        )
    _enter(study, seal, unlisted, reason or "")


def _enter(study: StudyRecord, seal: str, runs: Sequence[str], reason: str) -> None:
    entry = {
        "time": time.strftime("%Y-%m-%d %H:%M"),
        "study": study.places.study,
        "seal": seal,
        "runs": list(runs),
        "reason": reason.strip(),
    }
    for ledger in (study.places.openings, study.places.own_openings):
        append_line(ledger, json.dumps(entry))


def _score(
    study: StudyRecord, runs: Sequence[Run], weights: dict[str, Path], films: Path, device: str
) -> None:
    prepare_environment(study.places.trainer)
    for number, run in enumerate(runs, start=1):
        doing(f"scoring {run.name} on the test part (run {number} of {len(runs)})")
        evaluated = evaluate_weights(
            weights[run.job.id],
            read_films(films, PART),
            image_size_px=run.job.config.image_size_px,
            device=device,
            numbering=run.job.numbering,
        )
        save_evaluation(run.folder, evaluated, PART)


def _say_scored(runs: Sequence[Run]) -> None:
    """Enter in each run's log what it scored, where it is not told there yet."""
    for run in runs:
        if not any(event.part == PART for event in run.scored):
            metrics = run.scores(PART).metrics(PART)
            append_event(run.folder, Scored(run=run.job.id, part=PART, metrics=metrics))


def sealed_results(study: StudyRecord, objective: str) -> SealedTest | None:
    """Return what the test part said so far, and the last verdict; None where there is neither."""
    reader = MatchReader(study.manifest, PART)
    arms = confirmed_arms(study.runs)
    scored = [run for arm in arms.values() for run in reader.evaluated(arm.runs)]
    last = Promotion.load(study.places.verdict)
    if not scored and last is None:
        return None
    patients = reader.patients(reader.run(scored[0])) if scored else []
    return SealedTest(
        films=len(patients),
        patients=len(set(patients)),
        openings=openings(study.places, seal_of(study.manifest)),
        arms=arm_results(arms.values(), reader, objective) if scored else [],
        gates=list(last.gates) if last else [],
        candidate=last.run if last else None,
        promoted=bool(last and last.promoted),
    )
