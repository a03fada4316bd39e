"""The table of runs: every configuration against the baseline, as text, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

from spineseg.config.model import Model
from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.metrics import PRECISIONS, RATES, Metric, Rate
from spineseg.report.wording import NONE, signed, signed_points

_KINDS = [metric.kind for metric in PRECISIONS]
_PRECISIONS = sorted(  # By kind as in the table of metrics, the looser overlap first.
    (metric for metric in PRECISIONS if metric.column),
    key=lambda metric: (_KINDS.index(metric.kind), metric.ious),
)
_RATES = [metric for metric in RATES if metric.column]
TABLED: tuple[Metric, ...] = (*_PRECISIONS, *_RATES)
"""The metrics that have a column."""
_SCORES = (
    *(metric.name for metric in _PRECISIONS),
    *("mask_best_f1", "mask_best_f1_confidence"),
    *(metric.name for metric in _RATES),
    *("cobb_error_deg", "disc_ratio_error", "seconds_per_film"),
)
_OUTCOMES = ("completed", "running", "interrupted", "pruned", "failed")
_TONES = {"better": "up", "worse": "down"}


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
    verdicts: dict[str, str]  # by metric; none where no effect was measured
    note: str = ""  # What is told of it beside its outcome.


@dataclass(frozen=True)
class Column:
    """How one column is headed and written; a metric's shows the difference to the baseline."""

    head: str
    write: Callable[[Row], str]
    metric: Metric | None = None
    left: bool = False

    def difference(self, row: Row) -> str:
        """Return the row's difference to the baseline as text, empty where there is none."""
        value = row.deltas[self.metric.name] if self.metric else None
        if value is None:
            return ""
        return signed_points(value) if isinstance(self.metric, Rate) else signed(value)

    def tone(self, row: Row) -> str:
        """Return "up" for better and "down" for worse, by the effect's verdict; else nothing."""
        return _TONES.get(row.verdicts.get(self.metric.name, ""), "") if self.metric else ""


def _score(name: str, pattern: str, scale: float = 1.0) -> Callable[[Row], str]:
    def write(row: Row) -> str:
        value = row.scores[name]
        if value is None or math.isnan(value):  # A share of nothing is no number.
            return NONE
        return pattern.format(value * scale)

    return write


def _parameters(row: Row) -> str:
    return NONE if row.parameters is None else f"{row.parameters / 1e6:.1f}"


def _mark(row: Row) -> str:
    return "* " if row.is_best else "= " if row.kind == "baseline" else "  "


COLUMNS = (
    Column("run", lambda row: row.name, left=True),
    *(Column(m.column, _score(m.name, "{:.3f}"), m) for m in _PRECISIONS),
    Column("F1", _score("mask_best_f1", "{:.3f}")),
    Column("conf", _score("mask_best_f1_confidence", "{:.2f}")),
    *(Column(m.column, _score(m.name, "{:.1f}", 100), m) for m in _RATES),
    Column("Cobb °", _score("cobb_error_deg", "{:.1f}")),
    Column("disc", _score("disc_ratio_error", "{:.3f}")),
    Column("ms", _score("seconds_per_film", "{:.0f}", 1000)),
    Column("Mpar", _parameters),
    Column("ep", lambda row: str(row.epochs) if row.epochs else NONE),
    Column("hours", lambda row: f"{row.hours:.2f}" if row.hours else NONE),
    Column("outcome", lambda row: "; ".join(filter(None, (row.outcome, row.note))), left=True),
)
# What a narrow terminal does without, first to last: differences first, then whole columns.
_WAIVED = (
    *(f"±{metric.column}" for metric in _PRECISIONS if metric.kind == "box"),
    *(f"±{metric.column}" for metric in _RATES),
    *("disc", "Cobb °", "Mpar", "conf"),
    *(f"±{m.column}" for m in _PRECISIONS if m.kind == "mask" and m.ious[0] == m.ious[1]),
    *("ms", "hours"),
)


def leaderboard(summary: StudySummary) -> list[Row]:
    """Return the configurations, completed ones first and by the objective.

    The baseline leads equals. Trainings on fresh seeds are no configurations of their own. What
    failed and was tried again is listed, too, and says so.
    """
    verdicts: dict[str, dict[str, str]] = {}
    for effect in summary.evidence.variants if summary.evidence else ():
        verdicts.setdefault(effect.name, {})[effect.metric] = effect.verdict
    rows = [
        _row(run, summary.baseline, summary.best, verdicts.get(run.name, {}))
        for run in summary.runs
        if run.kind != "confirm"
    ]

    def place(row: Row) -> tuple[int, float, bool]:
        value = row.scores.get(summary.objective)
        return (
            _OUTCOMES.index(row.outcome),
            float("inf") if value is None else -value,
            row.kind != "baseline",
        )

    return sorted(rows, key=place)


def _row(
    run: RunSummary, baseline: RunSummary | None, best: str | None, verdicts: dict[str, str]
) -> Row:
    scores = {name: run.value(name) for name in _SCORES}
    deltas: dict[str, float | None] = dict.fromkeys(_SCORES)
    if baseline is not None and run.name != baseline.name:
        deltas = {name: _difference(scores[name], baseline.value(name)) for name in _SCORES}
    return Row(
        name=run.name,
        kind=run.kind,
        outcome=run.outcome,
        is_best=run.name == best and not run.superseded,
        scores=scores,
        deltas=deltas,
        parameters=run.parameters,
        epochs=run.epochs,
        hours=run.train_seconds / 3600,
        verdicts={} if run.superseded else verdicts,
        note=run.note,
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
        if column.metric and f"±{column.head}" not in waived:
            deltas = [column.difference(row) for row in rows]
            room = max(map(len, deltas), default=0)
            cells = [f"{c} {d:>{room}}" if room else c for c, d in zip(cells, deltas, strict=True)]
        lines = [("  " if column.head == "run" else "") + column.head, *cells]
        size = max(map(len, lines))
        blocks.append([c.ljust(size) if column.left else c.rjust(size) for c in lines])
    lines = ["  ".join(parts).rstrip() for parts in zip(*blocks, strict=True)]
    rule = "-" * max(map(len, lines))
    return "\n".join(
        [
            lines[0],
            rule,
            *lines[1:],
            "",
            "* best  = baseline  +/- against the baseline; ms to predict a film",
        ]
    )


def as_markdown(rows: list[Row], heads: Collection[str] = ()) -> str:
    """Return the table for a document: all columns, or those with these heads."""
    columns = [column for column in COLUMNS if not heads or column.head in heads]
    lines = [
        "| " + " | ".join(column.head for column in columns) + " |",
        "|" + "".join("---|" if column.left else "---:|" for column in columns),
    ]
    for row in rows:
        cells = [f"{column.write(row)} {column.difference(row)}".strip() for column in columns]
        cells[0] = f"**{cells[0]}**" if row.is_best else cells[0]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def as_csv(rows: list[Row]) -> str:
    """Return the table for a spreadsheet, figures in full; empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out)
    deltas = [f"{name}_delta" for name in _SCORES]
    writer.writerow(
        ["run", "kind", "outcome", *_SCORES, *deltas, "parameters", "epochs", "hours", "note"]
    )
    for row in rows:
        scores = [row.scores[name] for name in _SCORES] + [row.deltas[name] for name in _SCORES]
        head, tail = [row.name, row.kind, row.outcome], [row.parameters, row.epochs, row.hours]
        writer.writerow([*head, *scores, *tail, row.note])
    return out.getvalue()
