"""Tables, pictures and the page: figures as in the data, words that fit them, no network."""

from __future__ import annotations

import itertools
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from report_factory import column, large_study, run, study

from spineseg.errors import DataError
from spineseg.films import Outline
from spineseg.report import account, anatomy, figures, wording
from spineseg.report.mistakes import draw_errors
from spineseg.report.model import Comparison, StudySummary
from spineseg.report.overlay import Label, Shape, draw_overlay, draw_shapes
from spineseg.report.page import write_page
from spineseg.report.table import COLUMNS, as_csv, as_markdown, as_text, leaderboard


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    cv2.imwrite(str(folder / "film.png"), np.full((200, 200), 90, np.uint8))
    comparison = Comparison(folder / "film.png", column(), column(0.3), column())
    write_page(study(), [comparison], folder / "report.html")
    assert [path.name for path in folder.iterdir() if path.suffix != ".png"] == ["report.html"]
    return (folder / "report.html").read_text(encoding="utf-8")


class References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]


@pytest.fixture
def few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures that take longest, for tests of words."""
    monkeypatch.setattr(anatomy, "confusion", lambda *_: "")
    monkeypatch.setattr(anatomy, "confidence_curves", lambda *_: [])


def words_of(html: str) -> str:
    """Return what a reader sees, in one line."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.S)).split())


def test_the_page_needs_no_network_and_no_script(page: str) -> None:
    references = References()
    references.feed(page)
    assert references.found and all(r.startswith(("data:", "#")) for r in references.found)
    assert not {"script", "link", "iframe"} & set(references.tags)
    assert not re.findall(r"url\((?!#)|@import|https?://", page)


def test_every_inner_link_has_its_target_and_no_id_comes_twice(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page))
    assert {a or b for a, b in used} <= set(ids)
    anchors = [name for name in ids if not re.match(r"f[0-9a-f]{8}-", name)]
    assert len(anchors) == len(set(anchors))


def test_the_same_study_gives_the_same_figure() -> None:
    assert figures.effects(study()) == figures.effects(study())


def test_the_page_says_what_the_data_say(page: str) -> None:
    text = words_of(page)
    assert (
        "no-flips reaches mask mAP50-95 0.346 against the baseline's 0.300 (+0.046, +15%)" in text
    )
    for words in ("0.546 +0.046", "no clear difference", "better", "worse", "out_of_memory: 2 GiB"):
        assert words in text
    assert "baseline : 0 right, 17 missed, 17 invented" in text and "no-flips : 17 right" in text


def test_each_score_of_the_table_stands_in_the_page(page: str) -> None:
    text = words_of(page)
    for row in leaderboard(study()):
        cells = [f"{column.write(row)} {column.difference(row)}".strip() for column in COLUMNS[1:]]
        assert " ".join(cells).replace("-", "−") in text.replace("-", "−")


def test_the_caution_counts_what_it_says(page: str) -> None:
    text = " ".join(wording.cautions(study()))
    assert "with seed 0" in text and "holds for 1 of 3 other completed runs" in text
    assert "best of 4 on the same 81 validation films" in text and "960 vertebrae" in text
    assert "over its last 6 epochs" in " ".join(wording.cautions(large_study()))


def test_a_pruned_run_above_the_best_is_named() -> None:
    pruned = run("early", 0.41, kind="search", outcome="pruned", epochs=2)
    text = " ".join(wording.cautions(study(run("no-flips", 0.35), pruned)))
    assert "score above no-flips: early (0.410)" in text
    assert "Pruned" not in " ".join(wording.cautions(study()))


def test_names_hypotheses_and_failures_are_escaped(page: str, tmp_path: Path) -> None:
    assert "<b>&</b>" not in page and "&lt;b&gt;&amp;" in page
    evil = "<img src=x>"
    runs = [
        run(evil, 0.4, hypothesis=evil, notes=[evil]),
        run("y", None, outcome="failed", failure=evil, changes={evil: evil}),
    ]
    write_page(study(*runs, description=evil, name=evil, best=evil), [], tmp_path / "evil.html")
    html = (tmp_path / "evil.html").read_text(encoding="utf-8")
    assert evil not in html and "&lt;img src=x&gt;" in html


@pytest.mark.usefixtures("few_figures")
def test_synthetic_results_are_called_so_and_real_ones_are_not(page: str, tmp_path: Path) -> None:
    headings = re.findall(r"<h[12][^>]*>.*?</h[12]>", page, flags=re.S)
    results = [heading for heading in headings if not re.search('id="(cost|next|data)"', heading)]
    assert len(results) >= 7 and all("synthetic data" in heading for heading in results)
    assert "say nothing about patients" in page
    write_page(study(synthetic=False), [], tmp_path / "real.html")
    assert "ynthetic" not in words_of((tmp_path / "real.html").read_text(encoding="utf-8"))


BASELINE_FAILED = run(
    "baseline", None, kind="baseline", outcome="failed", failure="bug: x", curves={}
)
PRUNED = [run(f"s{i}", 0.1, kind="search", outcome="pruned", hypothesis=None) for i in range(2)]


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (study(run("x", None, outcome="running"), best="baseline"), "Only the baseline has compl"),
        (study(run("x", 0.2), best="baseline"), "No: no run beat the baseline's"),
        (study(run("x", 0.304), best="x"), "too little to be told apart from chance"),
        (study(best=None, runs=[BASELINE_FAILED]), "The baseline failed (bug: x)"),
        (study(best="x", runs=[BASELINE_FAILED, run("x", 0.2)]), "Highest of the others: x"),
        (study(best=None, runs=[]), "The baseline was not run"),
        (study(*PRUNED, best="baseline"), "All 2 searched runs were pruned"),
        (
            study(importances={}, importances_reason="2 completed trials lie in the space"),
            "No importances: 2 completed trials lie in the space",
        ),
    ],
)
@pytest.mark.usefixtures("few_figures")
def test_every_kind_of_study_has_its_words_and_its_page(
    summary: StudySummary, words: str, tmp_path: Path
) -> None:
    write_page(summary, [], tmp_path / "x.html")
    html = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert words in words_of(html)
    assert not re.search(r"</h[23]>\s*(<h[23]|<footer)|None|nan\b", html[html.index("<body>") :])


@pytest.mark.usefixtures("few_figures")
def test_a_failed_write_leaves_the_old_page(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    missing = Comparison(tmp_path / "missing.png", (), (), ())
    with pytest.raises(DataError, match=r"missing\.png"):
        write_page(study(), [missing], path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()
    with pytest.raises(OSError):
        write_page(study(runs=[], best=None), [], tmp_path / "taken")
    assert path.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "taken"]


def test_the_leaderboard_ranks_completed_runs_and_keeps_the_rest_below() -> None:
    rows = leaderboard(study())
    names = ["no-flips", "no-mosaic", "baseline", "upright", "search-001", "search-002"]
    assert [row.name for row in rows] == names
    assert rows[0].deltas["mask_map50_95"] == pytest.approx(0.0456)
    assert rows[3].deltas["box_map50"] == pytest.approx(-0.05)
    assert rows[2].deltas["mask_map50_95"] is None


def test_a_missing_score_is_a_dash_and_never_a_nought() -> None:
    rows = leaderboard(study())
    cells = [column.write(rows[-1]) for column in COLUMNS]
    assert cells[1:9] == ["–"] * 8 and cells[-1] == "failed"
    last = as_csv(rows).splitlines()[-1]
    assert last.startswith("search-002,search,failed,,,")
    assert as_markdown(rows).count("\n") == len(rows) + 2


@pytest.mark.parametrize("width", [100, 120, 160])
def test_the_text_table_is_aligned_and_fits_the_terminal(width: int) -> None:
    for summary in (study(), large_study()):
        lines = as_text(leaderboard(summary), width).splitlines()
        assert max(map(len, lines)) <= width
        assert len({line.rfind("  completed") for line in lines if "completed" in line}) == 1
        assert any(line.startswith("* ") for line in lines)
        assert any(line.startswith("= baseline") for line in lines)
    assert ("0.396 +0.046" in as_text(leaderboard(study()), width)) == (width == 160)


def test_a_difference_is_judged_as_it_is_printed() -> None:
    assert [wording.verdict(d) for d in (0.01, 0.0096, 0.0094, -0.01, 0.0)] == [
        "better",
        "better",
        "no clear difference",
        "worse",
        "no clear difference",
    ]


def test_a_pruned_variant_gets_no_verdict() -> None:
    pruned = run("x", 0.2, outcome="pruned", epochs=2)
    assert wording.hypotheses(study(pruned))[0].verdict == "pruned"
    assert account.unfinished(study(pruned))[0].reason.startswith("given up after 2 epochs")


def test_runs_that_cannot_be_compared_are_remarked() -> None:
    noted, halved = run("noted", 0.3, notes=["odd"]), run("halved", 0.3, batch=8)
    remarks = dict(account.remarks(study(noted, halved)))
    assert remarks["noted"] == "odd" and "batch 8, not the baseline's 16" in remarks["halved"]


def test_many_searched_runs_do_not_swamp_the_figures() -> None:
    runs = [run(f"s{i}", 0.2 + i / 1000, kind="search") for i in range(40)]
    summary = study(run("v", 0.1), *runs, best="s39")
    assert figures.effects_left_out(summary) == 41 - figures.MOST_ROWS
    drawn = figures.effects(summary)
    assert ">v<" in drawn and ">s39<" in drawn and ">s0<" not in drawn


def shapes_of(outlines: tuple[Outline, ...]) -> list[Shape]:
    return [Shape(o, f"{o.level} {o.confidence:.2f}", (255, 0, 0)) for o in outlines]


def covers(a: Label, left: float, top: float, right: float, bottom: float) -> bool:
    return a.left < right and a.right > left and a.top < bottom and a.bottom > top


@pytest.mark.parametrize("size", [(128, 128), (224, 224), (640, 640), (2000, 740), (700, 2000)])
@pytest.mark.parametrize(("shift", "bend"), [(0.0, 0.0), (0.0, 0.2), (0.45, 0.0), (-0.2, 0.15)])
def test_labels_cover_no_label_and_no_body(
    size: tuple[int, int], shift: float, bend: float
) -> None:
    outlines = column(shift, bend=bend)
    canvas, labels = draw_shapes(np.zeros((*size, 3), np.uint8), shapes_of(outlines))
    height, width = canvas.shape[:2]
    factor = max(1.0, 640 / max(size))
    assert len(labels) == 17 and max(height, width) >= 640
    for a, b in itertools.combinations(labels, 2):
        assert not covers(a, b.left, b.top, b.right, b.bottom)
    for label, outline in itertools.product(labels, outlines):
        box = np.concatenate([outline.points.min(0), outline.points.max(0)])
        box *= np.tile([size[1] * factor, size[0] * factor], 2)
        assert not covers(label, *box)
    assert all(0 <= label.left < label.right <= width for label in labels)
    assert all(0 <= label.top < label.bottom <= height for label in labels)


def test_an_overlay_keeps_the_films_size_and_can_hide_confidences() -> None:
    film = np.zeros((900, 700, 3), np.uint8)
    drawn = draw_overlay(film, column(), title="labels")
    assert drawn.shape == film.shape and drawn.dtype == np.uint8 and not film.any()
    assert not np.array_equal(drawn, draw_overlay(film, column(), show_confidence=False))
    assert draw_overlay(film, ()).shape == film.shape


def test_errors_are_counted_and_told_apart() -> None:
    film, truth = np.zeros((300, 300, 3), np.uint8), column()
    far = Outline("C3", truth[0].points + np.array([0.3, 0.0]), 0.5)
    found = [Outline("T2", truth[0].points, 0.9), *truth[1:-1], far]
    drawn, mistakes = draw_errors(film, truth, found)
    counts = (mistakes.right, mistakes.wrong, mistakes.missed, mistakes.invented)
    assert counts == (15, 1, 1, 1) and mistakes.total == 3
    assert mistakes.text() == "15 right, 1 wrong level, 1 missed, 1 invented"
    assert draw_errors(film, truth, truth)[1].total == 0
    assert not np.array_equal(drawn, draw_errors(film, truth, truth)[0])


def test_a_second_detection_of_one_vertebra_is_invented() -> None:
    truth = column()[:1]
    weaker = Outline("T2", truth[0].points, 0.4)
    mistakes: Any = draw_errors(np.zeros((300, 300, 3), np.uint8), truth, [weaker, *truth])[1]
    assert (mistakes.right, mistakes.wrong, mistakes.invented) == (1, 0, 1)


def test_a_grey_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"RGB image"):
        draw_overlay(np.zeros((10, 10), np.uint8), column())
