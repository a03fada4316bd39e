"""How the report's figures look, and how a matplotlib figure becomes inline SVG."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, SOFT, GREY, FAINT = "#1c2733", "#5a6875", "#b3bcc6", "#e6eaee"
BLUE, ORANGE = "#1f66b0", "#cf5533"
VARIANT_COLOURS = (
    "#d98c00",
    "#0a8f6c",
    "#c25a96",
    "#8468b5",
    "#8c564b",
    "#19a3b5",
    "#a5a41f",
    "#e0674c",
    "#6b8e23",
)
_CSS_PX_PER_POINT = 1.3
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


def as_svg(figure: Figure, title: str) -> str:
    """Return the figure as an inline SVG element, `title` for those who cannot see it.

    Text stays text. Ids are made unique by the drawing's digest, since a page holds many
    figures; the same figure gives the same text.
    """
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    mark = "f" + hashlib.sha256((title + text).encode()).hexdigest()[:8]
    text = re.sub(r'\bid="([^"]+)"', rf'id="{mark}-\1"', text)
    text = re.sub(r'(?:xlink:)?href="#([^"]+)"', rf'href="#{mark}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{mark}-\1)", text)
    text = re.sub(r' xmlns(:\w+)?="[^"]+"', "", text)
    width = float(figure.get_figwidth()) * 72 * _CSS_PX_PER_POINT
    head = f'<svg role="img" aria-label="{escape(title)}" style="width:{width:.0f}px" viewBox='
    return re.sub(r'<svg[^>]*?viewBox=("[^"]+")[^>]*>', rf"{head}\1>", text, count=1)
