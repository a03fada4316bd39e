"""Which levels are taken for which: a confusion matrix in words, its commonest pairs in a table."""

from __future__ import annotations

from collections import Counter

from spineseg.evaluation.result import Evaluation
from spineseg.levels import RANK
from spineseg.report.grid import Grid
from spineseg.report.shares import shares

_MOST_PAIRS = 8  # In a table.
_MOST_SAID = 3  # In a sentence.


def pairs(evaluation: Evaluation) -> Counter[tuple[str, str]]:
    """Return (true level, level found) -> vertebrae, of those found with a wrong level."""
    return Counter(
        {
            (true, found): number
            for true, row in evaluation.confusion.items()
            for found, number in row.items()
            if true != found and true in RANK and found in RANK
        }
    )


def confusion_words(evaluation: Evaluation) -> str:
    """Return what a confusion matrix shows, in a few sentences."""
    each = shares(evaluation)
    right, near, far = (each.number(share) for share in (each.right, each.near, each.far))
    text = (
        f"Of {evaluation.instances} labelled vertebrae {right} have their right level, {near} are "
        f"one level off, {far} further off and {evaluation.missed} missed; "
        f"{evaluation.invented} are invented."
    )
    said = [f"{a} as {b} ({n})" for (a, b), n in pairs(evaluation).most_common(_MOST_SAID)]
    return text + (f" Most often confused: {', '.join(said)}." if said else "")


def commonest(evaluations: dict[str, Evaluation]) -> Grid | None:
    """Return the commonest wrong levels, all runs together; None where no level is wrong."""
    each = {name: pairs(evaluation) for name, evaluation in evaluations.items()}
    chosen = sum(each.values(), Counter()).most_common(_MOST_PAIRS)
    rows = [
        [
            f"{true} found as {found}",
            *(_cell(each[name][true, found], e, true) for name, e in evaluations.items()),
        ]
        for (true, found), _ in chosen
    ]
    return Grid(["wrong level", *evaluations], rows) if rows else None


def _cell(number: int, evaluation: Evaluation, level: str) -> str:
    score = evaluation.levels.get(level)
    return f"{number} of {score.instances}" if score else str(number)
