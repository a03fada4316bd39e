"""The studies under a root: how far each is, its best, and when it was last at work.

Read from their folders alone, so that it takes a moment: no store is opened, and no library of
training or tracking is imported. A folder that cannot be read is told as such, beside the others.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from spineseg.config.model import Model
from spineseg.config.recorded import read_origin
from spineseg.errors import SpinesegError
from spineseg.files import is_locked
from spineseg.places import StudyPlaces, studies_on_record
from spineseg.runs import Run, outcome_now, read_runs
from spineseg.study_config import recorded_config
from spineseg.trials import again, to_come
from spineseg.tries import tried_again


class ListedStudy(Model):
    """One study on record."""

    name: str
    synthetic: bool | None = Field(None, description="None where nothing of it says so.")
    state: str = Field(description="running in process N, interrupted, finished, damaged, unknown")
    runs: dict[str, int] = Field(
        default_factory=dict,
        description="How many, by outcome; failed ones that were tried again by themselves.",
    )
    to_come: int | None = Field(
        None, description="Not begun, at most; None where its config is not kept."
    )
    objective: str | None = None
    best: str | None = Field(None, description="The best completed configuration.")
    best_score: float | None = None
    baseline_score: float | None = None
    champion: str | None = Field(
        None, description="Model and version that the ledger beside the records tells last."
    )
    last: float | None = Field(None, description="When it last wrote: seconds since the epoch.")
    config: str | None = Field(None, description="The file that it was described by.")
    problem: str | None = Field(None, description="Why its folder cannot be read.")


def listed_studies(root: Path) -> list[ListedStudy]:
    """Return the studies under a root, the one that was last at work first."""
    champions = _champions(root / "promotions.jsonl")
    found = []
    for name in studies_on_record(root):
        places = StudyPlaces(root, name)
        try:
            found.append(_listed(places, champions.get(name)))
        except (SpinesegError, OSError) as error:
            problem = str(error).splitlines()[0]
            found.append(ListedStudy(name=name, state="damaged", problem=problem))
    return sorted(found, key=lambda study: (-(study.last or 0.0), study.name))


def _listed(places: StudyPlaces, champion: str | None) -> ListedStudy:
    runs = read_runs(places.folder)
    later = tried_again(runs)
    config = recorded_config(places) if places.config.is_file() else None
    origin = read_origin(places.config)
    left = None
    if config is not None:
        left = len(to_come(config, runs)) + len(again(runs, config))
    tried = [run for run in runs if run.outcome == "completed" and run.job.kind != "confirm"]
    best = max(tried, key=lambda run: run.value, default=None)
    baseline = next((run for run in tried if run.job.kind == "baseline"), None)
    synthetic = runs[0].job.synthetic if runs else config.synthetic if config else None
    return ListedStudy(
        name=places.study,
        synthetic=synthetic,
        state=_state(places, runs, left),
        runs=dict(
            Counter("tried again" if run.job.id in later else outcome_now(run) for run in runs)
        ),
        to_come=left,
        objective=config.objective if config else runs[0].job.objective if runs else None,
        best=best.name if best else None,
        best_score=best.value if best else None,
        baseline_score=baseline.value if baseline else None,
        champion=champion,
        last=_last(places, runs),
        config=str(origin.folder / origin.config) if origin else None,
    )


def _state(places: StudyPlaces, runs: Sequence[Run], left: int | None) -> str:
    if places.held_since() is not None:
        return f"running in process {places.holder()}"
    begun = [run for run in runs if run.end is None]
    at_work = [run for run in begun if is_locked(run.folder / "lock")]
    if at_work:
        return f"its driver is gone; {at_work[0].name} trains on"
    if left is None:
        return "interrupted" if begun else "unknown"
    return "interrupted" if begun or left else "finished"


def _last(places: StudyPlaces, runs: Sequence[Run]) -> float | None:
    times = [run.last_time for run in runs]
    if not times and places.config.is_file():
        times = [places.config.stat().st_mtime]
    return max(times, default=None)


def _champions(ledger: Path) -> dict[str, str]:
    """Return the model and version that each study has as champion, as the ledger's file tells.

    A look only: what is wrong with a ledger, `spineseg history` says.
    """
    last: dict[str, tuple[str, str]] = {}
    try:
        lines = ledger.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    for line in lines:
        try:
            entry = json.loads(line)
            last[entry["model"]] = entry["study"], f"{entry['model']} version {entry['version']}"
        except (ValueError, KeyError, TypeError):
            continue
    return dict(last.values())


def studies_text(studies: Sequence[ListedStudy]) -> list[tuple[str, ...]]:
    """Return a row of cells for each study that can be read, below a row of heads."""
    head = ("study", "state", "runs", "best", "baseline", "champion", "last at work", "config")
    return [head, *(_row(study) for study in studies if study.problem is None)]


def _row(study: ListedStudy) -> tuple[str, ...]:
    runs = ", ".join(f"{number} {outcome}" for outcome, number in study.runs.items()) or "none"
    left = f"; {study.to_come} to come" if study.to_come else ""
    best = "-" if study.best is None else f"{study.best} {study.best_score:.3f}"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(study.last)) if study.last else "-"
    return (
        f"{study.name}{' (synthetic)' if study.synthetic else ''}",
        study.state,
        f"{runs}{left}",
        best,
        "-" if study.baseline_score is None else f"{study.baseline_score:.3f}",
        study.champion or "-",
        when,
        study.config or "not kept",
    )
