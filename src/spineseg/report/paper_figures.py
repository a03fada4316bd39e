"""A study's figures for a paper: those of its page, each as an SVG file of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import ceil
from typing import NamedTuple
from xml.etree import ElementTree

from spineseg.evidence.results import StudySummary
from spineseg.report import anatomy
from spineseg.report.chosen_runs import evaluations
from spineseg.report.curves import valid_curve
from spineseg.report.drawing import BLUE, INK, SOFT, Stroke
from spineseg.report.sections import confirmation, cost, hypotheses, learning, search, working_point
from spineseg.report.wording import label

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_LINE_PT = 14.0  # Below a figure, for the line that says what it was drawn from.
_ENTRY_PT, _ROW_PT = 110.0, 11.0  # Of a legend.
Legend = Sequence[learning.Key]


class PaperFigure(NamedTuple):
    """A figure of the page, and a sentence that says what it shows."""

    name: str  # Of its file, without an ending: what it is called where it cannot be seen.
    caption: str
    svg: str  # As it stands in a page.
    intervals: bool  # Whether it shows intervals.
    legend: Legend  # What it leaves to the page to say.

    def file(self, line: str) -> bytes:
        """Return the figure as a file, with `line` below it, so that it says itself what it is."""
        return standalone(self.svg, line, self.legend)


def paper_figures(summary: StudySummary) -> list[PaperFigure]:
    """Return the figures that the study has anything to show in."""
    return [
        PaperFigure(_file_name(_title(svg)), f"{_title(svg)}{caption}", svg, intervals, legend)
        for drawn, caption, intervals, legend in _drawn(summary)
        for svg in drawn
        if svg
    ]


def _drawn(summary: StudySummary) -> Iterator[tuple[list[str], str, bool, Legend]]:
    """Yield drawings, what each shows behind its title, whether intervals, and a legend."""
    scores, lines = evaluations(summary), learning.legend(summary)
    goal = (valid_curve(summary.objective), f"{label(summary.objective)}, validation")
    yield (
        [learning.learning_curves(summary, *curve) for curve in (goal, *learning.LOSSES)],
        ", as the trainer measures it.",
        False,
        lines,
    )
    tried = ": each point a searched training, crosses pruned, the dashed line the baseline."
    yield search.searched_values(summary), tried, False, ()
    yield (
        [search.importances(summary.importances)],
        " (PED-ANOVA over completed trials).",
        False,
        (),
    )
    hollow = "; hollow: trained once, filled: confirmed on fresh seeds."
    yield [hypotheses.forest(summary)], hollow, True, ()
    dots = (
        ": each dot a training, the bar their mean, the diamond the training by which a finalist "
        "was picked."
    )
    yield [confirmation.seed_dots(summary)], dots, False, ()
    if scores:
        yield [anatomy.spine(scores)], ", by level.", False, ()
        confusions = [anatomy.confusion(*pair) for pair in scores.items()]
        yield confusions, ": true levels by row, found ones by column.", False, ()
        points = ": F1 solid, precision dashed, recall dotted."
        strokes = Stroke(INK, 2.3), Stroke(BLUE, 2.3, marker="D")
        whose = [learning.Key(*pair) for pair in zip(scores, strokes, strict=False)]
        yield [working_point.curves(scores)], points, False, whose
    yield [cost.bars(summary)], ".", False, ()


def _title(svg: str) -> str:
    return str(ElementTree.fromstring(svg).findtext("title"))


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def standalone(svg: str, line: str, legend: Legend = ()) -> bytes:
    """Return an inline SVG as a file: names declared, a size in points, legend and `line` below."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(svg.replace("<svg", f'<svg xmlns="{_SVG}"', 1))
    left, top, width, height = (float(part) for part in str(root.get("viewBox")).split())
    for element in root.iter():
        target = element.attrib.pop("href", None)
        if target is not None:
            element.set(f"{{{_XLINK}}}href", target)  # Older programs know no other.
    in_row = max(1, int(width // _ENTRY_PT))
    whole = height + _ROW_PT * ceil(len(legend) / in_row) + _LINE_PT
    root.attrib.pop("style", None)
    root.set("viewBox", f"{left:g} {top:g} {width:g} {whole:g}")
    root.set("width", f"{width:g}pt")
    root.set("height", f"{whole:g}pt")
    paper = {"x": f"{left:g}", "y": f"{top:g}", "width": "100%", "height": "100%", "fill": "#fff"}
    words = sum(child.tag.endswith(("}title", "}desc")) for child in root)  # They come first.
    root.insert(words, ElementTree.Element(f"{{{_SVG}}}rect", paper))
    for place, key in enumerate(legend):
        x = left + 4 + place % in_row * width / in_row
        y = top + height + _ROW_PT * (place // in_row + 0.7)
        _draw_key(root, x, y - 2.5, key.stroke, key.mark)
        _write(root, x + 26, y, key.name)
    _write(root, left + 4, top + whole - 4, line)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _draw_key(root: ElementTree.Element, x: float, y: float, stroke: Stroke, mark: str) -> None:
    """Draw what an entry of the legend stands for: a line with its dashes and mark, or a mark."""
    if mark:
        _write(root, x + 8, y + 2.5, mark)
        return
    line = {
        "d": f"M {x:g} {y:g} h 22",
        "stroke": stroke.colour,
        "stroke-width": f"{stroke.width:g}",
    }
    line["stroke-dasharray"] = " ".join(f"{dash * stroke.width:g}" for dash in stroke.dashes)
    ElementTree.SubElement(root, f"{{{_SVG}}}path", {k: v for k, v in line.items() if v})
    middle, outline = x + 11, {"fill": "#fff", "stroke": stroke.colour}
    if stroke.marker == "o":
        circle = {"cx": f"{middle:g}", "cy": f"{y:g}", "r": "2"}
        ElementTree.SubElement(root, f"{{{_SVG}}}circle", circle | outline)
    elif stroke.marker:
        turn = {"transform": f"rotate(45 {middle:g} {y:g})"} if stroke.marker == "D" else {}
        square = {"x": f"{middle - 2:g}", "y": f"{y - 2:g}", "width": "4", "height": "4"}
        ElementTree.SubElement(root, f"{{{_SVG}}}rect", square | outline | turn)


def _write(root: ElementTree.Element, x: float, y: float, words: str) -> None:
    text = ElementTree.SubElement(root, f"{{{_SVG}}}text", {"x": f"{x:g}", "y": f"{y:g}"})
    text.set("style", f"font: 7px sans-serif; fill: {SOFT}")
    text.text = words
