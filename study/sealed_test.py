"""The sealed test part: no search sees it; each finalist and the baseline are scored on it once.

Whoever looks at a test part often enough finds a model that happens to suit it. So every opening
is entered in a ledger before anything is scored, for the data, whichever study they serve; a
second opening needs a reason, and both show in the report.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from spineseg.config.study import StudyConfig
from spineseg.data.labelled import read_films
from spineseg.data.manifest import Manifest, load_manifest
from spineseg.errors import StoreError
from spineseg.evaluation.evaluate import (
    evaluate_weights,
    evaluation_file,
    evaluation_files,
    save_evaluation,
)
from spineseg.evaluation.result import Evaluation
from spineseg.events import Finished, read_events
from spineseg.evidence.results import GateResult, Opening, SealedTest
from spineseg.job import Job
from spineseg.process_setup import prepare_environment
from spineseg.tracking.store import open_store
from spineseg.tracking.tracked_runs import log_evaluation, trial_run_ids
from spineseg.training.devices import chosen_devices
from study.confirm import Arm, confirmed_arms
from study.evidence import MatchLoader, arm_results
from study.records import Records

PART = "test"
VERDICT_FILE = "promotion.json"


def ledger_file(records: Records) -> Path:
    """Return where the openings of all studies' test parts are entered, one JSON object a line."""
    return records.root / "test-openings.jsonl"


def seal_of(manifest: Manifest) -> str:
    """Return what identifies a test part: its films and labels, whatever is trained on beside."""
    films = sorted((e.film_sha256, e.labels_sha256) for e in manifest.entries if e.part == PART)
    return hashlib.sha256(json.dumps(films).encode()).hexdigest()


def openings(records: Records, seal: str) -> list[Opening]:
    """Return every time that a test part was opened. Raises StoreError for a damaged ledger."""
    ledger = ledger_file(records)
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


def open_test(
    config: StudyConfig,
    records: Records,
    study: optuna.Study,
    reason: str | None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Score on the test part what of the confirmed arms is not scored yet, and enter it.

    Raises StoreError where there is no test part, and where it was opened before and no reason is
    given for opening it again.
    """
    trials = [t for arm in confirmed_arms(study).values() for t in arm.confirmations]
    folders = {t.number: records.folder_of(t) for t in trials}
    wanted = [
        t for t in trials if not all(f.exists() for f in evaluation_files(folders[t.number], PART))
    ]
    if not wanted:
        return
    dataset = Job.read(folders[wanted[0].number]).dataset
    manifest = load_manifest(dataset)
    seal = seal_of(manifest)
    if not manifest.count(PART):
        raise StoreError(
            f"study {config.name!r}: the data have no test part; set data.test_fraction (with "
            "`split: keep`, add a test part to the sources) and give the study another name"
        )
    names = [str(t.user_attrs["name"]) for t in wanted]
    before = openings(records, seal)
    under_way = any(o.study == config.name and set(names) <= set(o.runs) for o in before)
    if before and not under_way and not (reason or "").strip():
        raise StoreError(
            f"the test part of these data was opened on {before[-1].time} by study "
            f"{before[-1].study!r}; each look makes it worth less: to score {len(names)} more runs "
            "on it say why, with --reason"
        )
    if not under_way:
        _enter(records, config, seal, names, reason or "promotion")
    say(f"scoring {len(wanted)} runs on the test part")
    _score(config, records, wanted, folders)


def _enter(
    records: Records, config: StudyConfig, seal: str, runs: Sequence[str], reason: str
) -> None:
    entry = {
        "time": time.strftime("%Y-%m-%d %H:%M"),
        "study": config.name,
        "seal": seal,
        "runs": list(runs),
        "reason": reason.strip(),
    }
    with ledger_file(records).open("a") as out:
        out.write(json.dumps(entry) + "\n")
        out.flush()
        os.fsync(out.fileno())


def _score(
    config: StudyConfig,
    records: Records,
    trials: Sequence[FrozenTrial],
    folders: dict[int, Path],
) -> None:
    prepare_environment(records.trainer_cache)
    device = chosen_devices(config.devices.device)[0].name
    store = open_store(config.store.root, config.store.mlflow_uri)
    run_ids = trial_run_ids(store, config.name)
    for trial in trials:
        folder = folders[trial.number]
        job = Job.read(folder)
        finished = next(e for e in read_events(folder) if isinstance(e, Finished))
        evaluated = evaluate_weights(
            folder / finished.best_weights,
            read_films(job.dataset, PART),
            image_size_px=job.config.image_size_px,
            device=device,
            numbering=job.numbering,
        )
        save_evaluation(folder, evaluated, PART)
        run_id = run_ids.get(f"{config.name}/{trial.number}")
        if run_id is not None:
            metrics = evaluated.scores[config.numbering].metrics("test")
            log_evaluation(store, run_id, metrics, evaluation_files(folder, PART))


def sealed_results(config: StudyConfig, records: Records, study: optuna.Study) -> SealedTest | None:
    """Return what the test part said so far, and the last verdict; None where there is neither."""
    arms = confirmed_arms(study)
    loader = MatchLoader(records, PART)
    scored = {name: _scored(arm, loader) for name, arm in arms.items()}
    confirmed = [trial for arm in arms.values() for trial in arm.confirmations]
    trials = [trial for arm in scored.values() for trial in arm.confirmations]
    verdict = records.folder / VERDICT_FILE
    last = json.loads(verdict.read_text()) if verdict.exists() else {}
    if not trials and not last:
        return None
    patients = loader.patients(loader.run(trials[0])) if trials else []
    return SealedTest(
        films=len(patients),
        patients=len(set(patients)),
        openings=openings(records, seal_of(_manifest(records, confirmed))) if confirmed else [],
        arms=arm_results(config, scored, loader, {}) if trials else [],
        gates=[GateResult.model_validate(gate) for gate in last.get("gates", ())],
        candidate=last.get("run"),
        promoted=bool(last.get("promoted")),
    )


def _manifest(records: Records, trials: Sequence[FrozenTrial]) -> Manifest:
    return load_manifest(Job.read(records.folder_of(trials[0])).dataset)


def _scored(arm: Arm, loader: MatchLoader) -> Arm:
    return arm._replace(confirmations=[t for t in arm.confirmations if loader.has(t)])


def evaluations_on_test(config: StudyConfig, records: Records, arm: Arm) -> list[Evaluation]:
    """Return an arm's scores on the test part, by seed."""
    found = []
    for trial in arm.confirmations:
        file = evaluation_file(records.folder_of(trial), config.numbering, PART)
        found.append(Evaluation.load(file))
    return found
