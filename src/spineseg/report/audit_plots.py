"""Figures of an audit: vertebrae and their shares by part, sizes and brightness by source."""

from __future__ import annotations

from matplotlib.axes import Axes

from spineseg.data.audit import Audit
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.report.drawing import (
    BLUE,
    ORANGE,
    SOFT,
    VARIANT_COLOURS,
    as_svg,
    house_style,
    new_figure,
)

_PART_COLOURS = {"train": BLUE, "valid": VARIANT_COLOURS[0], "test": VARIANT_COLOURS[1]}
_SOURCE_COLOURS = (BLUE, ORANGE, *VARIANT_COLOURS[1:])


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
        figure, axes = new_figure(6.2, 2.7)
        below = [0] * len(levels)
        for part, counts in audit.parts.items():
            labels = [counts.levels.get(level, 0) for level in levels]
            axes.bar(levels, labels, 0.8, bottom=below, color=_tint(part), label=part)
            below = [low + more for low, more in zip(below, labels, strict=True)]
        axes.set_ylabel("labelled vertebrae")
        axes.grid(axis="x", visible=False)
        _level_axis(axes, levels)
        axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        return as_svg(figure, "Labelled vertebrae of each level, by part")


def _shares(audit: Audit, levels: list[str]) -> str:
    """Draw each part's share of each level, and its share of all films as a dashed line."""
    films = sum(counts.films for counts in audit.parts.values())
    totals = [sum(part.levels.get(level, 0) for part in audit.parts.values()) for level in levels]
    with house_style():
        figure, axes = new_figure(6.2, 2.7)
        for part, counts in audit.parts.items():
            shares = [
                100 * counts.levels.get(level, 0) / total
                for level, total in zip(levels, totals, strict=True)
            ]
            axes.axhline(100 * counts.films / films, color=_tint(part), linestyle="--", linewidth=1)
            axes.plot(levels, shares, "o", color=_tint(part), markersize=4, label=part)
        axes.set_ylabel("% of a level's labels")
        axes.set_ylim(0, 104)
        _level_axis(axes, levels)
        axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        return as_svg(figure, "Each part's share of each level's labels")


def _level_axis(axes: Axes, levels: list[str]) -> None:
    axes.set_xticks(range(len(levels)), levels, fontsize=7 if len(levels) > 18 else 8)
    axes.set_xlim(-0.7, len(levels) - 0.3)


def _tint(part: str) -> str:
    return _PART_COLOURS.get(part, SOFT)


def sizes(audit: Audit) -> str:
    """Return the sizes of each source's films; a dot's area grows with their number."""
    with house_style():
        figure, axes = new_figure(4.6, 3.2)
        for number, source in enumerate(audit.sources):
            if not source.sizes:
                continue
            sides = [tuple(map(int, size.split("x"))) for size in source.sizes]
            areas = [20 + 380 * films / source.films for films in source.sizes.values()]
            tint = _SOURCE_COLOURS[number % len(_SOURCE_COLOURS)]
            widths, heights = zip(*sides, strict=True)
            axes.scatter(widths, heights, areas, color=tint, alpha=0.6, linewidths=0)
            axes.scatter([], [], 40, color=tint, alpha=0.6, label=source.name, linewidths=0)
        axes.set_xlabel("width, px")
        axes.set_ylabel("height, px")
        axes.set_xlim(0, max(axes.get_xlim()[1], 100))
        axes.set_ylim(0, max(axes.get_ylim()[1], 100))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        return as_svg(figure, "Sizes of each source's films")


def brightness(audit: Audit) -> str:
    """Return the sources' brightness as lines over the grey scale."""
    with house_style():
        figure, axes = new_figure(5.6, 3.2)
        for number, source in enumerate(audit.sources):
            middles = [16 * i + 8 for i in range(len(source.brightness))]
            shares = [100 * films / max(1, source.films) for films in source.brightness]
            tint = _SOURCE_COLOURS[number % len(_SOURCE_COLOURS)]
            axes.plot(middles, shares, color=tint, label=source.name, drawstyle="steps-mid")
        axes.set_xlabel("mean grey of a film, 0 black to 255 white")
        axes.set_ylabel("% of its films")
        axes.set_xlim(0, 256)
        axes.set_ylim(bottom=0)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        return as_svg(figure, "Brightness of each source's films")
