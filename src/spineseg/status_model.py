"""A study's status: its figures for programs, and as a person reads them."""

from __future__ import annotations

import time

from pydantic import Field

from spineseg.config.model import Model
from spineseg.metrics import metric_named
from spineseg.run_times import duration

_HEAD = "  #  name                     state        epochs   live  baseline  scored  baseline"


class TrialStatus(Model):
    """One training on record, or one that is certain to come."""

    number: int | None = Field(description="Its place in the study; none before it has begun.")
    name: str
    kind: str
    state: str = Field(
        description="waiting, running, paused, interrupted, completed, pruned or failed."
    )
    phase: str = Field("", description="What a running one is at.")
    epochs: int = 0
    live: float | None = Field(None, description="The trainer's own objective, of the last epoch.")
    live_baseline: float | None = Field(None, description="The baseline's at that epoch.")
    scored: float | None = Field(None, description="This project's objective of the best weights.")
    scored_baseline: float | None = Field(None, description="What that is compared with.")
    silent_seconds: float | None = Field(None, description="Since a running one's last event.")
    seconds_left: float | None = Field(None, description="Estimate for one that has not ended.")
    note: str = ""


class StudyStatus(Model):
    """A study on record."""

    study: str
    objective: str
    synthetic: bool
    trials: tuple[TrialStatus, ...]
    counts: dict[str, int] = Field(description="Trainings by state, of those that have begun.")
    trainings_at_most: int
    search_left: int
    confirm_left: int = Field(description="Trainings on fresh seeds to come, at most.")
    seconds_left: float | None = Field(description="Estimate, none pruned; none: nothing measured.")
    seconds_expected: float | None = Field(
        None, description="The same as pruning goes and finalists look so far; seconds_left: most."
    )
    time_left: str = Field(description="In words, with the limit that ends the study, if one does.")
    slots: str = Field("", description="Trainings at a time, where the config does not say.")
    baseline: float | None = Field(description="The baseline's scored objective.")
    best: str | None = Field(description="The configuration that scored best; no fresh seed.")
    best_scored: float | None
    finished: bool
    holder: str | None = Field(description="The process that runs or promotes the study now.")
    held_since: float | None = Field(description="Seconds since the Unix epoch.")
    freed_bytes: int = Field(0, description="Removed from run folders, by store.keep: best.")
    page: str | None = Field(description="The report, where there is one.")
    next: str = Field(description="The command to go on with.")

    def text(self) -> str:
        """Return the status as a person reads it."""
        return _text(self)


def _text(status: StudyStatus) -> str:
    """Return the table of trainings, and below it how far the study is and how it goes on."""
    goal = metric_named(status.objective).label
    kind = "synthetic X-rays; says nothing of patients" if status.synthetic else "radiographs"
    lines = [f"study {status.study} ({kind})", "", _HEAD]
    lines += [_row(trial) for trial in status.trials]
    ended = sum(status.counts.get(word, 0) for word in ("completed", "pruned", "failed"))
    counts = ", ".join(f"{number} {word}" for word, number in status.counts.items())
    return "\n".join(
        [
            *lines,
            "",
            f"live: the trainer's own {goal} of the last epoch; scored: this project's, of the "
            "best weights",
            f"{ended} of at most {status.trainings_at_most} trainings ended ({counts}); to come: "
            f"{status.search_left} searched, at most {status.confirm_left} on fresh seeds; "
            f"{status.time_left}",
            *([status.slots] if status.slots else []),
            f"{'best' if status.finished else 'best so far'}: {_best(status)}",
            _holder(status),
            *([_freed(status.freed_bytes)] if status.freed_bytes else []),
            *([f"page: {status.page}"] if status.page else []),
            f"next: {status.next}",
        ]
    )


def _row(trial: TrialStatus) -> str:
    number = "" if trial.number is None else str(trial.number)
    figures = (trial.live, trial.live_baseline, trial.scored, trial.scored_baseline)
    live, live_by, scored, scored_by = ("" if f is None else f"{f:.3f}" for f in figures)
    said = [trial.phase, trial.note]
    if trial.silent_seconds is not None and not trial.note.startswith("no event"):
        said.append(f"last event {duration(trial.silent_seconds)} ago")
    if trial.seconds_left is not None:
        said.append(f"about {duration(trial.seconds_left)} left")
    return (
        f"{number:>3}  {trial.name:<24} {trial.state:<12} {trial.epochs:>6}  {live:>5}  "
        f"{live_by:>8}  {scored:>6}  {scored_by:>8}  {'; '.join(word for word in said if word)}"
    ).rstrip()


def _freed(size: int) -> str:
    return (
        f"store.keep best: {size / 2**20:.0f} MiB removed from folders of ended runs, listed in "
        "the shrunk.json of each"
    )


def _best(status: StudyStatus) -> str:
    if status.best is None or status.best_scored is None:
        return "none has ended yet"
    beside = "" if status.baseline is None else f" (baseline {status.baseline:.3f})"
    of_it = "" if status.best == "baseline" else beside
    again = any(trial.kind == "confirm" and trial.state == "completed" for trial in status.trials)
    told = "what fresh seeds say of it, `compare` tells" if again else "not confirmed by that"
    return f"{status.best}, scored {status.best_scored:.3f}{of_it}; {told}"


def _holder(status: StudyStatus) -> str:
    if status.holder is None or status.held_since is None:
        return "nobody runs it now"
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.held_since))
    return f"held by process {status.holder} since {since}"
