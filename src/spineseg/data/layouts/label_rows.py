"""Reads a YOLO label file: a class index, then the points of an outline, or a box, in a row."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spineseg.data.labels import MOST_LABELS, RawLabel, all_labels, too_many
from spineseg.files import shown

_SEPARATORS = re.compile(r"[\s,;]+")
_WHOLE = re.compile(r"([+-]?\d+)(\.0*)?$")
_MOST_BYTES = 20_000_000


def raw_rows(path: Path, names: Mapping[int, str]) -> Sequence[RawLabel]:
    """Return the labels of one film's file as they are written."""
    where = shown(path)
    try:
        if not path.is_file() and os.path.lexists(path):  # A pipe would be waited for.
            return (all_labels(where, "is no file; put the labels there"),)
        if path.stat().st_size > _MOST_BYTES:
            return (all_labels(where, "is too large; export the labels again"),)
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problem = "was there and is gone: the folder changed while it was read; run again"
        return (all_labels(where, problem),)
    except UnicodeDecodeError:
        return (all_labels(where, "is no text file; export the labels again"),)
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        return (all_labels(where, f"cannot be read ({reason}); mend its folder"),)
    rows = [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(rows) > MOST_LABELS:
        return (too_many(len(rows), f"{where}:{rows[0][0]}"),)
    return [_raw_row(line, f"{where}:{number}", names) for number, line in rows]


def _raw_row(line: str, where: str, names: Mapping[int, str]) -> RawLabel:
    def wrong(problem: str) -> RawLabel:
        return RawLabel("", where, (), problem=problem)

    if "," in line and "." not in line:
        return wrong("has commas where points are expected; write 0.5, not 0,5")
    plain = "," not in line and ";" not in line
    first, *rest = line.split() if plain else _SEPARATORS.split(line.strip().rstrip(",;"))
    try:
        whole = _WHOLE.match(first)
        index, values = int(whole[1] if whole else first), np.array(list(map(float, rest)))
    except (ValueError, OverflowError):
        return wrong("holds something else than numbers; mend or remove it")
    if index not in names:
        return wrong(
            f"class {index} is out of range, the class names are 0..{len(names) - 1}; "
            "mend the class or the names"
        )
    if len(values) == 4:
        x, y, half_width, half_height = values * [1, 1, 0.5, 0.5]
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        ring = np.array([(x + a * half_width, y + b * half_height) for a, b in corners])
        return RawLabel(names[index], where, (ring,), is_box=True)
    problem = _no_outline(values, rest)
    if problem:
        return wrong(problem)
    return RawLabel(names[index], where, (values.reshape(-1, 2),))


def _no_outline(values: np.ndarray, texts: Sequence[str]) -> str | None:
    """Say what a row is that is no outline: a prediction's box, keypoints, or a broken row."""
    count = len(values)
    if count == 5 or (count == 6 and texts[-1].isdigit() and (values[:5] <= 1).all()):
        what = "confidence" if count == 5 else "confidence and number"
        return f"is a box with {what}, as a tracker or a prediction writes it; draw its outline"
    if _has_keypoints(values):
        return (
            "is a box with keypoints (YOLO pose), not an outline; export outlines instead (YOLO "
            "segmentation)"
        )
    if count < 6 or count % 2:
        return (
            f"has {count} coordinates; an outline has an even number, 6 or more (a confidence at "
            "the end is none); mend or remove the line"
        )
    return None


def _has_keypoints(values: np.ndarray) -> bool:
    """Return whether a row is a box and triples of x, y, visibility 0, 1 or 2.

    A short outline along the film's edge may look so by chance, but for a 2 or an odd count.
    """
    seen = values[6::3]
    if (len(values) - 4) % 3 or not len(seen) or not np.isin(seen, (0, 1, 2)).all():
        return False
    return bool((seen == 2).any() or len(values) % 2 or len(seen) > 3)
