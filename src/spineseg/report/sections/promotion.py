"""The sealed test part and the registry: how often it was opened, which gates were passed."""

from __future__ import annotations

from typing import Any

from spineseg.evidence.results import SealedTest, StudySummary
from spineseg.report.grid import Grid
from spineseg.report.wording import count
from spineseg.seal.opening import Opening


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where neither was tried."""
    test = summary.test
    if test is None:
        return None
    return {
        "gates": gates(test),
        "gates_text": gates_text(test),
        "openings": openings(test),
        "openings_text": openings_text(test),
    }


def gates(test: SealedTest) -> Grid:
    """Return the gates of the last promotion with their figures."""
    rows = [[gate.name, "passed" if gate.passed else "REFUSED", gate.figure] for gate in test.gates]
    return Grid(["gate", "outcome", "figure"], rows, prose=(2,))


def gates_text(test: SealedTest) -> str:
    """Return how the last promotion ended; empty where none was tried."""
    if not test.gates:
        return ""
    refused = [gate.name for gate in test.gates if not gate.passed]
    name = test.candidate or "The candidate"
    if test.promoted:
        return f"{name} passed every gate and was promoted."
    why = f"; refused by: {', '.join(refused)}" if refused else ""
    return f"{name} was not promoted{why}."


def openings(test: SealedTest) -> Grid:
    """Return every opening with its reason."""
    rows = [
        [
            opening.time,
            opening.study,
            opening.who or "not kept",
            count(len(opening.films), "film") if opening.films else "not kept",
            count(len(opening.runs), "run"),
            _reason(opening),
        ]
        for opening in test.openings
    ]
    return Grid(["opened", "by study", "who", "films", "for", "reason"], rows, prose=(5,))


def _reason(opening: Opening) -> str:
    """Return why it was opened, and what was gone on with in spite of it."""
    accepted = f" In spite of: {'; '.join(opening.accepted)}." if opening.accepted else ""
    return f"{opening.reason or 'none'}{accepted}"


def openings_text(test: SealedTest) -> str:
    """Return how large the sealed part is, and how often it was opened."""
    times = len(test.openings)
    if not times and not test.films:
        return "The test part has not been opened."
    size = f"{count(test.films, 'film')} of {count(test.patients, 'patient')}. " * bool(test.films)
    often = {0: "opened, but no opening is on record", 1: "opened once"}
    return f"{size}The test part of these data was {often.get(times, f'opened {times} times')}."
