"""The whole page: self-contained, in order, escaped, and there for every kind of study."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from evaluation_factory import evaluation
from evidence_factory import arm, evidence, sealed_test
from page_words import is_whole, page_of, words_of
from report_factory import confirmed_study, run, study

import spineseg.report
from spineseg.evidence.results import StudySummary
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.metrics import METRICS
from spineseg.report.page import write_page
from spineseg.report.sections import hypotheses

ROOM = Path(spineseg.report.__file__).parent


class References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]


def test_the_page_needs_no_network_and_but_in_a_frame_no_script(page: str) -> None:
    references = References()
    references.feed(page)
    assert references.found and all(r.startswith(("data:", "#")) for r in references.found)
    assert not {"link", "iframe"} & set(references.tags)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert len(scripts) == references.tags.count("script") == 1
    assert scripts[0].strip().startswith("if (window.self !== window.top)")
    assert not re.findall(r"url\((?!#)|@import|https?://", page)


def test_every_inner_link_has_its_target_and_no_id_comes_twice(full_page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', full_page)
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', full_page))
    assert {a or b for a, b in used} <= set(ids)
    anchors = [name for name in ids if not re.match(r"f[0-9a-f]{8}-", name)]
    assert len(anchors) == len(set(anchors))


def test_every_table_has_a_caption_and_each_of_its_heads_a_side(full_page: str) -> None:
    tables = re.findall(r"<table>(.*?)</table>", full_page, re.S)
    assert len(tables) > 8
    for table in tables:
        rows, heads = table.count("<tr"), re.findall(r"<th\b[^>]*>(.*?)</th>", table)
        assert table.lstrip().startswith("<caption") and all(heads)
        assert len(re.findall(r'<th scope="(?:col|row)"', table)) == len(heads)
        assert table.count('scope="row"') == rows - 1
    areas = re.findall(r'role="region" aria-label="([^"]+)" tabindex="0"', full_page)
    assert len(areas) >= len(tables) and len(areas) == len(set(areas))


def test_the_page_answers_its_questions_in_order(full_page: str) -> None:
    found = re.findall(r'<h2 id="([^"]+)"', full_page)
    order = ["answer", "confirmation", "promotion", "where", "hypotheses", "runs", "learning"]
    order += ["search", "cost", "working-point", "next-steps", "films", "data"]
    assert found == order
    assert re.findall(r'<a href="#([^"]+)"', full_page) == order


def test_a_section_without_anything_to_say_is_left_out_with_its_link(tmp_path: Path) -> None:
    html = page_of(study(best=None, runs=[], space={}), tmp_path)
    assert re.findall(r'<a href="#([^"]+)"', html) == [
        "answer",
        "runs",
        "cost",
        "next-steps",
        "data",
    ]
    assert re.findall(r'<h2 id="([^"]+)"', html) == ["answer", "runs", "cost", "next-steps", "data"]


def test_every_section_is_a_module_beside_its_template() -> None:
    sections = ROOM / "sections"
    modules = {path.stem for path in sections.glob("*.py")} - {"__init__"}
    assert modules == {path.stem for path in sections.glob("*.j2")} and len(modules) == 14


def test_the_same_study_gives_the_same_figure() -> None:
    assert hypotheses.forest(confirmed_study()) == hypotheses.forest(confirmed_study())


def test_names_hypotheses_and_failures_are_escaped(page: str, tmp_path: Path) -> None:
    assert "<b>&</b>" not in page and "&lt;b&gt;&amp;" in page
    evil = "<img src=x>"
    runs = [
        run(evil, 0.4, hypothesis=evil),
        run("y", None, outcome="failed", failure=evil, changes={evil: evil}),
    ]
    html = page_of(study(*runs, description=evil, name=evil, best=evil), tmp_path)
    assert evil not in html and "&lt;img src=x&gt;" in html


@pytest.mark.usefixtures("few_figures")
def test_synthetic_results_are_called_so_and_real_ones_are_not(
    full_page: str, tmp_path: Path
) -> None:
    headings = re.findall(r"<h[12][^>]*>.*?</h[12]>", full_page, flags=re.S)
    results = [heading for heading in headings if not re.search('id="(cost|data)"', heading)]
    assert len(results) >= 9 and all("synthetic data" in heading for heading in results)
    assert "say nothing about patients" in full_page
    assert "ynthetic" not in words_of(page_of(confirmed_study(synthetic=False), tmp_path))


def test_a_failed_write_leaves_no_half_page(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()
    with pytest.raises(OSError):
        write_page(study(runs=[], best=None), [], tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def empty_level(score: float) -> Any:
    """Return an evaluation whose first level is not labelled and whose curve was not kept."""
    whole = evaluation(score)
    none = {"instances": 0, "found": 0, "right": 0, "box_ap50": None, "mask_ap50": None}
    first = whole.levels[ANATOMICAL_ORDER[0]].model_copy(update=none | {"mask_ap50_95": None})
    changes = {"levels": whole.levels | {"C1": first}, "f1_curve": {}, "views": {}}
    return whole.model_copy(update=changes | {"mean_dice": None, "mean_boundary_px": None})


FAILED = run("baseline", None, kind="baseline", outcome="failed", failure="bug: x", curves={})
PRUNED = [run(f"s{i}", 0.1, kind="search", outcome="pruned", hypothesis=None) for i in range(2)]
ONLY_BASELINE = evidence(
    variants=[], arms=[], noise_sd=None, baseline_scores=[0.3], seeds=0, detectable_sd=None
)


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (study(run("x", None, outcome="running"), best="baseline"), "Only the baseline has compl"),
        (study(run("x", 0.2), best="baseline"), "No: no run beat the baseline's"),
        (study(best=None, runs=[FAILED]), "The baseline failed (bug: x)"),
        (study(best="x", runs=[FAILED, run("x", 0.2)]), "Highest of the others: x"),
        (study(best=None, runs=[]), "The baseline was not run"),
        (study(*PRUNED, best="baseline"), "All 2 searched runs were pruned"),
        (study(importances={}, importances_reason="2 trials"), "No importances: 2 trials"),
        (
            study(runs=study().runs[:1], best="baseline", evidence=ONLY_BASELINE),
            "Only the baseline",
        ),
        (study(evidence=evidence(arms=[])), "no configuration has two of them yet"),
        (study(evidence=ONLY_BASELINE), "asks for no training on fresh seeds"),
        (
            study(evidence=evidence(arms=[arm("baseline", None, [0.3, 0.3])])),
            "The baseline alone was trained again",
        ),
        (study(run("x", 0.4, evaluation=empty_level(0.4)), best="x"), "so not judged: C1"),
        (confirmed_study(test=sealed_test(arms=[], gates=[])), "was opened once"),
        (confirmed_study(test=sealed_test(openings=[])), "no opening of it is on record"),
        (
            confirmed_study(test=sealed_test(films=0, arms=[], openings=[], promoted=False)),
            "The test part has not been opened.",
        ),
        (confirmed_study(evidence=None, test=sealed_test()), "better on the sealed test part"),
    ],
)
@pytest.mark.usefixtures("few_figures")
def test_every_kind_of_study_has_its_words_and_its_page(
    summary: StudySummary, words: str, tmp_path: Path
) -> None:
    html = page_of(summary, tmp_path)
    assert words in words_of(html)
    assert is_whole(html)


NEW_METRIC = """
import sys, pathlib
from spineseg import metrics
extra = metrics.Rate("missed_rate", "left unseen", "missed", "labelled", "unseen %", False)
metrics.METRICS += (extra,)
metrics.RATES += (extra,)
metrics._BY_NAME[extra.name] = extra
from page_words import page_of
from report_factory import confirmed_study
from spineseg.report.table import as_csv, leaderboard
print(as_csv(leaderboard(confirmed_study())).splitlines()[0])
print(page_of(confirmed_study(), pathlib.Path(sys.argv[1])))
"""


def test_a_new_line_in_the_table_of_metrics_shows_up_everywhere(tmp_path: Path) -> None:
    support = Path(__file__).parents[1] / "support"
    environment = {"PYTHONPATH": ":".join([str(support), *sys.path]), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", NEW_METRIC, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    header, _, html = done.stdout.partition("\n")
    assert "missed_rate" in header.split(",") and "missed_rate_delta" in header.split(",")
    text = words_of(html)
    assert "unseen %" in text  # a column of the table of runs
    assert "left unseen 27.0% −3.0 points to the baseline, fresh seeds" in text  # a tile
    assert "left unseen 30.0% 27.0% −3.0 points −5.0 to −1.0 0.012 better" in text  # an effect
    assert text.count("left unseen") == 4  # by view and by way of numbering, too


def test_no_module_of_the_report_lists_metrics() -> None:
    names = {metric.name for metric in METRICS}
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Tuple | ast.List | ast.Set):
                parts = node.elts
            elif isinstance(node, ast.Dict):
                parts = [key for key in node.keys if key]
            else:
                continue
            listed = {part.value for part in parts if isinstance(part, ast.Constant)}
            assert len(names & listed) < 2, f"{path.name}:{node.lineno}"
