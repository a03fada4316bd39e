"""The predictions as a table: a row a vertebra, a row for a film without one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from spineseg.files import shown
from spineseg.levels import place

_COLUMNS = (
    *("film", "level", "confidence", "left_px", "top_px", "right_px", "bottom_px"),
    *("centroid_x_px", "centroid_y_px", "area_px", "centroid_x_mm", "centroid_y_mm", "area_mm2"),
    *("spacing", "width_px", "height_px", "note", "model", "weights_sha256", "trained_on"),
    *("confidence_threshold", "numbering", "film_sha256", "caution"),
)
_FORMULA = ("=", "+", "-", "@", "\t")  # What a spreadsheet would run.


def header() -> str:
    """Return the table's first line."""
    return _line(_COLUMNS)


def rows(answer: dict[str, Any]) -> str:
    """Return the lines of one film's answer, of an error too.

    From head to pelvis, in pixels of the film; in millimetres where the film's file says its
    spacing, and how far they hold, `spacing` says.
    """
    weights = answer["weights"]
    common = {
        "film": cell(answer["image"]),
        "spacing": (answer.get("spacing") or {}).get("kind"),
        "width_px": answer.get("width"),
        "height_px": answer.get("height"),
        "note": note(answer),
        "model": weights["label"],
        "weights_sha256": weights["sha256"],
        "trained_on": weights["trained_on"],
        "confidence_threshold": answer["confidence_threshold"],
        "numbering": weights["numbering"],
        "film_sha256": answer.get("film_sha256"),
        "caution": answer["caution"],
    }
    found = [_vertebra(each, answer["spacing"]) for each in downwards(answer["vertebrae"])]
    return "".join(
        _line([(common | each).get(name, "") for name in _COLUMNS]) for each in found or [{}]
    )


def note(answer: dict[str, Any]) -> str:
    """Return what is to be known of a film's answer; mostly nothing."""
    if answer.get("error"):
        why = shown(answer["error"])  # The film's place stands beside the note.
        return f"not predicted: {why.removeprefix(shown(answer['image']) + ': ')}"
    same = answer.get("same_picture_as")
    parts = [f"same picture as {cell(same)}"] if same else []
    return "; ".join([*parts, *(["no vertebra found"] if not answer["vertebrae"] else [])])


def cell(text: str) -> str:
    """Return a path in one line, that no spreadsheet takes for a formula."""
    plain = shown(text)
    return f"./{plain}" if plain.startswith(_FORMULA) else plain


def downwards(vertebrae: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return vertebrae from head to pelvis."""
    return sorted(vertebrae, key=lambda vertebra: place(vertebra["level"]))


def _vertebra(found: dict[str, Any], spacing: dict[str, Any] | None) -> dict[str, Any]:
    area, (x, y) = found["area_px"], found["centroid"]
    left, top, right, bottom = found["box"]
    row = {
        "level": found["level"],
        "confidence": found["confidence"],
        "left_px": left,
        "top_px": top,
        "right_px": right,
        "bottom_px": bottom,
        "centroid_x_px": x,
        "centroid_y_px": y,
        "area_px": area,
    }
    if spacing:
        across, down = spacing["column_mm"], spacing["row_mm"]
        row |= {
            "centroid_x_mm": round(x * across, 2),
            "centroid_y_mm": round(y * down, 2),
            "area_mm2": round(area * across * down, 2),
        }
    return row


def _line(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
