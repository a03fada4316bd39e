"""Runs told in memory, second by second: nothing is trained, nothing is written."""

from __future__ import annotations

import io
from pathlib import Path

from run_folders import epoch, finished, make_job

from spineseg.config.study import StudyConfig
from spineseg.events import Epoch, Event, Finished, Phase, Started
from spineseg.job import Job
from spineseg.runs import Run

START, EACH, SCORING, PICTURES, RECORDING = 2.0, 10.0, 8.0, 4.0, 1.0
WHOLE = START + 3 * EACH + SCORING + PICTURES + RECORDING
STUDY = {
    "name": "small",
    "data": {"sources": [{"kind": "local", "path": "/data"}]},
    "baseline": {"epochs": 3},
    "variants": [
        {"name": "no-flips", "hypothesis": "Flips hurt.", "changes": {"fliplr": 0.0}},
        {"name": "large", "hypothesis": "More sees more.", "changes": {"model": "yolo11s-seg"}},
    ],
    "search": {"trials": 1, "space": {"lr0": {"low": 0.001, "high": 0.1, "log": True}}},
    "numbering": "argmax",
    "confirm": {"top": 1, "seeds": 2},
    "devices": {"device": "cpu"},
}


class Terminal(io.StringIO):
    """A terminal of which only what is written to it is kept."""

    def isatty(self) -> bool:
        return True


def study(**changes: object) -> StudyConfig:
    """Return a study of three certain trainings, one searched, four on fresh seeds at most."""
    return StudyConfig.model_validate(STUDY | changes)


def job(number: int, name: str, **changes: object) -> Job:
    """Return one of its jobs, asked for a minute after the one before."""
    told = {"number": number, "name": name, "created": 1_700_000_000.0 + 60 * number}
    return make_job(**told, **changes)


def on_fresh_seed(number: int, arm: str, seed: int) -> Job:
    """Return a job of the confirmation."""
    asked = study().baseline.with_(seed=seed)
    return job(number, f"{arm}-seed-{seed}", kind="confirm", arm=arm, config=asked)


def story(asked: Job, live: float = 0.3, scored: float = 0.4) -> list[Event]:
    """Return what a whole training says, from its start to its end."""
    at = asked.created + START
    log: list[Event] = [_started(asked, at)]
    for number in range(1, asked.config.epochs + 1):
        at += EACH
        log.append(_epoch(asked, number, at, live * number / asked.config.epochs))
    for name, seconds in (("scoring", SCORING), ("pictures", PICTURES), ("recording", RECORDING)):
        log.append(Phase(run=asked.id, time=at, name=name))  # type: ignore[arg-type]
        at += seconds
    return [*log, _finished(asked, at, scored)]


def whole(asked: Job, live: float = 0.3, scored: float = 0.4) -> Run:
    """Return a run on record that has completed."""
    return Run(Path(asked.folder_name), asked, tuple(story(asked, live, scored)))


def _started(asked: Job, at: float) -> Started:
    return Started(
        run=asked.id, time=at, pid=1, device="CPU", parameters=5, resolved={}, environment={}
    )


def _epoch(asked: Job, number: int, at: float, live: float) -> Epoch:
    scores = dict.fromkeys(("valid/mask_map50", "valid/mask_map50_95"), live)
    return epoch(asked, number).model_copy(update={"time": at, "metrics": scores})


def _finished(asked: Job, at: float, scored: float) -> Finished:
    best = {"best/mask_map50": 0.8, "best/mask_map50_95": scored, "best/right_level_rate": 0.7}
    return finished(asked, 3).model_copy(update={"time": at, "metrics": best})
