"""The report's figures of levels: the spine and confusion matrices."""

from __future__ import annotations

from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.transforms import Affine2D

from spineseg.evaluation.result import Evaluation
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.report.confused import confusion_words
from spineseg.report.drawing import (
    BLUE,
    FAINT,
    INK,
    LEAST_PX,
    ORANGE,
    SMALL_PT,
    SOFT,
    as_svg,
    fixed_figure,
    house_style,
)
from spineseg.report.shares import right_by_level

_SHARES = LinearSegmentedColormap.from_list("shares", [ORANGE, "#f3e3c3", "#9cc3e2", BLUE])
_LOW_SHARE = 0.4
_STEP, _PITCH = 0.78, 5.8
_UNIT_IN = 0.371  # Of the spine's drawing.
_MOST_LETTERS = 20  # Of a name above its column; longer ones are broken.
_MATRIX_IN, _MATRIX_PX = 5.4, 530  # Two of that width stand beside each other on a wide screen.
_COUNT_PT = ((100, 7.4), (1000, 6.6), (float("inf"), 5.2))  # Counts below -> the size that fits.
_DARK_SHARE = 0.5  # From here on figures are white.


def spine(evaluations: dict[str, Evaluation]) -> str:
    """Draw a column of 24 bodies for each evaluation, coloured by the share of right levels.

    The scale of colours begins at 40 %: a lower share is as orange.

    Beside each body: its level, its share, its mask AP50-95, and for a second evaluation the
    change of the share against the first, in points.
    """
    several = len(evaluations) > 1
    with house_style(**{"axes.grid": False}):
        titles = {name: fill(name, _MOST_LETTERS) for name in evaluations}
        above = 0.5 * max(title.count("\n") for title in titles.values())
        figure, axes = fixed_figure(4.35 if several else 1.8, 7.6 + _UNIT_IN * above, (0, 0, 0, 0))
        first: dict[str, float] = {}
        for place, (title, evaluation) in enumerate(evaluations.items()):
            _column(axes, _PITCH * place, titles[title], evaluation, first)
            first = first or right_by_level(evaluation)
        axes.set_xlim(-1.75, _PITCH * (len(evaluations) - 1) + (4.1 if several else 2.8))
        axes.set_ylim(-_STEP * len(ANATOMICAL_ORDER) + 0.25, 2.0 + above)
        axes.set_aspect("equal")
        axes.axis("off")
        says = " ".join(f"{name}: {_column_words(e)}" for name, e in evaluations.items())
        return as_svg(figure, "Share of right levels along the spine", says)


def _column_words(evaluation: Evaluation) -> str:
    found = right_by_level(evaluation)
    if not found:
        return "no labelled vertebra."
    order = sorted(found, key=lambda level: found[level])
    low, high = order[0], order[-1]
    text = f"from {found[low]:.0%} ({low}) to {found[high]:.0%} ({high}) of a level's vertebrae"
    return f"{text} have their right level, over {len(found)} levels."


def _column(
    axes: Axes, left: float, title: str, evaluation: Evaluation, first: dict[str, float]
) -> None:
    shares = right_by_level(evaluation)
    axes.text(left - 1.7, 1.5, title, fontweight="bold", fontsize=10, va="bottom")
    heads = [(1.75, "right"), (2.7, "AP")] + ([(4.0, "change")] if first else [])
    for x, head in heads:
        axes.text(left + x, 0.78, head, ha="right", fontsize=SMALL_PT, color=SOFT)
    for rank, level in enumerate(ANATOMICAL_ORDER):
        y, share = -_STEP * rank, shares.get(level)
        _body(
            axes,
            left,
            rank,
            "#eef1f4" if share is None else _SHARES((share - _LOW_SHARE) / (1 - _LOW_SHARE)),
        )
        axes.text(left - 1.7, y, level, va="center", fontsize=SMALL_PT)
        score = evaluation.levels.get(level)
        ap = score.mask_ap50_95 if score else None
        cells = [(1.75, "–" if share is None else f"{share:.0%}", INK)]
        cells.append((2.7, "–" if ap is None else f"{ap:.2f}", SOFT))
        if share is not None and level in first:
            points = round((share - first[level]) * 100)
            tint = BLUE if points > 0 else ORANGE if points < 0 else SOFT
            cells.append((4.0, f"{points:+d}".replace("-", "−") if points else "±0", tint))
        for x, text, tint in cells:
            axes.text(left + x, y, text, ha="right", va="center", fontsize=SMALL_PT, color=tint)


def _body(axes: Axes, left: float, rank: int, face: object) -> None:
    """Draw one vertebral body on the curve of a spine seen from its side."""
    width, height = 0.46 + 0.022 * rank, _STEP * (0.62 + 0.006 * rank)
    along = rank / (len(ANATOMICAL_ORDER) - 1)
    x = left - 0.12 + 0.3 * np.sin(2 * np.pi * (along * 1.22 - 0.12)) * (0.45 + 0.55 * along)
    slope = np.cos(2 * np.pi * (along * 1.22 - 0.12)) * 0.3 * (0.45 + 0.55 * along)
    patch = FancyBboxPatch(
        (x - width / 2, -_STEP * rank - height / 2),
        width,
        height,
        facecolor=face,
        boxstyle="round,pad=0,rounding_size=0.1",
        edgecolor="#6b7885",
        lw=0.8,
    )
    turn = Affine2D().rotate_deg_around(x, -_STEP * rank, float(np.degrees(slope) * 0.35))
    patch.set_transform(turn + axes.transData)
    axes.add_patch(patch)


def confusion(title: str, evaluation: Evaluation) -> str:
    """Draw a confusion matrix in anatomical order, shaded by the share of its row.

    The diagonal is blue, and one level up or down tinted, so that off-by-one errors show. It is
    never smaller than its figures can be read at.
    """
    seen = {level for row in evaluation.confusion.values() for level in row}
    levels = [lv for lv in ANATOMICAL_ORDER if lv in evaluation.confusion or lv in seen]
    rows, columns = [*levels, "invented"], [*levels, "missed"]
    counts = np.array(
        [
            [evaluation.confusion.get(true, {}).get(found, 0) for found in columns]
            for true in [*levels, "background"]
        ],
        float,
    )  # (true, found)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    least_pt = next(size for most, size in _COUNT_PT if counts.max(initial=0) < most)
    with house_style(**{"axes.grid": False, "font.size": 7.5}):
        figure, axes = fixed_figure(_MATRIX_IN, 5.6, (0.72, 0.72, 0.05, 0.3))
        _diagonals(axes, len(levels))
        cells, shades = [], []
        for i, j in np.argwhere(counts > 0):
            right = i == j and i < len(levels)
            cells.append(Rectangle((j, i), 1, 1))
            shades.append(to_rgba(BLUE if right else ORANGE, shade(float(share[i, j]))))
            size = next(size for most, size in _COUNT_PT if counts[i, j] < most)
            axes.text(
                j + 0.5, i + 0.53, f"{counts[i, j]:.0f}", ha="center", va="center",
                fontsize=size, color="white" if share[i, j] >= _DARK_SHARE else INK,
            )  # fmt: skip
        axes.add_collection(PatchCollection(cells, facecolors=shades, lw=0, gid="ground-cells"))
        axes.axhline(len(levels), color="#8795a3", lw=0.8)
        axes.axvline(len(levels), color="#8795a3", lw=0.8)
        axes.set_xlim(0, len(columns))
        axes.set_ylim(len(rows), 0)
        axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90)
        axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
        axes.tick_params(length=0)
        axes.set_aspect("equal")
        axes.spines[["top", "right"]].set_visible(True)
        axes.set_xlabel("found as")
        axes.set_ylabel("true level")
        axes.set_title(title)
        least_px = max(_MATRIX_PX, LEAST_PX * 72 * _MATRIX_IN / least_pt)
        return as_svg(figure, f"Confusion matrix of {title}", confusion_words(evaluation), least_px)


def shade(share: float) -> float:
    """Return how opaque a cell of that share of its row is.

    Neither white nor dark figures have a contrast of 4.5:1 between 0.69 and 0.87: that is leapt.
    """
    return 0.1 + 1.16 * share if share < _DARK_SHARE else 0.9 + 0.2 * (share - _DARK_SHARE)


def _diagonals(axes: Axes, levels: int) -> None:
    """Tint the band of one level up or down, and rule the cells."""
    band = [
        Rectangle((j, i), 1, 1) for i in range(levels) for j in (i - 1, i, i + 1) if 0 <= j < levels
    ]
    axes.add_collection(PatchCollection(band, facecolor="#f4f1ea", lw=0, gid="ground-band"))
    axes.set_xticks(range(1, levels + 1), minor=True)
    axes.set_yticks(range(1, levels + 1), minor=True)
    axes.grid(which="minor", color=FAINT, lw=0.5)
    axes.tick_params(which="minor", length=0)
