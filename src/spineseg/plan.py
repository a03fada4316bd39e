"""What a study would run and what it would cost; checks everything, trains next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pydantic import Field

from spineseg.config.model import Model
from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.data.manifest import Dataset
from spineseg.evidence.significance import LEAST_SEEDS, detectable_effect
from spineseg.films import PARTS
from spineseg.kept_plan import keep_plan, planned_now
from spineseg.limits.planned import planned_cuts
from spineseg.places import StudyPlaces
from spineseg.run_times import Rates, duration
from spineseg.runs import outcome_now, read_runs
from spineseg.study_checks import check_weights
from spineseg.time_left import measured
from spineseg.timing import TIMING_BATCHES, epoch_parts
from spineseg.training.devices import chosen_devices
from spineseg.training.slots_on_record import slots_on_record
from spineseg.training.steps import few_steps
from spineseg.trials import certain_trials, confirmation_trials, train_config

_ALONE = "training alone: starting, scoring, pictures and recording come on top"


class PlannedTrial(Model):
    """One trial that is certain to run."""

    name: str
    kind: str
    changes: dict[str, Any]
    hypothesis: str | None
    epochs: int
    hours: float | None = Field(description="Estimate; none without a timing.")
    outcome: str | None = Field(None, description="How far it is on record; none before it began.")


class Plan(Model):
    """The whole of a study before it runs."""

    study: str
    trials: tuple[PlannedTrial, ...]
    search_trials: int
    search_space: dict[str, Any]
    confirm_trials: int = Field(description="Finalists and baseline again, on fresh seeds.")
    finalists: int = Field(description="Configurations that are confirmed, at most.")
    seeds: int = Field(description="Fresh seeds of each that is confirmed.")
    detectable_sd: float | None = Field(
        description="Gain, in standard deviations between seeds, that confirmation tells from "
        "chance in 80 of 100 studies; none without confirmation."
    )
    devices: tuple[str, ...]
    films: dict[str, int]
    hours: float | None = Field(description="All trials, none pruned, shared among the devices.")
    basis: str = Field(description="What the estimate rests on.")
    cuts: tuple[str, ...] = Field((), description="Where the study's limits end it before.")
    warning: str | None = Field(description="Why its trainings would hardly differ, if so.")


def make_plan(
    config: StudyConfig, dataset: Dataset, *, timing: bool, say: Callable[[str], None]
) -> Plan:
    """Return the plan of a checked study; `timing` trains for seconds to estimate its hours."""
    devices = chosen_devices(config.devices.device)
    check_weights(config)
    places = StudyPlaces(config.store.root, config.name)
    runs = read_runs(places.folder)
    slots, at_a_time = slots_on_record(config, runs)
    known = {run.name: run for run in runs}
    taken, basis = measured(config, runs), "no timing was asked for"
    if taken.epoch is not None:
        basis = f"by what {len(runs)} trainings on record took"
        basis += "" if taken.closing is not None else f"; {_ALONE}"
    elif timing:
        say("timing a few batches of the baseline")
        seconds = sum(epoch_parts(config, dataset, devices[0]))
        taken = Rates(config.baseline, epoch=seconds)
        basis = (
            f"{seconds:.1f} s an epoch for the baseline, from {TIMING_BATCHES} timed batches on "
            f"{devices[0].description}; other sizes and resolutions by their "
            f"multiply-adds; {_ALONE}"
        )
    if timing:
        keep_plan(places, planned_now(config, taken, basis), runs)
    planned = []
    for spec in certain_trials(config):
        wanted = train_config(config, spec)
        planned.append(
            PlannedTrial(
                name=spec.name,
                kind=spec.kind,
                changes=spec.changes,
                hypothesis=spec.hypothesis,
                epochs=wanted.epochs,
                hours=_hours(wanted, taken),
                outcome=outcome_now(known[spec.name]) if spec.name in known else None,
            )
        )
    whole = planned_now(config, taken, basis).hours
    return Plan(
        study=config.name,
        trials=tuple(planned),
        search_trials=config.search.trials,
        search_space={k: v.model_dump() for k, v in config.search.space.items()},
        confirm_trials=confirmation_trials(config),
        finalists=config.confirm.top if config.confirm else 0,
        seeds=config.confirm.seeds if config.confirm else 0,
        detectable_sd=detectable_effect(config.confirm.seeds, config.confirm.top)
        if config.confirm
        else None,
        devices=tuple(device.description for device in devices),
        films={part: dataset.manifest.count(part) for part in PARTS},
        hours=None if whole is None else whole / slots,
        basis="; ".join(filter(None, (basis, at_a_time))),
        cuts=tuple(planned_cuts(config, runs, taken, slots, time.time())),
        warning=few_steps(config.baseline, dataset.manifest.count("train")),
    )


def _hours(config: TrainConfig, taken: Rates) -> float | None:
    """Return hours of one training, scaled from what the baseline's take."""
    return None if taken.epoch is None else taken.whole(config) / 3600


def plan_text(plan: Plan) -> str:
    """Return the plan as a person reads it."""
    films = ", ".join(f"{count} {part}" for part, count in plan.films.items())
    lines = [f"study {plan.study}: {films} films; on {', '.join(plan.devices)}", ""]
    for number, trial in enumerate(plan.trials, start=1):
        hours = "" if trial.hours is None else f"  about {duration(trial.hours * 3600)}"
        changes = ", ".join(f"{k} {v}" for k, v in trial.changes.items()) or "as configured"
        state = f"  ({trial.outcome})" if trial.outcome else ""
        epochs = "1 epoch" if trial.epochs == 1 else f"{trial.epochs} epochs"
        lines.append(f"{number:3}. {trial.name}: {changes}; {epochs}{hours}{state}")
        if trial.hypothesis:
            lines.append(f"     {trial.hypothesis}")
    trials = (
        "1 searched trial" if plan.search_trials == 1 else f"{plan.search_trials} searched trials"
    )
    lines.append(f"then {trials} over:")
    for name, axis in plan.search_space.items():
        shown = axis.get("choices") or f"{axis['low']} .. {axis['high']}"
        lines.append(f"     {name}: {shown}{' (log)' if axis.get('log') else ''}")
    if not plan.search_space:
        lines.append("     nothing")
    lines += _confirmation_lines(plan)
    total = "no estimate" if plan.hours is None else f"about {duration(plan.hours * 3600)}"
    lines += ["", f"in all: {total}, if nothing is pruned ({plan.basis})", *plan.cuts]
    if any(trial.outcome for trial in plan.trials):
        lines.append("what of it is on record, and what is left, `spineseg status` says")
    return "\n".join([*lines, plan.warning or ""]).rstrip()


def _confirmation_lines(plan: Plan) -> list[str]:
    if plan.detectable_sd is None:
        return ["no confirmation on fresh seeds: nothing can be promoted"]
    if not plan.finalists:
        return [
            f"then {plan.confirm_trials} trainings of the baseline on fresh seeds, to measure its "
            "noise; no finalist is confirmed (confirm.top 0): nothing can be promoted"
        ]
    lines = [
        f"then {plan.confirm_trials} trainings on fresh seeds, the baseline's among them: a true "
        f"gain of {plan.detectable_sd:.1f} standard deviations between seeds shows in 80 of 100 "
        "such studies, a smaller one more seldom (noise of seeds alone; patients enough are taken "
        "for granted)"
    ]
    if plan.seeds < LEAST_SEEDS:
        lines.append(
            f"{plan.seeds} fresh seeds are too few for a promotion, which asks for {LEAST_SEEDS}: "
            "raise confirm.seeds"
        )
    if not plan.films["test"]:
        lines.append("no test part (data.test_fraction): nothing can be promoted")
    return lines
