"""How far a study is: every training's state, phase and scores, what is to come and for how long.

Read from the folders alone, so that it answers at once, beside whoever runs the study.
"""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Sequence
from textwrap import fill

from spineseg.beside_baseline import live_beside, of_baseline, scored_beside
from spineseg.called import pasted
from spineseg.config.recorded import reference
from spineseg.config.study import StudyConfig
from spineseg.events import in_parts
from spineseg.expected import expected_seconds
from spineseg.limits.ahead import ahead, end_of
from spineseg.limits.budget import Budget
from spineseg.limits.cut import cut_short
from spineseg.limits.shrink import freed_bytes
from spineseg.places import StudyPlaces
from spineseg.progress import phase_in_words
from spineseg.run_times import PAUSED, Rates, duration
from spineseg.runs import Run, read_runs
from spineseg.standing import standing
from spineseg.status_model import StudyStatus, TrialStatus
from spineseg.study_record import read_study
from spineseg.time_left import begun_anew, measured, so_far
from spineseg.training.control import LOG_FILE, is_running
from spineseg.training.slots_on_record import slots_on_record
from spineseg.trials import again, asked_again, refuse_another, to_come
from spineseg.tries import again_in_words, attempts, split, tried_again

_SILENT_SECONDS = 300.0  # And longer than this many epochs:
_SILENT_EPOCHS = 3


def study_status(
    config: StudyConfig, words: Sequence[str] = (), now: float | None = None
) -> StudyStatus:
    """Return how far the study is; `words` name it in the next command, else its name on record.

    Raises StoreError where it was never run, RecordError where its folder is damaged.
    """
    places = StudyPlaces(config.store.root, config.name)
    study = read_study(places)
    runs, now = study.runs, now or time.time()
    working = {run.name for run in runs if run.end is None and is_running(run.folder)}
    taken = measured(config, runs)
    baselines = of_baseline(standing(runs))
    trials = [
        _begun(run, baselines, taken, now, run.end is None and run.name in working) for run in runs
    ]
    trials = _with_tries(trials, config, runs)
    coming = to_come(config, runs)
    asked = {spec.name for spec in asked_again(runs)}
    chosen = all(spec.kind == "confirm" and spec.arm for spec in coming)  # The finalists.
    trials += [
        TrialStatus(number=None, name=spec.name, kind=spec.kind, state="waiting")
        for spec in coming
        if chosen or spec.kind in ("baseline", "variant") or spec.name in asked
    ]
    tried = [run for run in runs if run.job.kind != "confirm" and run.outcome == "completed"]
    best = max(tried, key=lambda run: run.value, default=None)
    finished = is_finished(config, runs)
    since = places.held_since()
    slots = slots_on_record(config, runs)
    end = end_of(
        config.limits,
        Budget(config.limits).used(runs),
        [trial.seconds_left or 0.0 for trial in trials if trial.state == "running"],
        ahead(config, runs, taken, working, now, expected_seconds(config, runs, taken)),
        slots.number,
        now,
    )
    cut = cut_short(config, runs, now)
    ended = finished or (bool(cut) and all(run.end for run in runs))
    verb = "status" if since is not None else "compare" if ended else "run"
    return StudyStatus(
        study=config.name,
        objective=config.objective,
        synthetic=study.manifest.synthetic,
        trials=tuple(trials),
        counts=dict(Counter(trial.state for trial in trials if trial.number is not None)),
        trainings_at_most=len(runs) + len(coming),
        search_left=sum(spec.kind == "search" for spec in coming),
        confirm_left=sum(spec.kind == "confirm" for spec in coming),
        seconds_left=end.seconds if taken.epoch is not None else None,
        seconds_expected=end.expected if taken.epoch is not None else None,
        time_left="nothing left to run" if finished else cut or end.in_words(taken),
        slots=slots.words,
        baseline=next((run.value for run in tried if run.job.kind == "baseline"), None),
        best=best.name if best else None,
        best_scored=best.value if best else None,
        finished=finished,
        holder=places.holder() if since is not None else None,
        held_since=since,
        freed_bytes=freed_bytes(runs),
        page=str(places.report) if places.report.exists() else None,
        next=pasted(f"{verb} {shlex.join(words or reference(config))}"),
    )


def _begun(
    run: Run, baselines: Sequence[Run], taken: Rates, now: float, working: bool
) -> TrialStatus:
    state: str = run.outcome
    job, last, note, phase = run.job, run.last_epoch, "", ""
    silent = left = None
    if run.end is None:
        found = so_far(run)
        if not working:
            paused = found.phase == PAUSED
            state = PAUSED if paused else "interrupted"
            found = found if paused else begun_anew(found, now)
        else:
            phase, silent = phase_in_words(found, job), now - found.last
            patience = max(_SILENT_SECONDS, _SILENT_EPOCHS * taken.epoch_seconds(job.config))
            if silent > patience:
                note = f"no event for {duration(silent)}: see {run.folder / LOG_FILE}"
        left = taken.left(job.config, found, now) if taken.epoch is not None else None
    live_by = live_beside(job, last.epoch, baselines) if last else None
    scored_by = scored_beside(job, baselines) if run.finished else None
    if run.failed:
        note = f"{run.failed.kind}: {run.failed.message}"
    return TrialStatus(
        number=job.number,
        name=run.name,
        kind=job.kind,
        state=state,
        phase=phase,
        epochs=run.epoch_count,
        live=last.score if last else None,
        live_baseline=live_by.value if live_by else None,
        scored=run.value if run.finished else None,
        scored_baseline=scored_by.value if scored_by else None,
        silent_seconds=silent,
        seconds_left=left,
        note=note,
    )


def _with_tries(
    trials: Sequence[TrialStatus], config: StudyConfig, runs: Sequence[Run]
) -> list[TrialStatus]:
    """Return the trials with their attempts, and what becomes of failed ones, in their notes."""
    later, of_itself = tried_again(runs), {run.job.id for run in again(runs, config)}
    found = []
    for trial, run in zip(trials, runs, strict=True):
        words = again_in_words(run, later.get(run.job.id))
        words = "the next `run` tries it again" if run.job.id in of_itself else words
        tries = f"{attempts(run)} attempts" if attempts(run) > 1 else ""
        note = "; ".join(filter(None, (trial.note, words, tries, in_parts(split(run)))))
        found.append(trial.model_copy(update={"note": note}))
    return found


def is_finished(config: StudyConfig, runs: Sequence[Run]) -> bool:
    """Return whether nothing is left to run, or to try again of itself."""
    left = to_come(config, runs) or again(runs, config)
    return bool(runs) and all(run.end for run in runs) and not left


def finished_text(config: StudyConfig) -> str | None:
    """Return what a finished study says at once, before anything slow; None where work is left.

    Raises ConfigError where the study on record is another, RecordError where it is damaged.
    """
    places = StudyPlaces(config.store.root, config.name)
    runs = read_runs(places.folder)
    refuse_another(config, runs, None)
    if not is_finished(config, runs):
        return None
    later = tried_again(runs)
    count = Counter(
        "failed and tried again" if run.job.id in later else run.outcome for run in runs
    )
    ended = ", ".join(f"{number} {word}" for word, number in count.items())
    lines = [
        f"study {config.name} is finished, nothing left to run: {len(runs)} trainings, {ended}"
    ]
    latest = max(run.end.time for run in runs if run.end)
    if places.answer.exists() and places.answer.stat().st_mtime >= latest:
        lines.append(fill(places.answer.read_text(), 100))
    if places.report.exists():
        lines.append(f"page: {places.report}")
    return "\n".join(lines)
