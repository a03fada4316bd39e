"""Figures of an audit: vertebrae and their shares by part, sizes and brightness by source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.ticker import MaxNLocator

from spineseg.data.audit import Audit
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.report.drawing import (
    BLUE,
    DASHES,
    ORANGE,
    SMALL_PT,
    SOFT,
    VARIANT_COLOURS,
    WIDTH_IN,
    as_svg,
    house_style,
    new_figure,
)
from spineseg.report.wording import listed

_MOST_LEVELS = 12  # Beside each other; of more the names are turned.
_PART_COLOURS = {"train": BLUE, "valid": VARIANT_COLOURS[0], "test": VARIANT_COLOURS[1]}
_PART_MARKS = {"train": "o", "valid": "s", "test": "^"}
_PART_DASHES = dict(zip(_PART_MARKS, DASHES[1:], strict=True))
_PART_HATCHES = {"train": "", "valid": "////", "test": "...."}
_SOURCE_COLOURS = (BLUE, ORANGE, *VARIANT_COLOURS[1:])
_SOURCE_MARKS = "osD^vPX"


def labelled_levels(audit: Audit) -> list[str]:
    """Return the levels that any part has labels of, head to pelvis."""
    parts = audit.parts.values()
    return [level for level in ANATOMICAL_ORDER if any(part.levels.get(level) for part in parts)]


def balance(audit: Audit) -> list[str]:
    """Return the labelled vertebrae of each level by part, and each part's share of them."""
    levels = labelled_levels(audit)
    return [_vertebrae(audit, levels), _shares(audit, levels)] if levels else []


def _vertebrae(audit: Audit, levels: list[str]) -> str:
    with house_style():
        figure, axes = new_figure(WIDTH_IN, 2.7)
        below = [0] * len(levels)
        for part, counts in audit.parts.items():
            labels = [counts.levels.get(level, 0) for level in levels]
            axes.bar(
                levels, labels, 0.8, bottom=below, color=_tint(part), label=part,
                hatch=_PART_HATCHES.get(part), edgecolor="white", lw=0.6,
            )  # fmt: skip
            below = [low + more for low, more in zip(below, labels, strict=True)]
        axes.set_ylabel("labelled vertebrae")
        axes.grid(axis="x", visible=False)
        _level_axis(axes, levels)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        says = listed(
            [f"{part} {sum(counts.levels.values())}" for part, counts in audit.parts.items()]
        )
        most, least = max(levels, key=_total(audit)), min(levels, key=_total(audit))
        text = (
            f"Labelled vertebrae: {says}. Most of one level: {most}, {_total(audit)(most)}; "
            f"fewest: {least}, {_total(audit)(least)}."
        )
        return as_svg(figure, "Labelled vertebrae of each level, by part", text)


def _total(audit: Audit) -> Callable[[str], int]:
    return lambda level: sum(part.levels.get(level, 0) for part in audit.parts.values())


def _shares(audit: Audit, levels: list[str]) -> str:
    """Draw each part's share of each level, and its share of all films as a dashed line."""
    films = sum(counts.films for counts in audit.parts.values())
    totals, words = [_total(audit)(level) for level in levels], []
    with house_style():
        figure, axes = new_figure(WIDTH_IN, 2.7)
        for part, counts in audit.parts.items():
            shares = [
                100 * counts.levels.get(level, 0) / total
                for level, total in zip(levels, totals, strict=True)
            ]
            own, dashes = 100 * counts.films / films, (0, _PART_DASHES.get(part, DASHES[1]))
            axes.axhline(own, color=_tint(part), linestyle=dashes, linewidth=1)
            mark = _PART_MARKS.get(part, "D")
            axes.plot(
                levels, shares, color=_tint(part), ls=dashes, lw=0, marker=mark, ms=4, label=part
            )
            words.append(
                f"{part} has {own:.0f} % of the films and {min(shares):.0f} to {max(shares):.0f} % "
                "of a level's labels"
            )
        axes.set_ylabel("% of a level's labels")
        axes.set_ylim(0, 104)
        _level_axis(axes, levels)
        axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        text = "; ".join(words) + "."
        return as_svg(figure, "Each part's share of each level's labels", text)


def _level_axis(axes: Axes, levels: list[str]) -> None:
    rotation = 90 if len(levels) > _MOST_LEVELS else 0
    axes.set_xticks(range(len(levels)), levels, fontsize=SMALL_PT, rotation=rotation)
    axes.set_xlim(-0.7, len(levels) - 0.3)


def _tint(part: str) -> str:
    return _PART_COLOURS.get(part, SOFT)


def sizes(audit: Audit) -> str:
    """Return the sizes of each source's films; a dot's area grows with their number."""
    with house_style():
        figure, axes = new_figure(WIDTH_IN, 3.2)
        for number, source in enumerate(audit.sources):
            if not source.sizes:
                continue
            sides = [tuple(map(int, size.split("x"))) for size in source.sizes]
            areas = [20 + 380 * films / source.films for films in source.sizes.values()]
            tint = _SOURCE_COLOURS[number % len(_SOURCE_COLOURS)]
            widths, heights = zip(*sides, strict=True)
            look: dict[str, Any] = {
                "facecolor": to_rgba(tint, 0.4), "edgecolor": tint,
                "marker": _SOURCE_MARKS[number % len(_SOURCE_MARKS)],
            }  # fmt: skip
            axes.scatter(widths, heights, areas, **look)
            axes.scatter([], [], 40, label=source.name, **look)
        axes.set_xlabel("width, px")
        axes.set_ylabel("height, px")
        axes.set_xlim(0, max(axes.get_xlim()[1], 100))
        axes.set_ylim(0, max(axes.get_ylim()[1], 100))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        words = [
            f"{source.name}: {next(iter(source.sizes))} px most often, {len(source.sizes)} "
            f"{'size' if len(source.sizes) == 1 else 'sizes'} drawn"
            for source in audit.sources
            if source.sizes
        ]
        return as_svg(figure, "Sizes of each source's films", "; ".join(words) + ".")


def brightness(audit: Audit) -> str:
    """Return the sources' brightness as lines over the grey scale."""
    with house_style():
        figure, axes = new_figure(WIDTH_IN, 3.2)
        for number, source in enumerate(audit.sources):
            middles = [16 * i + 8 for i in range(len(source.brightness))]
            shares = [100 * films / max(1, source.films) for films in source.brightness]
            tint = _SOURCE_COLOURS[number % len(_SOURCE_COLOURS)]
            dashes = DASHES[number % len(DASHES)]
            axes.plot(
                middles, shares, color=tint, label=source.name, drawstyle="steps-mid",
                ls=(0, dashes) if dashes else "-",
            )  # fmt: skip
        axes.set_xlabel("mean grey of a film, 0 black to 255 white")
        axes.set_xticks(range(0, 257, 64))
        axes.set_ylabel("% of its films")
        axes.set_xlim(0, 256)
        axes.set_ylim(bottom=0)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        words = [
            f"{source.name}: mean grey {source.brightness_mean:.0f} ± {source.brightness_sd:.0f}"
            for source in audit.sources
        ]
        return as_svg(figure, "Brightness of each source's films", "; ".join(words) + ".")
