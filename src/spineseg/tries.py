"""The tries at one training: runs that failed and were tried again, and a run's own attempts."""

from __future__ import annotations

from collections.abc import Iterable

from spineseg.events import LossKind, Lost, Started
from spineseg.job import Job
from spineseg.run_log import Mark, told
from spineseg.runs import Run

_LOSSES: dict[LossKind, str] = {
    "killed": "was killed",
    "out_of_memory": "ran out of memory",
    "stalled": "stalled",
    "node_lost": "lost its machine",
}
_LONGEST = 80


def tried_again(runs: Iterable[Run]) -> dict[str, Run]:
    """Return, by the id of each run that failed and was tried again, the next of its name."""
    found: dict[str, Run] = {}
    before: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: run.job.number):
        if run.name in before:
            found[before[run.name].job.id] = run
        before[run.name] = run
    return found


def numbered(job: Job) -> str:
    """Return a run's number as its folder has it: "012"."""
    return f"{job.number:03d}"


def again_in_words(run: Run, later: Run | None) -> str:
    """Return that a failed run is tried again, and as which; empty where it is not."""
    if later is not None:
        return f"tried again as {numbered(later.job)}"
    return "to be tried again" if run.asked_again is not None else ""


def losses(run: Run) -> list[Lost]:
    """Return a run's attempts that ended without its end."""
    return [event for event in told(run.log) if isinstance(event, Lost)]


def attempts(run: Run) -> int:
    """Return how many attempts a run took, so far as its log says."""
    return max([1, *(e.attempt for e in told(run.log) if isinstance(e, Started | Lost))])


def split(run: Run) -> int:
    """Return the most parts that a batch of a run was trained in; 1: whole."""
    return max((event.split for event in told(run.log) if isinstance(event, Started)), default=1)


def loss_in_words(lost: Lost, epochs: int) -> str:
    """Return how an attempt ended: "attempt 1 was killed (SIGKILL) after epoch 12"."""
    said = " ".join(lost.message.split())
    said = f"{said[: _LONGEST - 3]}..." if len(said) > _LONGEST else said
    after = f"after epoch {epochs}" if epochs else "before its first epoch ended"
    return f"attempt {lost.attempt} {_LOSSES[lost.kind]}{f' ({said})' if said else ''} {after}"


def losses_in_words(run: Run) -> list[str]:
    """Return how each attempt of a run ended that was not its last, with the epochs until then."""
    found: list[str] = []
    epochs = 0
    for event in run.brief() if losses(run) else ():  # Of most there is none: no epoch is read.
        if isinstance(event, Mark):
            epochs = event.epoch
        elif isinstance(event, Lost):
            found.append(loss_in_words(event, epochs))
    return found
