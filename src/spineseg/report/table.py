"""The leaderboard: every run against the baseline, as text, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

from spineseg.config.model import Model
from spineseg.evidence.results import RunSummary, StudySummary

NONE = "–"
CLEAR_DIFFERENCE = 0.01
"""Rule of thumb where no interval is known: smaller differences are not told from chance."""
SCORES = (
    "mask_map50",
    "mask_map50_95",
    "box_map50",
    "box_map50_95",
    "mask_best_f1",
    "mask_best_f1_confidence",
    "right_level_rate",
    "seconds_per_image",
)
_OUTCOMES = ("completed", "running", "pruned", "failed")


class Row(Model):
    """One run: its scores and their differences to the baseline's. None: not measured."""

    name: str
    kind: str
    outcome: str
    is_best: bool
    scores: dict[str, float | None]
    deltas: dict[str, float | None]
    parameters: int | None
    epochs: int
    hours: float
    notes: list[str]
    judged: dict[str, str] | None = None  # Score -> verdict by interval; None: no intervals.


@dataclass(frozen=True)
class Column:
    """How one column is headed and written; `delta` names the score whose difference it shows."""

    head: str
    write: Callable[[Row], str]
    delta: str | None = None
    left: bool = False

    def difference(self, row: Row) -> str:
        """Return the row's difference to the baseline as text, empty where there is none."""
        value = row.deltas[self.delta] if self.delta else None
        if value is None:
            return ""
        return signed_points(value) if self.delta == "right_level_rate" else signed(value)

    def tone(self, row: Row) -> str:
        """Return "up" or "down" for a clear difference of a completed run, else nothing.

        Clear is what its interval says; the rule of thumb where the study has no intervals.
        """
        value = row.deltas[self.delta] if self.delta else None
        if value is None or row.outcome != "completed":
            return ""
        if row.judged is not None:
            word = row.judged.get(self.delta or "", "")
            return {"better": "up", "worse": "down"}.get(word, "")
        return ("up" if value > 0 else "down") if is_clear(value) else ""


def is_clear(delta: float) -> bool:
    """Return whether a difference, judged as it is printed, is more than chance may well give."""
    return abs(round(delta, 3)) >= CLEAR_DIFFERENCE


def signed(value: float) -> str:
    """Return a difference of scores to three digits; nought has no side."""
    return f"{value:+.3f}" if round(value, 3) else "±0.000"


def signed_points(value: float) -> str:
    """Return a difference of shares in percentage points."""
    return f"{value * 100:+.1f}" if round(value * 100, 1) else "±0.0"


def _score(name: str, pattern: str, scale: float = 1.0) -> Callable[[Row], str]:
    def write(row: Row) -> str:
        value = row.scores[name]
        return NONE if value is None else pattern.format(value * scale)

    return write


def _parameters(row: Row) -> str:
    return NONE if row.parameters is None else f"{row.parameters / 1e6:.1f}"


def _mark(row: Row) -> str:
    return "* " if row.is_best else "= " if row.kind == "baseline" else "  "


COLUMNS = (
    Column("run", lambda row: row.name, left=True),
    Column("mask mAP50", _score("mask_map50", "{:.3f}"), "mask_map50"),
    Column("mask 50-95", _score("mask_map50_95", "{:.3f}"), "mask_map50_95"),
    Column("box mAP50", _score("box_map50", "{:.3f}"), "box_map50"),
    Column("box 50-95", _score("box_map50_95", "{:.3f}"), "box_map50_95"),
    Column("F1", _score("mask_best_f1", "{:.3f}")),
    Column("conf", _score("mask_best_f1_confidence", "{:.2f}")),
    Column("level %", _score("right_level_rate", "{:.1f}", 100), "right_level_rate"),
    Column("ms/im", _score("seconds_per_image", "{:.0f}", 1000)),
    Column("Mpar", _parameters),
    Column("ep", lambda row: str(row.epochs) if row.epochs else NONE),
    Column("hours", lambda row: f"{row.hours:.2f}" if row.hours else NONE),
    Column("outcome", lambda row: row.outcome, left=True),
)
# What a narrow terminal does without, first to last: differences first, then whole columns.
_WAIVED = ("±box mAP50", "±box 50-95", "±level %", "Mpar", "conf", "±mask mAP50", "ms/im", "hours")


def leaderboard(summary: StudySummary) -> list[Row]:
    """Return the configurations, completed ones first and by the objective.

    The baseline leads equals. Trainings on fresh seeds are no configurations of their own.
    """
    evidence = summary.evidence
    judged: dict[str, dict[str, str]] = {}
    for effect in evidence.variants if evidence else ():
        judged.setdefault(effect.name, {})[effect.metric] = effect.verdict
    rows = [
        _row(run, summary.baseline, summary.best).model_copy(
            update={"judged": judged.get(run.name, {}) if evidence else None}
        )
        for run in summary.configurations
    ]

    def place(row: Row) -> tuple[int, float, bool]:
        value = row.scores.get(summary.objective)
        return (
            _OUTCOMES.index(row.outcome),
            float("inf") if value is None else -value,
            row.kind != "baseline",
        )

    return sorted(rows, key=place)


def _row(run: RunSummary, baseline: RunSummary | None, best: str | None) -> Row:
    scores = {name: run.value(name) for name in SCORES}
    deltas: dict[str, float | None] = dict.fromkeys(SCORES)
    if baseline is not None and run.name != baseline.name:
        deltas = {name: _difference(scores[name], baseline.value(name)) for name in SCORES}
    return Row(
        name=run.name,
        kind=run.kind,
        outcome=run.outcome,
        is_best=run.name == best,
        scores=scores,
        deltas=deltas,
        parameters=run.parameters,
        epochs=run.epochs,
        hours=run.train_seconds / 3600,
        notes=run.notes,
    )


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def as_text(rows: list[Row], width: int = 120) -> str:
    """Return the table for a terminal of `width` characters: names left, figures right.

    Differences stand behind their score. What does not fit is left out, box differences first;
    below about 80 characters nothing more can go.
    """
    text = _text(rows, frozenset())
    for count in range(1, len(_WAIVED) + 1):
        if max(map(len, text.splitlines())) <= width:
            break
        text = _text(rows, frozenset(_WAIVED[:count]))
    return text


def _text(rows: list[Row], waived: frozenset[str]) -> str:
    columns = [column for column in COLUMNS if column.head not in waived]
    blocks = []
    for column in columns:
        cells = [(_mark(row) if column.head == "run" else "") + column.write(row) for row in rows]
        if column.delta and f"±{column.head}" not in waived:
            deltas = [column.difference(row) for row in rows]
            room = max(map(len, deltas), default=0)
            cells = [f"{c} {d:>{room}}" if room else c for c, d in zip(cells, deltas, strict=True)]
        lines = [("  " if column.head == "run" else "") + column.head, *cells]
        size = max(map(len, lines))
        blocks.append([c.ljust(size) if column.left else c.rjust(size) for c in lines])
    lines = ["  ".join(parts).rstrip() for parts in zip(*blocks, strict=True)]
    rule = "-" * max(map(len, lines))
    return "\n".join(
        [lines[0], rule, *lines[1:], "", "* best  = baseline  +/- against the baseline"]
    )


def as_markdown(rows: list[Row]) -> str:
    """Return the table for a document."""
    lines = [
        "| " + " | ".join(column.head for column in COLUMNS) + " |",
        "|" + "".join("---|" if column.left else "---:|" for column in COLUMNS),
    ]
    for row in rows:
        cells = [f"{column.write(row)} {column.difference(row)}".strip() for column in COLUMNS]
        cells[0] = f"**{cells[0]}**" if row.is_best else cells[0]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def as_csv(rows: list[Row]) -> str:
    """Return the table for a spreadsheet, figures in full; empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out)
    deltas = [f"{name}_delta" for name in SCORES]
    writer.writerow(
        ["run", "kind", "outcome", *SCORES, *deltas, "parameters", "epochs", "hours", "notes"]
    )
    for row in rows:
        scores = [row.scores[name] for name in SCORES] + [row.deltas[name] for name in SCORES]
        head, tail = [row.name, row.kind, row.outcome], [row.parameters, row.epochs, row.hours]
        writer.writerow([*head, *scores, *tail, " ".join(row.notes)])
    return out.getvalue()
