"""What a study would run and what it would cost; checks everything, trains next to nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from spineseg.config.model import Model
from spineseg.config.search import Choices
from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.data.manifest import Dataset
from spineseg.errors import RunError
from spineseg.events import Epoch, Failed, read_events
from spineseg.evidence.significance import detectable_effect
from spineseg.job import Job
from spineseg.training.devices import Device, chosen_devices
from spineseg.training.launcher import Launcher
from spineseg.training.weights import resolve_weights
from study.confirm import confirmation_trials
from study.progress import duration
from study.records import Records
from study.search_space import check_space, check_variants
from study.trial_queue import certain_trials, train_config

# Multiply-adds of one forward pass relative to size n, from Ultralytics' model table.
_RELATIVE_WORK = {
    "yolo11n-seg": 1.0,
    "yolo11s-seg": 3.4,
    "yolo11m-seg": 11.9,
    "yolo11l-seg": 13.7,
    "yolo11x-seg": 30.7,
}
_TIMING_BATCHES = 4


class PlannedTrial(Model):
    """One trial that is certain to run."""

    name: str
    kind: str
    changes: dict[str, Any]
    hypothesis: str | None
    epochs: int
    hours: float | None = Field(description="Estimate; none without a timing.")


class Plan(Model):
    """The whole of a study before it runs."""

    study: str
    trials: tuple[PlannedTrial, ...]
    search_trials: int
    search_space: dict[str, Any]
    confirm_trials: int = Field(description="Finalists and baseline again, on fresh seeds.")
    detectable_sd: float | None = Field(
        description="Gain, in standard deviations between seeds, that confirmation tells from "
        "chance in 80 of 100 studies; none without confirmation."
    )
    devices: tuple[str, ...]
    images: dict[str, int]
    hours: float | None = Field(description="All trials, none pruned, shared among the devices.")
    basis: str = Field(description="What the estimate rests on.")


def check_study(config: StudyConfig, where: Path) -> None:
    """Raise ConfigError where a variant or the search cannot be what it says."""
    check_variants(config.baseline, {v.name: v.changes for v in config.variants}, str(where))
    check_space(config.search, config.baseline, str(where))


def check_weights(config: StudyConfig) -> None:
    """Raise WeightsError where a training that the study may come to has nothing to start from.

    Published checkpoints are fetched.
    """
    cache = Records(config).weights_cache
    wanted = [train_config(config, spec) for spec in certain_trials(config)]
    for name in ("model", "weights"):
        axis = config.search.space.get(name)
        if isinstance(axis, Choices):
            wanted += [config.baseline.with_(**{name: choice}) for choice in axis.choices]
    for training in wanted:
        resolve_weights(training, cache)


def make_plan(
    config: StudyConfig, dataset: Dataset, *, timing: bool, say: Callable[[str], None]
) -> Plan:
    """Return the plan of a checked study; `timing` trains for seconds to estimate its hours."""
    records = Records(config)
    devices = chosen_devices(config.devices.device)
    slots = len(devices) * config.devices.trials_per_device
    check_weights(config)
    seconds = None
    basis = "no timing was asked for"
    if timing:
        say("timing a few batches of the baseline")
        seconds = _epoch_seconds(config, dataset, records, devices[0])
        basis = (
            f"{seconds:.1f} s an epoch for the baseline, from {_TIMING_BATCHES} timed batches on "
            f"{devices[0].description}; other sizes and resolutions by their multiply-adds"
        )
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
                hours=_hours(wanted, config.baseline, seconds),
            )
        )
    search_hours = _hours(config.baseline, config.baseline, seconds)
    hours = None
    if search_hours is not None:
        certain = sum(trial.hours or 0 for trial in planned)
        again = config.search.trials + confirmation_trials(config)
        hours = (certain + again * search_hours) / slots
    return Plan(
        study=config.name,
        trials=tuple(planned),
        search_trials=config.search.trials,
        search_space={k: v.model_dump() for k, v in config.search.space.items()},
        confirm_trials=confirmation_trials(config),
        detectable_sd=detectable_effect(config.confirm.seeds) if config.confirm else None,
        devices=tuple(device.description for device in devices),
        images={part: dataset.manifest.count(part) for part in ("train", "valid", "test")},
        hours=hours,
        basis=basis,
    )


def _hours(config: TrainConfig, baseline: TrainConfig, seconds: float | None) -> float | None:
    """Return hours of one training, scaled from the baseline's seconds an epoch."""
    if seconds is None:
        return None
    work = _RELATIVE_WORK[config.model] / _RELATIVE_WORK[baseline.model]
    pixels = (config.image_size_px / baseline.image_size_px) ** 2
    return seconds * work * pixels * config.epochs / 3600


def _epoch_seconds(
    config: StudyConfig, dataset: Dataset, records: Records, device: Device
) -> float:
    """Return seconds of one baseline epoch, from a training of a few batches.

    Raises RunError where that training failed.
    """
    images = dataset.manifest.count("train")
    fraction = min(1.0, _TIMING_BATCHES * config.baseline.batch / images)
    folder = records.folder / "timing"
    shutil.rmtree(folder, ignore_errors=True)
    job = Job(
        config=config.baseline.with_(epochs=2),
        dataset=dataset.folder.resolve(),
        weights=resolve_weights(config.baseline, records.weights_cache),
        fraction=fraction,
    )
    job.write(folder)
    child = Launcher(records.trainer_cache).start(folder, device)
    try:
        while child.is_alive() and len(_epochs(folder)) < 2:
            time.sleep(0.1)
    finally:
        child.kill()
    epochs = _epochs(folder)
    failed = [event for event in read_events(folder) if isinstance(event, Failed)]
    if len(epochs) < 2:
        reason = failed[0].message if failed else "the training process died"
        raise RunError(f"the timing run failed: {reason}; see {folder / 'train.log'}")
    second = epochs[1]  # The first one warms up.
    training = (second.epoch_seconds - second.validation_seconds) / fraction
    shutil.rmtree(folder, ignore_errors=True)
    return training + second.validation_seconds


def _epochs(folder: Path) -> list[Epoch]:
    return [event for event in read_events(folder) if isinstance(event, Epoch)]


def plan_text(plan: Plan) -> str:
    """Return the plan as a person reads it."""
    images = ", ".join(f"{count} {part}" for part, count in plan.images.items())
    lines = [f"study {plan.study}: {images} images; on {', '.join(plan.devices)}", ""]
    for number, trial in enumerate(plan.trials, start=1):
        hours = "" if trial.hours is None else f"  about {duration(trial.hours * 3600)}"
        changes = ", ".join(f"{k} {v}" for k, v in trial.changes.items()) or "as configured"
        lines.append(f"{number:3}. {trial.name}: {changes}; {trial.epochs} epochs{hours}")
        if trial.hypothesis:
            lines.append(f"     {trial.hypothesis}")
    lines.append(f"then {plan.search_trials} searched trials over:")
    for name, axis in plan.search_space.items():
        shown = axis.get("choices") or f"{axis['low']} .. {axis['high']}"
        lines.append(f"     {name}: {shown}{' (log)' if axis.get('log') else ''}")
    if not plan.search_space:
        lines.append("     nothing")
    lines += _confirmation_lines(plan)
    total = "no estimate" if plan.hours is None else f"about {duration(plan.hours * 3600)}"
    lines += ["", f"in all: {total}, if nothing is pruned ({plan.basis})"]
    return "\n".join(lines)


def _confirmation_lines(plan: Plan) -> list[str]:
    if plan.detectable_sd is None:
        return ["no confirmation on fresh seeds: nothing can be promoted"]
    lines = [
        f"then {plan.confirm_trials} trainings on fresh seeds, the baseline's among them: a true "
        f"gain of {plan.detectable_sd:.1f} standard deviations between seeds shows in 80 of 100 "
        "such studies, a smaller one more seldom (t-test; films enough taken for granted)"
    ]
    if not plan.images["test"]:
        lines.append("no test part (data.test_fraction): nothing can be promoted")
    return lines
