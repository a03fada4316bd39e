"""Everything that a study has shown, from its record alone: runs, effects, noise, the sealed part.

Built from the records of single films that every run leaves, so nothing is predicted again.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence

import numpy as np

from spineseg.config.numbering import Numbering
from spineseg.config.study import StudyConfig
from spineseg.errors import RecordError
from spineseg.evaluation.result import Evaluation
from spineseg.evaluation.stored import refuse_incomplete
from spineseg.events import Epoch
from spineseg.evidence.arms import Arm, MatchReader, arm_results, confirmed_arms, effect_of
from spineseg.evidence.network_intervals import network_intervals
from spineseg.evidence.planned import plan_audit
from spineseg.evidence.pruning import prune_audit
from spineseg.evidence.results import Evidence, RunSummary, StudySummary
from spineseg.evidence.sealed_part import sealed_results
from spineseg.evidence.significance import detectable_effect
from spineseg.films import PARTS
from spineseg.footprint import footprint
from spineseg.limits.cut import cut_short
from spineseg.runs import Run, outcome_now
from spineseg.study_record import StudyRecord
from spineseg.tries import again_in_words, attempts, losses_in_words, split, tried_again

CURVES = (
    *(
        f"{part}/{loss}_loss"
        for part in ("train", "valid")
        for loss in ("box", "seg", "cls", "dfl")
    ),
    *("valid/box_map50", "valid/box_map50_95", "valid/mask_map50", "valid/mask_map50_95"),
)
_OTHER: dict[Numbering, Numbering] = {"argmax": "sequence", "sequence": "argmax"}
_PEAKS = ("system/gpu_0_memory_peak_megabytes", "system/process_memory_peak_megabytes")


def summarise(
    config: StudyConfig, study: StudyRecord, importances: dict[str, float], reason: str
) -> StudySummary:
    """Return everything that the report says.

    `importances` are those of the searched parameters; where there are none, `reason` says why.
    """
    later = tried_again(study.runs)
    films = study.manifest.count("train")
    reader = MatchReader(study.manifest)
    intervals = network_intervals(study, reader)
    runs = [
        run_summary(run, films, later.get(run.job.id)).model_copy(
            update={"intervals": intervals.get(run.name, {})}
        )
        for run in study.runs
    ]
    finished = [run for run in runs if run.outcome == "completed" and run.kind != "confirm"]
    scored = [(value, run) for run in finished if (value := run.value(config.objective))]
    best = max(scored, key=lambda pair: pair[0], default=None)
    started = [run.started for run in study.runs if run.started]
    return StudySummary(
        name=config.name,
        description=config.description,
        synthetic=study.manifest.synthetic,
        objective=config.objective,
        created=time.strftime("%Y-%m-%d %H:%M"),
        machine=_machine(study.runs),
        data=_data(study),
        runs=runs,
        importances=importances,
        importances_reason=reason,
        best=best[1].name if best else None,
        space={name: axis.model_dump() for name, axis in config.search.space.items()},
        versions=dict(started[-1].environment) if started else {},
        evidence=gather_evidence(config, study, reader),
        test=sealed_results(study, config.objective),
        pruning=prune_audit(config, study.runs),
        planned=plan_audit(config, study.places, study.runs),
        cut_short=cut_short(config, study.runs, time.time()),
    )


def run_summary(run: Run, films: int, later: Run | None = None) -> RunSummary:
    """Return what the report says of one run, trained on so many films.

    `later` is what it was tried again as, if it was.
    """
    job, done, epochs = run.job, run.finished, run.epochs
    if done is not None:
        refuse_incomplete(run.folder, "valid")
    return RunSummary(
        name=run.name,
        kind=job.kind,
        outcome=outcome_now(run),
        failure=f"{run.failed.kind}: {run.failed.message}" if run.failed else None,
        hypothesis=job.hypothesis,
        changes=job.changes,
        evaluation=run.scores() if done else None,
        other_numbering=_other_scores(run) if done else None,
        trainer_metrics=done.trainer_metrics if done else {},
        curves={
            key: [event.metrics[key] for event in epochs]
            for key in CURVES
            if epochs and all(key in event.metrics for event in epochs)
        },
        epochs=len(epochs),
        best_epoch=done.best_epoch if done else None,
        model=job.config.model,
        weights=job.config.weights,
        parameters=run.started.parameters if run.started else None,
        weights_bytes=_weights_bytes(run) if done else None,
        peak_mb=max((_peak_mb(event) for event in epochs), default=0.0) or None,
        films_seen=films * len(epochs),
        fitting_seconds=sum(event.epoch_seconds - event.validation_seconds for event in epochs),
        footprint=footprint(run.folder),
        train_seconds=sum(event.epoch_seconds for event in epochs),
        seed=job.config.seed,
        batch=done.batch if done else job.config.batch,
        optimizer=done.optimizer if done else job.config.optimizer,
        number=job.number,
        attempts=attempts(run),
        losses=losses_in_words(run),
        split=split(run),
        again=again_in_words(run, later),
        superseded=later is not None,
    )


def _weights_bytes(run: Run) -> int | None:
    try:
        return run.best_weights.stat().st_size
    except (RecordError, OSError):
        return None


def _peak_mb(epoch: Epoch) -> float:
    """Return the most memory that a training had taken: of its GPU where it had one."""
    for name in _PEAKS:
        if name in epoch.system:
            return epoch.system[name]
    return 0.0


def _other_scores(run: Run) -> Evaluation:
    return run.scores(numbering=_OTHER[run.job.numbering.numbering])


def _data(study: StudyRecord) -> dict[str, object]:
    manifest = study.manifest
    return {
        "fingerprint": manifest.fingerprint,
        "sources": list(manifest.source_names),
        "films": {part: manifest.count(part) for part in PARTS},
        "instances": {part: sum(manifest.instances(part).values()) for part in PARTS},
    }


def _machine(runs: Sequence[Run]) -> str:
    started = next((run.started for run in reversed(runs) if run.started), None)
    if started is None:
        return platform.machine()
    device = "" if started.device == "CPU" else f", {started.device}"
    facts = started.environment
    return f"{facts['processor']}, {facts['cores']} cores{device}"


def gather_evidence(
    config: StudyConfig, study: StudyRecord, reader: MatchReader
) -> Evidence | None:
    """Return what the validation part shows of every variant and confirmed finalist.

    None before the baseline has completed.
    """
    completed = [run for run in study.runs if run.outcome == "completed"]
    baseline = next((run for run in completed if run.job.kind == "baseline"), None)
    if baseline is None:
        return None
    arms = confirmed_arms(completed)
    own = arms.get("baseline", Arm("baseline", baseline, []))
    replicates = [baseline, *own.fresh]
    before = reader.runs(replicates)
    patients = reader.patients(before[0])
    variants = [
        effect_of(run.name, before, [reader.run(run)], patients, config.objective)
        for run in completed
        if run.job.kind == "variant"
    ]
    scores = [run.score(config.objective) for run in before]
    return Evidence(
        objective=config.objective,
        films=len(patients),
        patients=len(set(patients)),
        baseline_scores=scores,
        noise_sd=float(np.std(scores, ddof=1)) if len(scores) > 2 else None,
        seeds=config.confirm.seeds if config.confirm else 0,
        detectable_sd=detectable_effect(config.confirm.seeds, config.confirm.top)
        if config.confirm
        else None,
        variants=variants,
        arms=arm_results(arms.values(), reader, config.objective),
        numbering=baseline.job.numbering.numbering,
    )
