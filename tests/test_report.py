"""Tables, pictures and the page: figures as in the data, words that fit them, no network."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from report_factory import run, study

from spineseg.films import Outline
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.report import wording
from spineseg.report.model import Comparison
from spineseg.report.overlay import draw_errors, draw_with_labels
from spineseg.report.page import write_page
from spineseg.report.table import as_csv, as_markdown, as_text, leaderboard


def column(shift: float = 0.0) -> tuple[Outline, ...]:
    """Return 17 thin bodies close below each other."""
    box = np.array([[0.3, 0], [0.5, 0], [0.5, 0.02], [0.3, 0.02]])
    return tuple(
        Outline(level, box + np.array([shift, 0.1 + 0.035 * i]), 0.9)
        for i, level in enumerate(ANATOMICAL_ORDER[7:])
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    cv2.imwrite(str(folder / "film.png"), np.full((200, 200), 90, np.uint8))
    comparison = Comparison(folder / "film.png", column(), column(0.3), column())
    write_page(study(), [comparison], folder / "report.html")
    assert [path.name for path in folder.iterdir() if path.suffix != ".png"] == ["report.html"]
    return (folder / "report.html").read_text()


class References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]


def test_the_page_needs_no_network_and_no_script(page: str) -> None:
    references = References()
    references.feed(page)
    assert references.found and all(r.startswith(("data:", "#")) for r in references.found)
    assert not {"script", "link", "iframe"} & set(references.tags)
    assert not re.findall(r"url\((?!#)", page)


def test_the_page_says_what_the_data_say(page: str) -> None:
    assert "The best of 4 completed runs is no-flips" in page
    assert "0.346 against the baseline&#39;s 0.300, +0.046 (+15%)" in page
    for words in ("0.546 +0.046", "no clear difference", "better", "worse", "out_of_memory: 2 GiB"):
        assert words in page
    assert "17 errors" not in page.split("no-flips: 0 errors")[-1]


def test_hypotheses_are_escaped(page: str) -> None:
    assert "<b>&</b>" not in page and "&lt;b&gt;&amp;" in page


def test_synthetic_results_are_called_so_and_real_ones_are_not(page: str, tmp_path: Path) -> None:
    assert page.count("synthetic data</span>") >= 5 and "say nothing of patients" in page
    write_page(study(synthetic=False), [], tmp_path / "real.html")
    assert "ynthetic" not in (tmp_path / "real.html").read_text()


def test_ids_of_the_figures_do_not_collide(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page))
    assert {a or b for a, b in used} <= set(ids)


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (
            study(run("x", None, outcome="running"), best="baseline"),
            "Only the baseline has completed",
        ),
        (study(run("x", 0.2), best="baseline"), "No run beat the baseline"),
        (study(run("x", 0.304), best="x"), "too little to be told apart from chance"),
        (
            study(best=None, runs=[run("baseline", None, kind="baseline", outcome="failed")]),
            "The baseline has not completed",
        ),
    ],
)
def test_every_kind_of_study_has_its_words_and_its_page(
    summary: object, words: str, tmp_path: Path
) -> None:
    assert words in wording.headline(summary)  # type: ignore[arg-type]
    write_page(summary, [], tmp_path / "x.html")  # type: ignore[arg-type]
    assert words in (tmp_path / "x.html").read_text()


def test_the_leaderboard_ranks_completed_runs_and_keeps_the_rest_below() -> None:
    rows = leaderboard(study())
    assert [row.name for row in rows] == [
        "no-flips",
        "no-mosaic",
        "baseline",
        "upright",
        "search-001",
        "search-002",
    ]
    assert rows[0].deltas["mask_map50_95"] == pytest.approx(0.0456)
    assert rows[2].deltas["mask_map50_95"] is None


def test_a_missing_score_is_a_dash_and_never_a_nought() -> None:
    rows = leaderboard(study())
    failed = rows[-1].cells()
    assert failed[1:9] == ["–"] * 8 and failed[-1] == "failed"
    text = as_text(rows)
    assert "* no-flips" in text and max(map(len, text.splitlines())) <= 120
    assert len({line.rfind(" completed") for line in text.splitlines() if "completed" in line}) == 1
    assert as_markdown(rows).count("\n") == len(rows) + 2
    last = as_csv(rows).splitlines()[-1]
    assert last.startswith("search-002,search,failed,,,")


def test_labels_cover_neither_each_other_nor_leave_the_film() -> None:
    for size in ((128, 128), (640, 640), (1400, 500)):
        canvas, labels = draw_with_labels(np.zeros((*size, 3), np.uint8), column())
        assert len(labels) == 17 and max(canvas.shape[:2]) >= 640
        rows = sorted(labels, key=lambda label: label.top)
        assert all(a.bottom < b.top + 1 for a, b in itertools.pairwise(rows))
        assert all(label.left >= 0 and label.right <= canvas.shape[1] for label in labels)
        assert all(label.top >= 0 and label.bottom <= canvas.shape[0] for label in labels)


def test_errors_are_counted_and_named() -> None:
    truth = column()
    wrong = [Outline("T2", truth[0].points, 0.9), *truth[1:-1]]
    _, errors = draw_errors(np.zeros((300, 300, 3), np.uint8), truth, wrong)
    assert errors == 2  # T1 taken for T2, and L5 missed.
    assert draw_errors(np.zeros((300, 300, 3), np.uint8), truth, truth)[1] == 0
    _, labels = draw_with_labels(np.zeros((300, 300, 3), np.uint8), truth[:1], texts=["T1→T2"])
    assert labels[0].text == "T1→T2"


def test_a_grey_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"RGB image"):
        draw_with_labels(np.zeros((10, 10), np.uint8), column())
