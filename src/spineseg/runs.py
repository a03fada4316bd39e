"""The record of a run, read: its job, its log, its evaluations; and all the runs of a study.

Everything after training reads runs, and so do the projections to Optuna and MLflow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spineseg.called import pasted
from spineseg.config.numbering import Numbering
from spineseg.errors import RecordError
from spineseg.events import EVENTS_FILE, Again, Epoch, Event, Failed, Finished, Scored, Started
from spineseg.files import is_locked
from spineseg.films import Part
from spineseg.job import JOB_FILE, Job
from spineseg.places import LOCK_FILE
from spineseg.run_log import Mark, RunLog, brief, told

if TYPE_CHECKING:
    from spineseg.evaluation.records import FilmRecord
    from spineseg.evaluation.result import Evaluation

Outcome = Literal["completed", "pruned", "failed", "running"]
_RUN_FOLDER = re.compile(r"(\d{3,})-(.+)")


@dataclass(frozen=True)
class Run:
    """One run: what it is, what was asked, what happened."""

    folder: Path
    job: Job
    log: Sequence[Event]

    @property
    def name(self) -> str:
        """What it is called within its study."""
        return self.job.name

    @property
    def epochs(self) -> list[Epoch]:
        """Its epochs in order, read anew; of one trained twice, after an interruption, the later.

        Raises RecordError for one whose figures are none.
        """
        found = {event.epoch: event for event in self.log if isinstance(event, Epoch)}
        return [found[number] for number in sorted(found)]

    @cached_property
    def marks(self) -> list[Mark]:
        """Its epochs as `epochs` has them, their scores alone: a twentieth of it."""
        found = {mark.epoch: mark for mark in self.brief() if isinstance(mark, Mark)}
        return [found[number] for number in sorted(found)]

    def brief(self) -> list[Event | Mark]:
        """Return what happened in order, of each epoch its mark."""
        return brief(self.log, self.job.objective)

    @cached_property
    def _counted(self) -> tuple[int, Mark | None]:
        known = self.log.last_of_all() if isinstance(self.log, RunLog) else None
        return known or (len(self.marks), self.marks[-1] if self.marks else None)

    @property
    def epoch_count(self) -> int:
        """How many epochs it has."""
        return self._counted[0]

    @property
    def last_epoch(self) -> Mark | None:
        """The highest of its epochs."""
        return self._counted[1]

    @cached_property
    def _told(self) -> list[Event]:
        return told(self.log)

    @property
    def last_time(self) -> float:
        """When something was last said of it: seconds since the Unix epoch."""
        if isinstance(self.log, RunLog):
            return self.log.last_time or self.job.created
        return self.log[-1].time if self.log else self.job.created

    @cached_property
    def started(self) -> Started | None:
        """What its last attempt ran on."""
        return next((e for e in reversed(self._told) if isinstance(e, Started)), None)

    @cached_property
    def end(self) -> Finished | Failed | None:
        """How it ended; None while it has not."""
        return next((e for e in self._told if isinstance(e, Finished | Failed)), None)

    @property
    def finished(self) -> Finished | None:
        """Its end, where it has weights."""
        return self.end if isinstance(self.end, Finished) else None

    @property
    def failed(self) -> Failed | None:
        """Its end, where it has none."""
        return self.end if isinstance(self.end, Failed) else None

    @property
    def outcome(self) -> Outcome:
        """The word for its end; `running` while it has none, whether or not it is at work."""
        if self.finished is not None:
            return self.finished.outcome
        return "failed" if self.failed is not None else "running"

    @property
    def asked_again(self) -> Again | None:
        """What asks, after its failure, for its training anew; None where nothing does."""
        return next((event for event in self._told if isinstance(event, Again)), None)

    @property
    def scored(self) -> list[Scored]:
        """What it was scored on after its end."""
        return [event for event in self._told if isinstance(event, Scored)]

    @property
    def best_weights(self) -> Path:
        """Its best checkpoint. Raises RecordError where it did not finish, or the file is gone."""
        path = self.folder / self.ended.best_weights
        if not path.is_file():
            raise RecordError(f"{path}: the run's weights are gone; put them back")
        return path

    @property
    def value(self) -> float:
        """The objective of its best weights. Raises RecordError where it did not finish."""
        return self.ended.metrics[f"best/{self.job.objective}"]

    @property
    def ended(self) -> Finished:
        """Its end, with weights. Raises RecordError where it did not finish."""
        if self.finished is None:
            run = pasted(f"run {self.job.study}")
            raise RecordError(f"{self.folder}: has not finished; go on with `{run}`")
        return self.finished

    def is_evaluated(self, part: Part = "valid") -> bool:
        """Return whether it left scores and records of a part."""
        from spineseg.evaluation.stored import is_evaluated  # Here: numpy, for few commands.

        return is_evaluated(self.folder, part)

    def scores(self, part: Part = "valid", numbering: Numbering | None = None) -> Evaluation:
        """Return its scores on a part, as its study numbers or otherwise.

        Raises DataError where they are missing or damaged.
        """
        from spineseg.evaluation.stored import stored_scores

        return stored_scores(self.folder, part, numbering or self.job.numbering.numbering)

    def records(self, part: Part = "valid") -> list[FilmRecord]:
        """Return its records of single films on a part, as its study numbers.

        Raises DataError where they are missing or damaged.
        """
        from spineseg.evaluation.stored import stored_records

        return stored_records(self.folder, part, self.job.numbering.numbering)


def outcome_now(run: Run) -> Outcome | Literal["interrupted"]:
    """Return the word for a run's end; one that has none and is not at work is interrupted."""
    at_work = run.outcome != "running" or is_locked(run.folder / LOCK_FILE)
    return run.outcome if at_work else "interrupted"


def read_run(folder: Path) -> Run:
    """Return the run in a folder.

    Raises RecordError for a folder without a job, of another version, under another run's name,
    or with another run's log.
    """
    job = Job.read(folder)
    if folder.name != job.folder_name:
        raise RecordError(
            f"{folder}: holds the run {job.folder_name} of study {job.study!r}; give the folder "
            "that name again, or move it away"
        )
    run = Run(folder, job, RunLog(folder, job.id, job.objective))
    problem = _contradiction(run)
    if problem is not None:
        log = folder / EVENTS_FILE
        raise RecordError(f"{log}: {problem}; put the run's own log back, or move the folder away")
    return run


def _contradiction(run: Run) -> str | None:
    """Return what in a run's log cannot be; None where all can."""
    objective = run.job.objective
    if not run.log and any((run.folder / "train" / "weights").glob("best.*")):
        return "says nothing, and there are weights"
    if isinstance(run.log, RunLog) and run.log.unscored:
        return f"has an epoch without {objective}"
    if sum(isinstance(event, Finished | Failed) for event in told(run.log)) > 1:
        return "says twice that the run has ended"
    if run.asked_again is not None and run.failed is None:
        return "asks for the run again, and does not say that it failed"
    if run.finished is None:
        return None
    if not math.isfinite(run.finished.metrics.get(f"best/{objective}", math.nan)):
        return f"says that the run finished, without {objective}"
    return None if run.epoch_count else "says that the run finished, without an epoch"


def read_runs(study_folder: Path) -> list[Run]:
    """Return all runs of a study, by number; none where it was never run.

    Of one name there are several where all but the last failed and were tried again: `standing`.

    Raises RecordError as `read_run` does, for two folders with one number, and for a run of
    another study.
    """
    if not study_folder.is_dir():
        return []
    runs = [read_run(folder) for folder in sorted(study_folder.iterdir()) if _is_run(folder)]
    for run in runs:
        if run.job.kind == "timing":
            raise RecordError(f"{run.folder}: is no run of the study; move it away")
        if run.job.study != study_folder.name:
            raise RecordError(
                f"{run.folder}: is a run of study {run.job.study!r}, not of {study_folder.name!r}; "
                "move it back"
            )
    _refuse_twins(runs)
    return sorted(runs, key=lambda run: run.job.number)


def first_baseline(study_folder: Path) -> Run | None:
    """Return a study's baseline, not its trainings on fresh seeds; None where it has none yet.

    Of one that was tried again, the last. Raises RecordError where its folder is damaged.
    """
    return last_of_name(study_folder, "baseline")


def last_of_name(study_folder: Path, name: str) -> Run | None:
    """Return a study's run of that name, of one that was tried again the last; None without one.

    Raises RecordError where its folder is damaged.
    """
    runs = [read_run(folder) for folder in study_folder.glob(f"*-{name}") if _is_run(folder)]
    runs = [run for run in runs if run.name == name]
    return max(runs, key=lambda run: run.job.number, default=None)


def _is_run(folder: Path) -> bool:
    """Return whether something in a study's folder is a run, or wants to be one."""
    if folder.name.startswith("."):
        return False
    return bool(_RUN_FOLDER.fullmatch(folder.name)) or (folder / JOB_FILE).exists()


def _refuse_twins(runs: Sequence[Run]) -> None:
    """Raise RecordError for two of one number, id or name; a failed one may be tried again."""
    known: dict[tuple[str, object], Run] = {}
    for run in runs:
        for what in ("number", "id"):
            twin = known.setdefault((what, getattr(run.job, what)), run)
            if twin is not run:
                raise _twin(run, what, twin)
    before: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: run.job.number):
        twin = before.get(run.name, run)
        if twin is not run and (twin.failed is None or not _is_same_training(run, twin)):
            raise _twin(run, "name", twin)
        before[run.name] = run


def _is_same_training(one: Run, other: Run) -> bool:
    keys = ("kind", "arm", "changes")
    return all(getattr(one.job, key) == getattr(other.job, key) for key in keys)


def _twin(run: Run, what: str, twin: Run) -> RecordError:
    failed = " and is not that training" if twin.failed is not None and what == "name" else ""
    return RecordError(
        f"{run.folder}: has the {what} of {twin.folder.name}{failed}; move one of the two away"
    )
