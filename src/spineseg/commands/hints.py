"""What can be done next, at the end of a command: each line can be pasted, and works."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spineseg.called import pasted

if TYPE_CHECKING:
    from spineseg.evidence.promotion import Promotion
    from spineseg.evidence.results import StudySummary


def after_comparison(summary: StudySummary, root: Path) -> str:
    """Return what can be done with a study that was compared."""
    from spineseg.places import StudyPlaces
    from spineseg.report.going_on import browsing, can_be_registered, go_on, marking

    lines = [("Browse every run:", pasted(browsing(summary)))]
    promoted = summary.test is not None and summary.test.promoted
    words, command = go_on(summary)
    if can_be_registered(summary) and not promoted:
        lines.append(("Register the best:", pasted(command)))
    else:
        lines.append((words, pasted(command)))
    lines.append(("Mark a film of yours:", pasted(marking(summary))))
    if summary.leader is not None:
        place = StudyPlaces(root, summary.name).folder / "NNN-RUN/train/weights/best.pt"
        lines.append(("Weights of each run:", str(place)))
    return _aligned(lines)


def after_promotion(verdict: Promotion, reference: Sequence[str]) -> str:
    """Return what can be done after a promotion, or a refusal of one; `reference` is the study's.

    A refusal names no champion: there may be none.
    """
    named, elsewhere = shlex.join(reference), ""
    if len(reference) > 1:
        elsewhere = f" --config {named}"
    if verdict.promoted:
        return _aligned(
            [
                ("Mark a film of yours:", pasted(f"predict FILM.jpg{elsewhere}")),
                ("Drop one on a page:", pasted(f"try {named}")),
                ("Who promoted what:", pasted(f"history --config {named}")),
            ]
        )
    run = f"predict FILM.jpg --run {reference[0]}/{verdict.run}{elsewhere}"
    return _aligned([("Mark a film all the same:", pasted(run))])


def _aligned(lines: Sequence[tuple[str, str]]) -> str:
    """Return labels and commands in two columns; a long label stands in a line of its own."""
    width = max(len(label) for label, _ in lines if len(label) <= 30)
    return "\n".join(
        f"{label:<{width}}  {command}" if len(label) <= 30 else f"{label}\n{'':<{width}}  {command}"
        for label, command in lines
    )
