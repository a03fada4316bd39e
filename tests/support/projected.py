"""Runs on record, and what Optuna's database tells of them: carried, or filled at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from run_folders import make_job, write_finished
from small_study import places, trials

from spineseg.config.search import FloatRange
from spineseg.config.study import StudyConfig
from spineseg.job import Job
from spineseg.lease import Lease
from spineseg.runs import Run, read_runs
from study.optuna_projection import OptunaProjection, open_study


def job(number: int, **told: Any) -> Job:
    name = told.pop("name", "baseline" if number == 0 else f"search-{number:03d}")
    searched = number > 0
    values: dict[str, Any] = {"id": f"{number:032x}", "number": number, "name": name}
    if searched:
        space = {f"hsv_{c}": FloatRange(low=0.0, high=1.0) for c in "hsv"}
        values |= {"kind": "search", "space": space, "parameters": dict.fromkeys(space, 0.5)}
    return make_job(**(values | told))


def folder_of(config: StudyConfig) -> Path:
    return places(config).folder


def written(
    config: StudyConfig, number: int, end: str | None = "completed", epochs: int = 3
) -> Run:
    write_finished(folder_of(config), job(number), epochs, end)
    return read_runs(folder_of(config))[-1]


def several(config: StudyConfig) -> list[Run]:
    """Return runs of all ends, with numbers that no run has."""
    ends = {0: "completed", 1: "failed", 2: "pruned", 4: "completed", 7: None}
    for number, end in ends.items():
        written(config, number, end, epochs=12)
    return read_runs(folder_of(config))


def facts(config: StudyConfig) -> list[dict[str, Any]]:
    """Return all that Optuna's own reading tells of the trials, but for its ids."""
    names = ("number", "state", "values", "params", "distributions", "user_attrs")
    names += ("datetime_start", "datetime_complete", "intermediate_values")
    told = [{name: getattr(trial, name) for name in names} for trial in trials(config)]
    for trial in told:
        if trial["user_attrs"].get("name") is None:  # Never a run: made when that was seen.
            trial["datetime_start"] = trial["datetime_complete"] = None
    return told


def filled(config: StudyConfig, folder: Path) -> list[dict[str, Any]]:
    """Return what an empty database has of the same folders, filled at once."""
    url = f"sqlite:///{folder / 'filled.db'}"
    store = config.store.model_copy(update={"optuna_url": url})
    other = config.model_copy(update={"store": store})
    open_study(other, read_runs(folder_of(config)))
    return facts(other)


def opened(config: StudyConfig, lease: Lease | None = None) -> OptunaProjection:
    projection = OptunaProjection(config, lease)
    projection.open()
    return projection


def all_of(projection: OptunaProjection) -> None:
    while projection.idle():
        pass
