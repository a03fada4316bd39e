"""A run as a trial, in Optuna's words and without it; refused where its database tells another."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from spineseg.errors import RecordError
from spineseg.job import TOLD, Job
from spineseg.prune_audit import audit_attribute
from spineseg.runs import Run

_STATES = {"completed": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL", "running": "RUNNING"}


@dataclass
class TrialRecord:
    """What a run is as a trial, or what the database has of one."""

    number: int
    state: str
    value: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    reported: dict[int, float] = field(default_factory=dict)
    trial_id: int = -1  # The database gives its own.

    @property
    def values(self) -> list[float] | None:
        """Its value as Optuna's trials have it."""
        return None if self.value is None else [self.value]

    @property
    def name(self) -> str | None:
        """The name of its run; None where it never was one."""
        return self.attributes.get("name")

    @property
    def is_closed(self) -> bool:
        """Whether it has ended: Optuna takes nothing more for it."""
        return self.state in ("COMPLETE", "PRUNED", "FAIL")

    @property
    def never_was_a_run(self) -> bool:
        """Whether it only holds a number taken: where its run's folder comes, it is that run's."""
        return self.state == "FAIL" and self.name is None and not self.reported


def trial_of(run: Run) -> TrialRecord:
    """Return what Optuna is to hold of a run."""
    job, state = run.job, _STATES[run.outcome]
    reported = {mark.epoch: mark.score for mark in run.marks}
    return TrialRecord(
        number=job.number,
        state=state,
        value=_value(run, state, reported),
        attributes=attributes(job) | audit_attribute(run),
        params=dict(job.parameters),
        reported=reported,
    )


def _value(run: Run, state: str, reported: dict[int, float]) -> float | None:
    """Return what Optuna has as a trial's value: of a pruned one the last that was reported."""
    if state == "COMPLETE":
        return run.value
    last = run.marks[-1].score if state == "PRUNED" else math.nan
    return None if math.isnan(last) else last


def attributes(job: Job) -> dict[str, Any]:
    """Return what is told of a run beside its trial, for whoever browses Optuna's store."""
    told = job.model_dump(mode="json", include=set(TOLD))
    return {key: told[key] for key in TOLD}


def same(one: Any, other: Any) -> bool:
    """Return whether two values are one, a score that is no number and itself, too."""
    return bool(one == other or (one != one and other != other))


def refuse_contradiction(stored: TrialRecord, wanted: TrialRecord, run: Run) -> None:
    """Raise RecordError, naming both values, where the database tells something else of a run."""
    if stored.name not in (None, run.name):
        raise _contradiction(run, "the name", stored.name, run.name)
    if not stored.is_closed or stored.never_was_a_run:
        if any(wanted.params.get(key) != value for key, value in stored.params.items()):
            raise _contradiction(run, "the parameters", stored.params, wanted.params)
        return
    if run.end is None:
        raise RecordError(
            f"{run.folder}: Optuna's store has the run as {stored.state}, and its log has no "
            "end; put its events.jsonl back, or move the folder and optuna.db away to train it anew"
        )
    there, here = stored.reported, wanted.reported
    alike = there.keys() == here.keys() and all(same(there[step], here[step]) for step in here)
    for what, theirs, ours, equal in (
        ("the state", stored.state, wanted.state, stored.state == wanted.state),
        ("the parameters", stored.params, wanted.params, stored.params == wanted.params),
        (f"the {run.job.objective}", stored.values, wanted.values, stored.values == wanted.values),
        ("the epochs' scores", there, here, alike),
    ):
        if not equal:
            raise _contradiction(run, what, theirs, ours)


def refuse_missing(study: str, stored: TrialRecord) -> None:
    """Refuse a closed trial of a run that has no folder: it would not be run again."""
    if stored.is_closed and stored.name is not None:
        raise RecordError(
            f"Optuna's store has run {stored.number:03d}-{stored.name} of study {study!r} as "
            f"{stored.state}, and there is no folder of it; put the folder back, or name another "
            "store.optuna_url (or move optuna.db away): it is filled again from the folders, and "
            "what is missing is run again"
        )


def _contradiction(run: Run, what: str, there: object, here: object) -> RecordError:
    return RecordError(
        f"{run.folder}: Optuna's store has {what} {there}, the folder {here}; the folder is the "
        "record: name another store.optuna_url, or move optuna.db away, and it is filled again"
    )
