"""A study's figures for a paper: those of its page, each as an SVG file of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

from spineseg.evidence.results import StudySummary
from spineseg.report import anatomy
from spineseg.report.chosen_runs import evaluations
from spineseg.report.curves import valid_curve
from spineseg.report.sections import confirmation, cost, hypotheses, learning, search, working_point
from spineseg.report.wording import label

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_ROOM_PT = 14.0
"""Below a figure, for the line that says what it was drawn from."""


class PaperFigure(NamedTuple):
    """A figure of the page, and a sentence that says what it shows."""

    name: str  # Of its file, without an ending: what it is called where it cannot be seen.
    caption: str
    svg: str  # As it stands in a page.
    intervals: bool  # Whether it shows intervals.

    def file(self, line: str) -> bytes:
        """Return the figure as a file, with `line` below it, so that it says itself what it is."""
        return standalone(self.svg, line)


def paper_figures(summary: StudySummary) -> list[PaperFigure]:
    """Return the figures that the study has anything to show in."""
    found = []
    for drawn, caption, intervals in _drawn(summary):
        for svg in drawn if isinstance(drawn, list) else [drawn]:
            if svg:
                title = _title(svg)
                text = caption.format(title=title)
                found.append(PaperFigure(_file_name(title), text, svg, intervals))
    return found


def _drawn(summary: StudySummary) -> Iterator[tuple[str | list[str], str, bool]]:
    """Yield drawings, what each shows in a sentence, and whether with intervals."""
    scores = evaluations(summary)
    lines = "black the baseline, blue the leading configuration, grey what the search tried"
    goal = (valid_curve(summary.objective), f"{label(summary.objective)}, validation")
    yield (
        [learning.learning_curves(summary, *curve) for curve in (goal, *learning.LOSSES)],
        f"{{title}}, as the trainer measures it: {lines}.",
        False,
    )
    yield (
        search.searched_values(summary),
        "{title}: each point a searched training, the dashed line the baseline.",
        False,
    )
    yield (
        search.importances(summary.importances),
        "{title} (PED-ANOVA over the completed trials).",
        False,
    )
    yield (
        hypotheses.forest(summary),
        "{title}; hollow: trained once, filled: confirmed on fresh seeds.",
        True,
    )
    yield (
        confirmation.seed_dots(summary),
        "{title}: each dot a training, the bar their mean, the diamond the training by which a "
        "finalist was picked.",
        False,
    )
    if scores:
        yield anatomy.spine(scores), "{title}, by level.", False
        confusions = [anatomy.confusion(*pair) for pair in scores.items()]
        yield confusions, "{title}: true levels by row, found ones by column.", False
        yield (
            working_point.curves(scores),
            "{title}: F1 solid, precision dashed, recall dotted.",
            False,
        )
    yield cost.bars(summary), "{title}.", False


def _title(svg: str) -> str:
    return str(ElementTree.fromstring(svg).get("aria-label"))


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def standalone(svg: str, line: str) -> bytes:
    """Return an inline SVG as a file: names declared, a size in points, `line` below it."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(svg.replace("<svg", f'<svg xmlns="{_SVG}"', 1))
    left, top, width, height = (float(part) for part in str(root.get("viewBox")).split())
    for element in root.iter():
        target = element.attrib.pop("href", None)
        if target is not None:
            element.set(f"{{{_XLINK}}}href", target)  # Older programs know no other.
    root.attrib.pop("style", None)
    root.set("viewBox", f"{left:g} {top:g} {width:g} {height + _ROOM_PT:g}")
    root.set("width", f"{width:g}pt")
    root.set("height", f"{height + _ROOM_PT:g}pt")
    paper = {"x": f"{left:g}", "y": f"{top:g}", "width": "100%", "height": "100%", "fill": "#fff"}
    root.insert(0, ElementTree.Element(f"{{{_SVG}}}rect", paper))
    title = ElementTree.Element(f"{{{_SVG}}}title")
    title.text = root.get("aria-label")
    root.insert(0, title)
    place = {"x": f"{left + 4:g}", "y": f"{top + height + _ROOM_PT - 4:g}"}
    text = ElementTree.SubElement(root, f"{{{_SVG}}}text", place)
    text.set("style", "font: 7px sans-serif; fill: #5a6875")
    text.text = line
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
