"""The leaderboard: every run against the baseline, as text, Markdown and CSV."""

from __future__ import annotations

import csv
import io

from ..config import Model
from .model import RunSummary, StudySummary

NONE = "–"
_SCORES = (
    "mask_map50",
    "mask_map50_95",
    "box_map50",
    "box_map50_95",
    "mask_best_f1",
    "mask_best_f1_confidence",
    "right_level_rate",
    "seconds_per_image",
)
HEADS = (
    "run",
    "mask mAP50",
    "mAP50-95",
    "box mAP50",
    "mAP50-95",
    "F1",
    "at conf",
    "level",
    "ms/im",
    "Mpar",
    "ep",
    "hours",
    "outcome",
)


class Row(Model):
    """One run: its scores and their differences to the baseline's."""

    name: str
    kind: str
    outcome: str
    is_best: bool
    scores: dict[str, float | None]
    deltas: dict[str, float | None]
    parameters: int | None
    epochs: int
    hours: float

    def cells(self) -> list[str]:
        """Return the row as text, in the order of the heads."""

        def score(name: str, digits: int = 3) -> str:
            value = self.scores[name]
            return NONE if value is None else f"{value:.{digits}f}"

        def against(name: str) -> str:
            delta = self.deltas[name]
            return score(name) + ("" if delta is None else f" {delta:+.3f}")

        rate, seconds = self.scores["right_level_rate"], self.scores["seconds_per_image"]
        return [
            ("* " if self.is_best else "") + self.name,
            against("mask_map50"),
            against("mask_map50_95"),
            score("box_map50"),
            score("box_map50_95"),
            score("mask_best_f1"),
            score("mask_best_f1_confidence", 2),
            NONE if rate is None else f"{rate:.1%}",
            NONE if seconds is None else f"{seconds * 1000:.0f}",
            NONE if self.parameters is None else f"{self.parameters / 1e6:.1f}",
            str(self.epochs),
            f"{self.hours:.2f}",
            self.outcome,
        ]


def leaderboard(summary: StudySummary) -> list[Row]:
    """Return the runs, completed ones first and by the objective; the baseline leads equals."""
    baseline = summary.baseline
    rows = [_row(run, baseline, summary.best) for run in summary.runs]

    def place(row: Row) -> tuple[bool, float, bool]:
        value = row.scores[summary.objective]
        return (
            row.outcome != "completed",
            -(value if value is not None else -1),
            row.kind != "baseline",
        )

    return sorted(rows, key=place)


def _row(run: RunSummary, baseline: RunSummary | None, best: str | None) -> Row:
    scores = {name: run.value(name) for name in _SCORES}
    return Row(
        name=run.name,
        kind=run.kind,
        outcome=run.outcome,
        is_best=run.name == best,
        scores=scores,
        deltas={
            name: None
            if baseline is None or run.name == baseline.name
            else _difference(value, baseline.value(name))
            for name, value in scores.items()
        },
        parameters=run.parameters,
        epochs=run.epochs,
        hours=run.train_seconds / 3600,
    )


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base


def as_text(rows: list[Row]) -> str:
    """Return the table for a terminal: aligned columns, names to the left, figures to the right."""
    lines = [list(HEADS), *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADS))]
    text = [
        "  ".join(
            cell.ljust(width) if i in (0, len(HEADS) - 1) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])


def as_markdown(rows: list[Row]) -> str:
    """Return the table for a document."""
    lines = ["| " + " | ".join(HEADS) + " |", "|---" + "|---:" * (len(HEADS) - 2) + "|---|"]
    lines += ["| " + " | ".join(row.cells()).replace("* ", "\\* ") + " |" for row in rows]
    return "\n".join(lines) + "\n"


def as_csv(rows: list[Row]) -> str:
    """Return the table for a spreadsheet, figures in full; empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            "run",
            "kind",
            "outcome",
            *_SCORES,
            *(f"{name}_delta" for name in _SCORES),
            "parameters",
            "epochs",
            "hours",
        ]
    )
    for row in rows:
        writer.writerow(
            [
                row.name,
                row.kind,
                row.outcome,
                *row.scores.values(),
                *row.deltas.values(),
                row.parameters,
                row.epochs,
                row.hours,
            ]
        )
    return out.getvalue()
