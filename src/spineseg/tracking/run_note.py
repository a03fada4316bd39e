"""What a training was and how it ended, in words: the note that its page in MLflow opens with."""

from __future__ import annotations

from collections.abc import Sequence

from spineseg.events import Event, Failed, Finished, Lost, Started
from spineseg.films import SYNTHETIC
from spineseg.job import Job
from spineseg.metrics import metric_named, signed
from spineseg.remedies import REMEDIES

_MOST_MESSAGE = 1000


def run_note(
    job: Job,
    end: Finished | Failed | None = None,
    baseline: float | None = None,
    log: Sequence[Event] = (),
    again: str = "",
) -> str:
    """Return the note of a training: what it is, what it gained, how it ended; as Markdown.

    `baseline` is the objective of the first baseline; None where it is not known yet. Of `log` it
    tells how many attempts were needed, and whether a batch was trained in parts; `again` says of
    a failed one as which it was tried again.
    """
    match end:
        case Finished():
            said = [_score(job, end, baseline), _finished(job, end)]
        case Failed():
            said = [f"**{again[0].upper()}{again[1:]}.**"] if again else []
            said += _failed(end)
        case None:
            said = ["In training; figures follow at its end."]
    parts = [
        f"{_what(job)} **{SYNTHETIC}**" if job.synthetic else _what(job),
        *said,  # Before the rest: MLflow folds a note after some lines.
        *_attempts(log),
        f"Difference from the baseline: {job.changed}." if job.kind != "baseline" else "",
        f"Hypothesis: {job.hypothesis}" if job.hypothesis and job.kind == "variant" else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _what(job: Job) -> str:
    study = f"study {job.study}"
    return {
        "baseline": f"The baseline of {study}: what every other training is compared with.",
        "variant": f"{job.name}, a variant of {study}.",
        "search": f"{job.name}, found by the search of {study}.",
        "confirm": f"{job.arm} once more, on the fresh seed {job.config.seed}, to confirm what "
        f"{study} found.",
    }.get(job.kind, f"{job.name} of {study}.")


def _score(job: Job, end: Finished, baseline: float | None) -> str:
    score = end.metrics[f"best/{job.objective}"]
    goal = metric_named(job.objective).label
    if job.kind == "baseline":
        return f"{goal} **{score:.3f}** on the validation films."
    if baseline is None:
        return f"{goal} **{score:.3f}** on the validation films; the baseline has not ended yet."
    return (
        f"{goal} **{score:.3f}** on the validation films against the baseline's {baseline:.3f}: "
        f"**{signed(score - baseline)}**. That is one training against one; whether it is more "
        "than chance, the study's own note says."
    )


def _finished(job: Job, end: Finished) -> str:
    hours = end.train_seconds / 3600
    took = f"{hours:.1f} h" if hours >= 1.5 else f"{end.train_seconds / 60:.1f} min"
    best = f"best in epoch {end.best_epoch} of {end.epochs}, {took} of training"
    if end.outcome == "pruned":
        return (
            f"Pruned after {end.epochs} of {job.config.epochs} epochs: the search gave it up as "
            f"hopeless, which is no failure; {best}."
        )
    return f"Completed: {best}."


def _attempts(log: Sequence[Event]) -> list[str]:
    """Return what a person has to know of how it came to its end; nothing of one plain attempt."""
    lost = [event.kind for event in log if isinstance(event, Lost)]
    started = [event for event in log if isinstance(event, Started)]
    attempts = max((event.attempt for event in started), default=1)
    said = []
    if attempts > 1 or lost:
        ways = f" (lost: {', '.join(lost)})" if lost else ""
        said.append(f"Trained in {attempts} attempts{ways}, each from the last whole epoch.")
    if started and started[-1].split > 1:
        said.append(
            f"**Trained in parts**: the device had too little memory for a batch, so each was "
            f"trained in {started[-1].split} parts, their gradients added up. Its figures may "
            "differ a little from those of a whole batch."
        )
    return said


def _failed(end: Failed) -> list[str]:
    lines = end.message.strip().splitlines() or ["no message"]
    quoted = "\n".join(f"    {line}" for line in lines)[:_MOST_MESSAGE]
    return [f"**Failed: {end.kind}.**", quoted, f"Remedy: {REMEDIES[end.kind]}."]
