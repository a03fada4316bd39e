"""The sealed test part: no search sees it; each finalist and the baseline are scored on it once.

Whoever looks at a test part often enough finds a model that happens to suit it. So every opening
is entered in a ledger before anything is scored, film by film, with the weights that are scored and
what is to be decided; films that were opened before, whichever study, name or split they were
opened under, need a reason, and all openings show in the report.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from spineseg.data.labelled import read_films
from spineseg.data.manifest import Manifest
from spineseg.errors import StoreError
from spineseg.evaluation.evaluate import evaluate_weights
from spineseg.evaluation.stored import save_evaluation
from spineseg.events import Scored, append_event
from spineseg.evidence.arms import MatchReader, arm_results, confirmed_arms
from spineseg.evidence.promotion import Promotion
from spineseg.evidence.results import SealedTest
from spineseg.evidence.spending import error_of, judged_at
from spineseg.files import sha256_of
from spineseg.films import LabelledFilm
from spineseg.live_line import doing
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.process_setup import prepare_environment
from spineseg.runs import Run
from spineseg.seal.in_training import refuse_opened_in_training
from spineseg.seal.known import tested_films
from spineseg.seal.ledger import enter, read_ledger, refuse_problems
from spineseg.seal.opening import PART, Decision, Opening
from spineseg.seal.overlap import seen_before
from spineseg.study_record import StudyRecord


def seal_of(manifest: Manifest) -> str:
    """Return what identified a test part before its films were entered one by one."""
    films = sorted((e.content_sha256, e.labels_sha256) for e in manifest.entries if e.part == PART)
    return hashlib.sha256(json.dumps(films).encode()).hexdigest()


def openings(study: StudyRecord) -> list[Opening]:
    """Return every time that films of a study's test part were opened, by whichever study.

    Copies of a film are known by their look where the study's data lie here. Raises StoreError for
    a damaged ledger.
    """
    ledger = read_ledger(study.places.root)
    films = tested_films(study.manifest, study.data_folder())
    return list(seen_before(films, seal_of(study.manifest), ledger.entries).by)


def open_sealed(
    study: StudyRecord,
    decision: Decision,
    reason: str | None,
    device: str,
    say: Callable[[str], None],
    beside: Mapping[str, str] = MappingProxyType({}),
    share: Callable[[], None] = lambda: None,
    promoted_on: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Score on the test part what of the confirmed arms is not scored yet, and enter it.

    `beside` are the hashes, by name, of other weights that will be scored there: champions'. What
    is entered is passed on by `share` before anything is scored. `promoted_on` are openings that
    registered versions tell of.
    Raises StoreError where there is no test part, where films of it were opened before or the
    ledger is not whole and no reason is given; DataError where the films are not on this machine,
    or films that were opened are trained on.
    """
    reason = (reason or "").strip()
    runs = [run for arm in confirmed_arms(study.runs).values() for run in arm.runs]
    wanted = [run for run in runs if not run.is_evaluated(PART)]
    if not study.manifest.count(PART):
        raise StoreError(
            f"study {study.places.study!r}: the data have no test part; set data.test_fraction "
            "(with `split: keep`, add a test part to the sources) and give the study another name"
        )
    ledger = read_ledger(study.places.root).lacking(promoted_on)
    refuse_problems(ledger, reason)
    refuse_opened_in_training(study.places.root, study.needed_data())
    weights = {run.name: sha256_of(run.best_weights) for run in runs}
    films = tested_films(study.manifest, study.data_folder())
    told = Opening(
        time="",
        study=study.places.study,
        films=films,
        weights={run.name: weights[run.name] for run in wanted} | dict(beside),
        runs=[run.name for run in wanted],
        decision=decision,
        reason=reason or "promotion",
        accepted=ledger.undecided,
    )
    scored = [run for run in runs if run not in wanted]
    is_decided = _unlisted_entered(study, told, scored, weights, reason) or not ledger.undecided
    before = seen_before(films, seal_of(study.manifest), ledger.entries)
    looks = set(told.weights.values())
    under_way = not looks or any(looks <= set(e.weights.values()) for e in before.by)
    if before.by and not under_way and not reason:
        raise StoreError(
            f"the test part: {before.text()}; each look makes it worth less: to score "
            f"{len(looks)} more networks on it say why, with --reason"
        )
    if not under_way or not is_decided:
        enter(study.places.root, study.places.own_openings, told)
    share()
    if wanted:
        say(f"scoring {len(wanted)} runs on the test part")
    _score(study, wanted, device)
    _say_scored(runs)


def _unlisted_entered(
    study: StudyRecord,
    told: Opening,
    scored: Sequence[Run],
    weights: dict[str, str],
    reason: str,
) -> bool:
    """Enter weights that were scored though no ledger tells of it, and return whether any were.

    Raises StoreError without a reason.
    """
    entries = read_ledger(study.places.root).entries
    known = {sha for entry in entries for sha in entry.weights.values()}
    older = {name for e in entries if e.seal and e.study == study.places.study for name in e.runs}
    unlisted = [r.name for r in scored if weights[r.name] not in known and r.name not in older]
    if not unlisted:
        return False
    if not reason:
        raise StoreError(
            f"{study.places.openings}: tells of no opening of the test part for {unlisted[0]} and "
            f"{len(unlisted) - 1} more, which were scored on it; put the ledger back, or say with "
            "--reason why there is none"
        )
    late = {"runs": unlisted, "weights": {name: weights[name] for name in unlisted}}
    enter(study.places.root, study.places.own_openings, told.model_copy(update=late))
    return True


def _score(study: StudyRecord, runs: Sequence[Run], device: str) -> None:
    prepare_environment(study.places.trainer)
    films = read_films(study.needed_data().folder, PART)
    for number, run in enumerate(runs, start=1):
        doing(f"scoring {run.name} on the test part (run {number} of {len(runs)})")
        size, numbering = run.job.config.image_size_px, run.job.numbering
        score_on(films, run.best_weights, size, numbering, device, run.folder)


def score_on(
    films: Sequence[LabelledFilm],
    weights: Path,
    image_size_px: int,
    numbering: NumberingModel,
    device: str,
    into: Path,
) -> None:
    """Score weights on the test part's films, and keep that in a folder."""
    evaluated = evaluate_weights(
        weights, films, image_size_px=image_size_px, device=device, numbering=numbering
    )
    save_evaluation(into, evaluated, PART)


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
    opened = openings(study)
    found = arm_results(arms.values(), reader, objective) if scored else []
    return SealedTest(
        films=len(patients),
        patients=len(set(patients)),
        openings=opened,
        arms=judged_at(found, error_of(max(1, len(opened)))),
        gates=list(last.gates) if last else [],
        candidate=last.run if last else None,
        promoted=bool(last and last.promoted),
    )
