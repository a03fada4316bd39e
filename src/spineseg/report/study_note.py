"""The answer of a study in a few lines of Markdown, to stand at the head of its page in MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from spineseg.config.study import StudyConfig
from spineseg.events import Failed, Finished
from spineseg.evidence.results import StudySummary
from spineseg.films import SYNTHETIC
from spineseg.job import Job
from spineseg.metrics import metric_named
from spineseg.report.claim import claim
from spineseg.report.sections.answer import answer
from spineseg.report.sections.promotion import gates_text
from spineseg.report.table import as_markdown, leaderboard
from spineseg.report.wording import count, label, run_words, signed

_BEST = 5


class Ended(NamedTuple):
    """One training that has ended, as it is told while its study runs."""

    name: str
    kind: str
    outcome: str
    score: float | None  # The objective of its best weights; None where it failed.

    @classmethod
    def of(cls, job: Job, end: Finished | Failed) -> Ended:
        """Return what is told of a training that has ended."""
        if isinstance(end, Failed):
            return cls(job.name, job.kind, "failed", None)
        return cls(job.name, job.kind, end.outcome, end.metrics[f"best/{job.objective}"])


def study_note(summary: StudySummary, page: str, most: int) -> str:
    """Return the study's answer, its verdict, its best five runs and where its page is.

    `page` is the address of that page; `most` is how many trainings the study comes to at most.
    """
    return _joined(
        _head(verdict(summary), summary.synthetic),
        f"**{answer(summary).text}**",
        gates_text(summary.test) if summary.test else "",
        _how_far(summary, most),
        f"[The study's page: curves, films, every figure with its interval]({page}) "
        "(artifact `comparison/report.html` of the run of the study)",
        _best_five(summary),
        summary.description,
    )


def verdict(summary: StudySummary) -> str:
    """Return in a few words whether there is a better model: by the report's one rule."""
    found, best, baseline = claim(summary), summary.best_run, summary.baseline
    goal = label(summary.objective)
    if found is not None:
        gain = signed(found.effect.difference)
        return f"{found.effect.verdict.capitalize()}: {found.effect.name}, {gain} {goal}"
    base = baseline.value(summary.objective) if baseline else None
    if baseline is None or base is None or baseline.outcome != "completed":
        return "Nothing to compare with yet"
    if not summary.challengers:
        return "Nothing to compare yet"
    if best is None or best.kind == "baseline":
        return "Nothing above the baseline"
    return (
        f"Not confirmed: {best.name}, {signed((best.value(summary.objective) or 0) - base)} {goal}"
    )


def running_note(config: StudyConfig, synthetic: bool, ended: Sequence[Ended], most: int) -> str:
    """Return how far a running study is: trainings that ended, the baseline, the best so far."""
    scored = [run for run in ended if run.kind != "confirm" and run.outcome == "completed"]
    baseline = next((run.score for run in scored if run.kind == "baseline"), None)
    best = max(scored, key=lambda run: run.score or 0.0, default=None)
    goal, words = label(config.objective), "The baseline has not ended yet."
    if baseline is not None:
        words = f"{goal} of the baseline: {baseline:.3f}."
    if best is not None and best.score is not None and best.kind != "baseline":
        gain = "" if baseline is None else f" ({signed(best.score - baseline)})"
        words += f" Highest so far: {best.name}, {best.score:.3f}{gain}; not confirmed."
    done = f"{len(ended)} of at most {count(most, 'training')} ended"
    return _joined(
        _head(f"Running: {done}{_other_ends([run.outcome for run in ended])}", synthetic),
        words,
        f"The answer and the page come with `spineseg compare {config.name}`.",
        config.description,
    )


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _head(words: str, synthetic: bool) -> str:
    """Return the first line. It is all that MLflow's list shows, cut short, and not as Markdown."""
    return f"{words}. {SYNTHETIC}" if synthetic else f"{words}."


def _how_far(summary: StudySummary, most: int) -> str:
    ends = [
        run.outcome for run in summary.standing if run.outcome not in ("running", "interrupted")
    ]
    left = "" if len(ends) >= most else f" of at most {most}"
    again = sum(run.superseded for run in summary.runs)
    tried = f" {again} had failed before and {'was' if again == 1 else 'were'} tried again."
    return f"{count(len(ends), 'training')}{left} ended{_other_ends(ends)}.{tried if again else ''}"


def _other_ends(outcomes: Sequence[str]) -> str:
    found = {word: outcomes.count(word) for word in ("pruned", "failed")}
    words = [f"{number} {word}" for word, number in found.items() if number]
    return f", {' and '.join(words)}" if words else ""


def _best_five(summary: StudySummary) -> str:
    rows = [row for row in leaderboard(summary) if row.outcome == "completed"]
    shown = rows[:_BEST] + [row for row in rows[_BEST:] if row.kind == "baseline"]
    if not shown:
        return ""
    column = getattr(metric_named(summary.objective), "column", "")
    heads = ("run", column, "mask mAP50", "level %", "ep")
    words = f"The best {len(shown)} of {count(len(rows), 'completed configuration')}, by "
    words += f"{label(summary.objective)}, with the difference to {run_words('baseline')}:"
    table = as_markdown(shown, heads).replace(" |", "&emsp;|")  # MLflow sets cells without a gap.
    return f"{words}\n\n{table}".rstrip()
