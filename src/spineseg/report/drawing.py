"""How the report's figures look, and how a matplotlib figure becomes inline SVG."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# On white: text at 4.5:1 or more (INK, SOFT, BLUE, ORANGE), marks at 3:1 or more (WCAG 1.4.3, .11).
INK, SOFT, GREY, FAINT = "#1c2733", "#5a6875", "#87919c", "#e6eaee"
BLUE, ORANGE = "#1f66b0", "#b8401f"
VARIANT_COLOURS = (
    "#b87400",
    "#0a8f6c",
    "#c25a96",
    "#8468b5",
    "#8c564b",
    "#0e8a9a",
    "#84831a",
    "#c8593f",
    "#6b8e23",
)
DASHES = ((), (5.0, 2.0), (1.2, 1.4), (6.0, 1.6, 1.2, 1.6))
WIDTH_IN, SMALL_PT = 4.6, 8.5
"""A figure of that width with letters no smaller is read on a screen of 400 px as a whole."""
LEAST_PX = 9.0  # Of a letter on a screen.
_CSS_PX_PER_POINT = 1.5
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": "#8795a3",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": "#4a5866",
    "ytick.color": "#4a5866",
    "svg.fonttype": "none",
    "svg.hashsalt": "spineseg",
    # No "1e-8+7.21e-2" and no "1e-5" at an axis' end: each tick says its whole value.
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-12, 12),
    "axes.grid": True,
    "grid.color": FAINT,
    "axes.axisbelow": True,
    "legend.frameon": False,
}


@contextmanager
def house_style(**changes: object) -> Iterator[None]:
    """Draw with the report's fonts and colours; matplotlib's own settings come back after."""
    with rc_context(_STYLE | changes):
        yield


def new_figure(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """Return a figure of that size, in inches, and axes that leave room for what is around them."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    return figure, figure.add_subplot()


def fixed_figure(
    width_in: float, height_in: float, margins: tuple[float, float, float, float]
) -> tuple[Figure, Axes]:
    """Return a figure and axes with given left, bottom, right and top margins in inches.

    For crowded figures, whose text would take long to measure.
    """
    left, bottom, right, top = margins
    figure = Figure(figsize=(width_in, height_in))
    size = (width_in - left - right) / width_in, (height_in - bottom - top) / height_in
    return figure, figure.add_axes((left / width_in, bottom / height_in, *size))


def span(values: Iterable[float], least: float) -> tuple[float, float]:
    """Return limits around values with a little room, `least` apart where they hardly differ."""
    known = list(values)
    middle, half = (max(known) + min(known)) / 2, max(max(known) - min(known), least) / 2
    return middle - 1.16 * half, middle + 1.16 * half


class Stroke(NamedTuple):
    """How a line is drawn; dashes and marks tell it from others where colour does not."""

    colour: str
    width: float = 1.4
    dashes: tuple[float, ...] = ()  # on, off, ... in line widths; empty: solid
    marker: str = ""  # o, s or D

    def drawn(self, points: int) -> dict[str, Any]:
        """Return what `Axes.plot` needs; some six marks along `points` points."""
        return {
            "color": self.colour,
            "lw": self.width,
            "ls": (0, self.dashes) if self.dashes else "-",
            "marker": self.marker or ("o" if points == 1 else None),
            "markevery": max(1, points // 6),
            "ms": 4,
            "mfc": "white" if self.marker else self.colour,
        }


def as_svg(figure: Figure, title: str, says: str, least_px: float = 0) -> str:
    """Return the figure as an inline SVG element.

    `title` and `says`, what it shows in words, are for those who cannot see it; narrower than
    `least_px` it cannot be read. Text stays text. Ids are made unique by the drawing's digest,
    since a page holds many figures; the same figure gives the same text.
    """
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    mark = "f" + hashlib.sha256((title + says + text).encode()).hexdigest()[:8]
    text = re.sub(r'\bid="([^"]+)"', rf'id="{mark}-\1"', text)
    text = re.sub(r'(?:xlink:)?href="#([^"]+)"', rf'href="#{mark}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{mark}-\1)", text)
    text = re.sub(r' xmlns(:\w+)?="[^"]+"', "", text)
    width = max(float(figure.get_figwidth()) * 72 * _CSS_PX_PER_POINT, least_px)
    style = f"width:{width:.0f}px" + (f";min-width:{least_px:.0f}px" if least_px else "")
    words = f'<title id="{mark}-title">{escape(title)}</title>'
    words += f'<desc id="{mark}-desc">{escape(says)}</desc>'
    named = f'role="img" aria-labelledby="{mark}-title" aria-describedby="{mark}-desc"'
    box = re.search(r'viewBox="[^"]+"', text)
    assert box is not None  # matplotlib writes one.
    return f'<svg {named} style="{style}" {box[0]}>{words}' + text[text.index(">") + 1 :]
