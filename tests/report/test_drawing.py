"""How figures look: colours with contrast, lines told apart without them, axes that say it all."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_factory import evaluation
from exports import write_export
from large_study import large_study
from merged_data import prepare
from planted_findings import leaking
from report_factory import run, study

from spineseg.data.audit import load_audit
from spineseg.evidence.results import StudySummary
from spineseg.levels import contrast
from spineseg.report import anatomy, audit_plots, confused, drawing
from spineseg.report.curves import valid_curve
from spineseg.report.html import render
from spineseg.report.sections import learning, search

WHITE = (1.0, 1.0, 1.0)
GOAL = valid_curve("mask_map50_95")


def rgb(colour: str) -> np.ndarray:
    """Return a colour like "#1c2733" as shares, (3,)."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def letters(svg: str) -> list[str]:
    """Return what is written in a figure, word for word."""
    return re.findall(r"<text[^>]*>(.*?)</text>", svg)


def searched(space: dict[str, Any], *changes: dict[str, Any], score: float = 0.2) -> StudySummary:
    runs = [
        run(f"s{i}", score, kind="search", changes=each, hypothesis=None)
        for i, each in enumerate(changes)
    ]
    return study(*runs, best="s0", space=space)


def panel(space: dict[str, Any], *changes: dict[str, Any], score: float = 0.2) -> str:
    (drawn,) = search.searched_values(searched(space, *changes, score=score))
    return drawn


def test_letters_and_marks_stand_out_from_the_page() -> None:
    for colour in (drawing.INK, drawing.SOFT, drawing.BLUE, drawing.ORANGE):
        assert contrast(rgb(colour), WHITE) >= 4.5
        assert contrast(rgb(colour), rgb("#e6f0f9")) >= 4.5  # The row of the best run.
    for colour in (drawing.GREY, *drawing.VARIANT_COLOURS):
        assert contrast(rgb(colour), WHITE) >= 3


def test_the_pages_colours_are_those_of_the_figures(page: str) -> None:
    for name, colour in (
        ("soft", drawing.SOFT),
        ("blue", drawing.BLUE),
        ("orange", drawing.ORANGE),
    ):
        assert f"--{name}: {colour};" in page


@pytest.mark.parametrize("tint", [drawing.BLUE, drawing.ORANGE])
@pytest.mark.parametrize("ground", ["#ffffff", "#f4f1ea"])
def test_the_count_of_every_shade_can_be_read(tint: str, ground: str) -> None:
    shades = []
    for share in np.linspace(0, 1, 201):
        shade = anatomy.shade(float(share))
        cell = rgb(tint) * shade + rgb(ground) * (1 - shade)
        ink = WHITE if share >= 0.5 else rgb(drawing.INK)
        assert contrast(ink, cell) >= 4.5, share
        shades.append(shade)
    assert shades == sorted(shades) and shades[-1] == 1


def test_no_two_variants_are_told_apart_by_colour_alone() -> None:
    summary = large_study()
    variants = {r.name for r in summary.runs if r.kind in ("variant", "baseline")}
    looks = [s[1:] for name, s in learning.run_strokes(summary).items() if name in variants]
    assert len(looks) == 9 and len(set(looks)) == 9  # Width, dashes and marks.
    keys = re.findall(r"<svg.*?</svg>", _legend(summary))
    drawn = {re.sub(r"#\w{3,6}", "", key) for key in keys}
    assert len(keys) == len(drawn) == 10  # The searched runs' line, too.


def _legend(summary: StudySummary) -> str:
    content = {"summary": summary, "legend": learning.legend(summary), "curves": []}
    html = str(render("sections/learning.j2", content))
    return html[html.index('<ul class="legend">') : html.index("</ul>")]


def test_a_figure_says_its_title_and_what_it_shows_without_markup() -> None:
    with drawing.house_style():
        figure, _ = drawing.new_figure(1, 1)
        svg = drawing.as_svg(figure, "A <b>", 'three "dots"', least_px=530)
    named = re.match(
        r'<svg role="img" aria-labelledby="(f\w+-title)" aria-describedby="(f\w+-desc)" '
        r'style="width:530px;min-width:530px" viewBox="[^"]+">'
        r'<title id="(.*?)">A &lt;b&gt;</title><desc id="(.*?)">three &quot;dots&quot;</desc>',
        svg,
    )
    assert named and named[1] == named[3] and named[2] == named[4]


@pytest.mark.parametrize(
    ("axis", "drawn", "ticks"),
    [
        ({"low": 0.0001, "high": 0.01, "log": True}, (0.0009, 0.001), ["0.0001", "0.001", "0.01"]),
        ({"low": 0.0, "high": 1.0}, (0.4, 0.41), ["0", "0.5", "1"]),
        ({"low": 0.0721, "high": 0.0722}, (0.07211, 0.07212), ["0.0721", "0.0722"]),
        ({"low": 2, "high": 9, "integer": True}, (3, 4), ["2", "6", "9"]),
    ],
)
def test_an_axis_is_as_wide_as_what_could_be_chosen(
    axis: dict[str, Any], drawn: tuple[float, float], ticks: list[str]
) -> None:
    svg = panel({"x": axis}, *({"x": value} for value in drawn))
    assert letters(svg)[: len(ticks)] == ticks
    assert f"Could be chosen: {axis['low']:g} to {axis['high']:g}" in svg


def test_choices_are_places_beside_each_other_also_those_that_nobody_drew() -> None:
    space = {"model": {"choices": ["yolo11n-seg", "yolo11s-seg", "yolo11m-seg"]}}
    svg = panel(space, {"model": "yolo11n-seg"}, {"model": "yolo11n-seg"})
    assert letters(svg)[:3] == ["yolo11n-seg", "yolo11s-seg", "yolo11m-seg"]
    assert "rotate(-30" in svg  # They would run into each other.
    mixed = panel({"flip": {"choices": [0.0, 0.5]}}, {"flip": 0}, {"flip": 0.5})
    assert letters(mixed)[:2] == ["0", "0.5"]


def test_what_was_drawn_from_an_earlier_space_is_shown_and_what_has_no_place_is_not_counted() -> (
    None
):
    wide = panel({"x": {"low": 1.0, "high": 2.0}}, {"x": 1.5}, {"x": 4.0})
    assert "2 searched runs" in wide and wide.count("line2d") > 2
    other = panel({"x": {"low": 1.0, "high": 2.0}}, {"x": 1.5}, {"x": "auto"})
    assert "1 searched run," in other
    gone = panel({"x": {"choices": ["a", "b"]}}, {"x": "a"}, {"x": "old"})
    assert letters(gone)[:3] == ["a", "b", "old"]


@pytest.mark.parametrize("score", [0.0721, 1e-9, 0.0])
def test_hardly_different_values_make_no_strange_axis(score: float) -> None:
    curve = [score, score + 1e-9, score]
    runs = [run(f"s{i}", score + i * 1e-9, kind="search", changes={"x": 0.5}) for i in range(2)]
    runs = [each.model_copy(update={"curves": {GOAL: curve, valid_curve("cls_loss"): curve}})
            for each in runs]  # fmt: skip
    summary = study(*runs, runs=runs, best="s0", space={"x": {"low": 0.0, "high": 1.0}})
    figures = search.searched_values(summary)
    figures += [learning.learning_curves(summary, c, "t") for c in (GOAL, valid_curve("cls_loss"))]
    for word in itertools.chain.from_iterable(map(letters, figures)):
        assert not re.search(r"e[-−+]?\d|\+|\d{5}", word), word
        assert len(word) <= 6 or not word[0].isdigit(), word


def test_limits_lie_around_the_values_and_are_never_of_no_width() -> None:
    low, high = drawing.span([0.2, 0.4], least=0.01)
    assert low < 0.2 and high > 0.4
    low, high = drawing.span([0.3, 0.3], least=0.01)
    assert high - low >= 0.01 and low < 0.3 < high


def test_a_confusion_matrix_is_put_into_words_and_its_commonest_pairs_into_a_table() -> None:
    base = evaluation(0.3)
    words = confused.confusion_words(base)
    near, missed = 960 * base.scores["off_by_one_rate"], base.missed
    assert f"{near:.0f} are one level off" in words and f"and {missed} missed" in words
    (true, found), most = confused.pairs(base).most_common(1)[0]
    assert f"Most often confused: {true} as {found} ({most})" in words
    table = confused.commonest({"baseline": base, "x": base})
    assert table is not None and table.head == ["wrong level", "baseline", "x"]
    assert table.rows[0] == [f"{true} found as {found}", f"{most} of 40", f"{most} of 40"]
    right = {level: {level: 40} for level in base.levels}
    assert confused.commonest({"x": base.model_copy(update={"confusion": right})}) is None


def test_of_many_levels_the_names_are_turned_and_the_shares_are_said(tmp_path: Path) -> None:
    few = prepare(tmp_path, write_export(tmp_path / "x", {"train": 2, "valid": 1}))
    audit = leaking(load_audit(few), few)
    vertebrae, shares = audit_plots.balance(audit)
    assert vertebrae.count("rotate(-90") > 24 and letters(vertebrae).count("L5") == 1
    assert "Labelled vertebrae: train 118 and valid 118." in vertebrae
    assert "train has 67 % of the films and 50 to 50 % of a level" in shares
    marks = re.findall(r'id="f\w+-(?:m\w+)"', audit_plots.sizes(audit))
    assert len(set(marks)) >= 3  # A mark for each source.


def test_what_learning_curves_show_is_said_and_a_number_that_is_none_too() -> None:
    broken = run("x", 0.3, curves={GOAL: [0.1, float("nan")]})
    drawn = learning.learning_curves(study(broken, best="x"), GOAL, "goal")
    assert "2 curves, of up to 4 epochs; the baseline goes from 0.100 to 0.300" in drawn
    assert "x goes from 0.100 to no number" in drawn and "nan" not in drawn
