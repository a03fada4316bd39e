"""Tables, pictures and the page: figures as in the data, words that fit them, no network."""

from __future__ import annotations

import itertools
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from report_factory import (
    arm,
    column,
    confirmed_study,
    effect,
    evaluation,
    evidence,
    large_evidence,
    large_study,
    opening,
    run,
    sealed_test,
    study,
)

from spineseg.errors import DataError
from spineseg.evaluation.records import Found, ImageRecord, Truth
from spineseg.evidence.results import StudySummary
from spineseg.films import LabelledFilm, Outline
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.report import (
    account,
    anatomy,
    cautions,
    confirmation,
    effects,
    figures,
    next_steps,
    where,
    wording,
    working_point,
)
from spineseg.report.answer import answer
from spineseg.report.comparison import Comparison
from spineseg.report.mistakes import draw_errors
from spineseg.report.overlay import Label, Shape, draw_overlay, draw_shapes
from spineseg.report.page import write_page
from spineseg.report.table import COLUMNS, as_csv, as_markdown, as_text, leaderboard
from study import compare


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    cv2.imwrite(str(folder / "film.png"), np.full((200, 200), 90, np.uint8))
    comparison = Comparison(folder / "film.png", column(), column(0.3), column())
    write_page(study(), [comparison], folder / "report.html")
    assert [path.name for path in folder.iterdir() if path.suffix != ".png"] == ["report.html"]
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the page of a study with fresh seeds and an opened test part."""
    folder = tmp_path_factory.mktemp("full")
    cv2.imwrite(str(folder / "film.png"), np.full((200, 200), 90, np.uint8))
    comparison = Comparison(folder / "film.png", column(), column(0.3), column())
    write_page(confirmed_study(test=sealed_test()), [comparison], folder / "report.html")
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
    monkeypatch.setattr(working_point, "curves", lambda *_: "")


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
    assert effects.differences(study()) == effects.differences(study())


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
    text = " ".join(cautions.cautions(study()))
    assert "with seed 0" in text and "holds for 1 of 3 other completed runs" in text
    assert "best of 4 on the same 81 validation films" in text and "960 vertebrae" in text
    assert "over its last 6 epochs" in " ".join(cautions.cautions(large_study()))


def test_a_pruned_run_above_the_best_is_named() -> None:
    pruned = run("early", 0.41, kind="search", outcome="pruned", epochs=2)
    text = " ".join(cautions.cautions(study(run("no-flips", 0.35), pruned)))
    assert "score above no-flips: early (0.410)" in text
    assert "Pruned" not in " ".join(cautions.cautions(study()))


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
    results = [heading for heading in headings if not re.search('id="(cost|data)"', heading)]
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
    assert effects.hypotheses(study(pruned))[0].verdict == "pruned"
    assert account.unfinished(study(pruned))[0].reason.startswith("given up after 2 epochs")


def test_runs_that_cannot_be_compared_are_remarked() -> None:
    noted, halved = run("noted", 0.3, notes=["odd"]), run("halved", 0.3, batch=8)
    remarks = dict(account.remarks(study(noted, halved)))
    assert remarks["noted"] == "odd" and "batch 8, not the baseline's 16" in remarks["halved"]


def test_many_searched_runs_do_not_swamp_the_figures() -> None:
    runs = [run(f"s{i}", 0.2 + i / 1000, kind="search") for i in range(40)]
    summary = study(run("v", 0.1), *runs, best="s39")
    assert effects.differences_left_out(summary) == 41 - figures.MOST_ROWS
    drawn = effects.differences(summary)
    assert ">v<" in drawn and ">s39<" in drawn and ">s0<" not in drawn


def test_the_page_answers_its_questions_in_order(full_page: str) -> None:
    found = re.findall(r'<h2 id="([^"]+)"', full_page)
    order = ["answer", "where", "hypotheses", "runs", "search", "cost", "working-point", "next"]
    assert found == [*order, "films", "data"]


def test_the_answer_rests_on_the_sealed_test_part_where_it_was_opened(full_page: str) -> None:
    text = words_of(full_page)
    assert (
        "Yes, on the sealed test part (synthetic films): no-flips reaches mask mAP50-95 0.317 "
        "against the baseline's 0.292: +0.025 (95 % interval +0.005 to +0.045; p 0.012 after "
        "Holm's correction for 2 finalists). Means over 3 fresh seeds, 3 of the baseline; "
        "44 films of 31 patients." in text
    )
    assert "no-flips was promoted. More trials" in text and "spineseg promote" not in text
    assert "not been opened" not in text and "+0.025 to the baseline, test part" in text


def test_without_a_test_part_the_answer_is_the_confirmed_one_and_says_so() -> None:
    text = answer(confirmed_study()).text
    assert text.startswith("Yes, on fresh seeds, on the synthetic validation films: no-flips")
    assert "0.330 against the baseline's 0.300: +0.030" in text and "81 films of 60" in text
    assert "The sealed test part has not been opened." in text
    assert "0.346" not in text  # The score by which the search picked it is no claim.


@pytest.mark.parametrize(
    ("scores", "half", "p_holm", "tone", "words"),
    [
        ([0.33, 0.33], 0.02, 0.01, "better", "Yes, "),
        ([0.33, 0.33], 0.02, 0.09, "unclear", "p is not below 0.05"),
        ([0.31, 0.31], 0.02, 0.2, "unclear", "The interval reaches zero"),
        ([0.29, 0.29], 0.02, 0.5, "none", "nothing is gained"),
        ([0.25, 0.25], 0.02, 0.01, "none", "it is worse"),
    ],
)
def test_the_answer_follows_interval_and_corrected_p(
    scores: list[float], half: float, p_holm: float, tone: str, words: str
) -> None:
    arms = [arm("baseline", 0.3, [0.3, 0.3]), arm("x", 0.35, scores, half=half, p_holm=p_holm)]
    given = answer(study(run("x", 0.35), best="x", evidence=evidence(arms=arms)))
    assert given.tone == tone and words in given.text


def test_one_training_each_is_never_a_yes_where_intervals_are_known() -> None:
    given = answer(study(evidence=evidence(arms=[], baseline_scores=[0.3], noise_sd=None)))
    assert given.tone == "unclear" and "+0.026 to +0.066, which leaves out zero" in given.text
    assert "nothing was trained again" in given.text


def test_the_winners_curse_is_computed(full_page: str) -> None:
    text = confirmation.luck_text(evidence())
    assert "2 finalists scored 0.008 less on average" in text and "no-flips -0.016" in text
    table = confirmation.finalists(confirmed_study())
    assert table is not None and table.rows[1][:4] == ["no-flips", "0.346", "0.330 (3)", "-0.016"]
    assert table.rows[0][3] == "–"
    assert "winner's curse" in full_page
    rose = [arm("baseline", 0.3, [0.3, 0.3]), arm("x", 0.31, [0.32, 0.32])]
    assert confirmation.luck_text(evidence(arms=rose)).startswith("No winner's curse")


def test_a_verdict_that_corrected_p_does_not_bear_out_says_so() -> None:
    arms = [arm("baseline", 0.3, [0.3, 0.3]), arm("x", 0.35, [0.33, 0.33], p_holm=0.09)]
    table = confirmation.finalists(study(evidence=evidence(arms=arms)))
    assert table is not None and table.rows[1][-1] == "better, p not below 0.05"
    assert table.tone(table.rows[1][-1]) == "" and table.tone("better") == "better"


def test_the_noise_and_what_could_be_detected_are_given_in_the_objective() -> None:
    text = " ".join(confirmation.noise_text(evidence()))
    assert "over 4 trainings" in text and "deviation of 0.0033 (from 0.296 to 0.304)" in text
    assert "3.20 standard deviations, here 0.011 mask mAP50-95" in text
    unknown = evidence(noise_sd=None, baseline_scores=[0.3])
    text = " ".join(confirmation.noise_text(unknown))
    assert "not known" in text and "here" not in text


def test_a_second_opening_is_a_warning_and_the_first_is_none(full_page: str) -> None:
    assert 'class="warning"' not in full_page and "was opened once" in full_page
    twice = sealed_test(openings=[opening(), opening(9, "a better <b>idea</b>")])
    text, alarm = confirmation.openings_text(twice)
    assert alarm and "opened 2 times" in text
    assert confirmation.openings(twice).rows[1][-1] == "a better <b>idea</b>"
    assert confirmation.openings_text(sealed_test(openings=[]))[1]


@pytest.mark.usefixtures("few_figures")
def test_the_warning_of_a_second_opening_stands_below_the_answer(tmp_path: Path) -> None:
    test = sealed_test(openings=[opening(), opening(9, "a better <b>idea</b>")], promoted=False)
    gates = [gate.model_copy(update={"passed": gate.name != "speed"}) for gate in test.gates]
    summary = confirmed_study(test=test.model_copy(update={"gates": gates}))
    write_page(summary, [], tmp_path / "x.html")
    html = (tmp_path / "x.html").read_text(encoding="utf-8")
    warned, tiled = html.index('<p class="warning">'), html.index('<div class="tiles">')
    assert html.index('<p class="answer') < warned < tiled and "<b>idea" not in html
    text = words_of(html)
    assert "no-flips was not promoted; refused by: speed." in text
    assert "spineseg promote STUDY.yaml" in text
    assert "speed REFUSED 1.02 times the baseline's" in text and "a better <b>idea</b>" in text


def test_fresh_seeds_are_no_rows_of_their_own(full_page: str) -> None:
    summary = confirmed_study()
    names = [row.name for row in leaderboard(summary)]
    assert len(names) == 6 and not any("-seed-" in name for name in names)
    assert not any("-seed-" in name for _, name, _ in figures.legend(summary))
    assert "-seed-" not in effects.forest(summary) + effects.differences(summary)
    few = confirmed_study(runs=[r for r in summary.runs if r.kind != "confirm"])
    curves = [figures.learning_curves(s, "val/mask_map50_95", "x") for s in (summary, few)]
    assert curves[0] == curves[1]
    assert "no-flips, 3 on fresh seeds" in figures.cost(summary)
    assert "9 of them, on fresh seeds" in account.cost_text(summary)
    failed = run("x-seed-1", None, kind="confirm", outcome="failed", failure="bug: y", curves={})
    assert account.unfinished(study(failed))[0].name == "x-seed-1"
    assert "no-flips-seed-1" not in full_page


def test_verdicts_go_by_the_interval_and_by_the_rule_of_thumb_only_without() -> None:
    wide = [effect("no-flips", 0.0456, 0.06), effect("no-mosaic", 0.003, 0.001)]
    summary = study(evidence=evidence(variants=wide, arms=[]))
    words = {h.name: h.verdict for h in effects.hypotheses(summary)}
    assert words == {"no-flips": "not told apart", "no-mosaic": "better", "upright": "no interval"}
    goal = next(column for column in COLUMNS if column.delta == "mask_map50_95")
    tones = {row.name: goal.tone(row) for row in leaderboard(summary)}
    assert tones["no-flips"] == "" and tones["no-mosaic"] == "up" and tones["upright"] == ""
    assert goal.tone(leaderboard(study())[0]) == "up"
    drawn = effects.forest(summary)
    assert "not told apart" in drawn and effects.forest(study()) == ""


def test_intervals_over_patients_alone_are_called_so() -> None:
    alone = study(evidence=evidence(noise_sd=None, baseline_scores=[0.3], arms=[], seeds=0))
    text = " ".join(effects.interval_note(alone))
    assert "patients alone" in text and "2 of 3 variants are told apart" in text
    assert "patients and seeds" in " ".join(effects.interval_note(confirmed_study()))
    assert effects.interval_note(study()) == []


def test_a_confirmed_finalist_is_drawn_apart_from_its_first_training() -> None:
    drawn = effects.forest(confirmed_study())
    assert ">no-flips<" in drawn and ">no-flips, 3 seeds<" in drawn
    confirmed = {h.name: h.confirmed for h in effects.hypotheses(confirmed_study())}
    assert confirmed["no-flips"].startswith("better (+0.030") and confirmed["upright"] == "–"


def test_the_kinds_of_error_add_up_to_the_labelled_vertebrae() -> None:
    table = where.kinds_of_error({"baseline": evaluation(0.3)})
    counts = {kind: int(cell.split()[0]) for kind, cell in table.rows}
    kinds = ("right level", "one level off", "further off", "missed")
    assert sum(counts[kind] for kind in kinds) == 960 and counts["doubled"] == 13


def test_both_ways_of_numbering_stand_beside_each_other(full_page: str) -> None:
    table = where.numberings(confirmed_study())
    assert table is not None and [row[1] for row in table.rows[:2]] == [
        "plain: each by itself",
        "whole columns (used)",
    ]
    scores = evaluation(0.3), evaluation(0.2)
    assert table.rows[1][2] == f"{scores[0].right_level_rate:.1%}"
    assert table.rows[0][2] == f"{scores[1].right_level_rate:.1%}"
    assert table.rows[1][3] == f"{scores[0].found_rate:.1%}"
    assert "mask mAP50-95 by +0.100" in words_of(full_page)
    assert where.numberings(study()) is None
    plain = confirmed_study(evidence=evidence(numbering="argmax"))
    assert "mask mAP50-95 by -0.100" in where.numbering_text(plain)


def test_views_and_scores_without_regard_to_class_are_shown(full_page: str) -> None:
    text = words_of(full_page)
    assert "lateral baseline 40 95.0% 63.0%" in text and "frontal no-flips 41" in text
    assert "mask AP50-95, without regard to class 0.450" in text and "Dice 0.830" in text
    assert where.views({"x": evaluation(0.3).model_copy(update={"views": {}})}) is None


def test_a_lost_level_is_named_with_the_confidence_it_was_counted_at() -> None:
    whole = evaluation(0.3)
    levels = whole.levels | {"T9": whole.levels["T9"].model_copy(update={"right": 0})}
    levels["C1"] = levels["C1"].model_copy(update={"right": 0, "found": 0, "instances": 0})
    lost = whole.model_copy(update={"levels": levels})
    assert where.lost_levels({"baseline": lost}) == [
        "The baseline has lost 1 level of 23 at confidence 0.25: T9 is found nowhere with its own "
        "level."
    ]
    assert "lost no level of 24" in where.lost_levels({"x": whole})[0]


def test_the_working_point_is_computed_from_the_curve() -> None:
    curve = {
        "confidence": [0.0, 0.25, 0.5, 0.75, 1.0],
        "mask_precision": [0.2, 0.6, 0.85, 0.9, 1.0],
        "mask_recall": [0.95, 0.9, 0.75, 0.5, 0.0],
        "mask_f1": [0.33, 0.72, 0.797, 0.643, 0.0],
    }
    e = evaluation(0.3).model_copy(update={"f1_curve": curve})
    enough = working_point.precise_enough(e)
    assert enough == (0.5, 0.85, 0.75, 0.797)
    fixed = working_point.at_confidence(e, 0.7)
    assert fixed is not None and fixed.confidence == 0.75
    # Without a hit precision counts as 1: that is no working point.
    none = curve | {"mask_precision": [0.1, 0.1, 0.1, 0.1, 1.0]}
    empty = e.model_copy(update={"f1_curve": none})
    assert working_point.precise_enough(empty) is None
    assert "at no confidence" in working_point.sentences({"x": empty})[0]
    assert "no less than the 0.7" in working_point.sentences({"x": e})[0]
    rows = working_point.table({"x": e}).rows
    assert rows[1][2:] == ["0.500", "0.850", "0.750", "0.797"]
    assert rows[-1][2:] == ["0.700", "0.800", "0.700", "–"]


def test_what_to_try_next_follows_from_the_figures() -> None:
    text = " ".join(next_steps.steps(confirmed_study()))
    assert "Numbering costs more than finding" in text and "Lateral films are the weak view" in text
    finder = evaluation(0.6)
    assert finder.found_rate - finder.right_level_rate < 1 - finder.found_rate
    text = " ".join(next_steps.steps(study(run("x", 0.6), best="x")))
    assert "Finding costs more than numbering" in text
    assert next_steps.steps(study(best=None, runs=[])) == []


def test_an_unclear_gain_names_the_seeds_or_patients_it_would_take() -> None:
    def advice(half: float) -> str:
        arms = [arm("baseline", 0.3, [0.3] * 3), arm("x", 0.31, [0.304] * 3, half=half)]
        shown = study(run("x", 0.31), best="x", evidence=evidence(arms=arms, noise_sd=0.004))
        return " ".join(next_steps.steps(shown))

    seeds = next_steps.seeds_wanted(1.0)
    assert seeds == 17  # Cohen 1988, table 2.4.1: d = 1, power 0.80, two-sided 0.05.
    assert "takes 17 seeds each, instead of 3" in advice(0.0065)
    assert "1,500 patients instead of 60" in advice(0.02)
    assert "reaches zero" not in advice(0.003)
    assert next_steps.seeds_wanted(0.1) is None and next_steps.seeds_wanted(-1) is None


def test_few_labels_edges_and_late_best_epochs_are_pointed_out() -> None:
    whole = evaluation(0.4)
    levels = dict(whole.levels)
    levels["C7"] = levels["C7"].model_copy(update={"instances": 6, "found": 5, "right": 5})
    levels["L5"] = levels["L5"].model_copy(update={"instances": 0, "found": 0, "right": 0})
    edge = run(
        "s", 0.4, kind="search", changes={"lr0": 0.0099}, epochs=60, best_epoch=60,
        evaluation=whole.model_copy(update={"levels": levels}),
    )  # fmt: skip
    text = " ".join(next_steps.steps(study(edge, best="s")))
    assert "C7 (6), against 40" in text and "so not judged: L5" in text
    assert "lr0 0.0099 (from 0.001 to 0.01)" in text and "epoch 60 of 60" in text
    inside = edge.model_copy(update={"changes": {"lr0": 0.003}, "best_epoch": 40})
    text = " ".join(next_steps.steps(study(inside, best="s")))
    assert "edge" not in text and "longer training" not in text


def test_the_worst_films_are_compared_and_not_evenly_spaced_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"film-{i}.png" for i in range(20)]
    films = [LabelledFilm(Path(name), column()) for name in names]

    def records(folder: Path, _: object) -> list[ImageRecord]:
        worse = 2 if folder.name == "no-flips" else 1
        missed = {"film-3.png": 5 * worse, "film-11.png": 3 * worse, "film-17.png": worse}
        return [record(name, missed.get(name, 0)) for name in names]

    job = SimpleNamespace(dataset=Path("data"), numbering=None)
    monkeypatch.setattr(compare, "read_films", lambda *_: films)
    monkeypatch.setattr(compare, "load_records", records)
    monkeypatch.setattr(compare, "matches_file", lambda *_: Path("/"))
    monkeypatch.setattr(compare.Job, "read", lambda _: job)
    trials = [SimpleNamespace(number=i, user_attrs={"name": n}) for i, n in enumerate(ARMS)]
    chosen: Any = SimpleNamespace(get_trials=lambda **_: trials)
    kept: Any = SimpleNamespace(folder_of=lambda trial: Path(trial.user_attrs["name"]))
    found = compare._side_by_side(kept, chosen, confirmed_study(best="upright"))
    assert [c.film.name for c in found[:3]] == ["film-3.png", "film-11.png", "film-17.png"]
    assert len(found) == 6 and len(found[0].baseline) == 12 and len(found[0].best) == 7


ARMS = ("baseline", "no-flips", "upright")


def record(name: str, missed: int) -> ImageRecord:
    """Return a film of 17 vertebrae, the last `missed` of them not found."""
    truths = [Truth(level=o.level, box=(0, 0, 1, 1)) for o in column()]
    found = [
        Found(level=t.level, confidence=0.9, level_scores=(), box=t.box, polygon=((0, 0), (1, 1)))
        for t in truths[: 17 - missed]
    ]
    iou = tuple(tuple(float(i == j) for j in range(17)) for i in range(len(found)))
    return ImageRecord(
        name=name, height=9, width=9, seconds=0.1, truths=tuple(truths), found=tuple(found),
        box_iou=iou, mask_iou=iou,
    )  # fmt: skip


def empty_level(score: float) -> Any:
    """Return an evaluation whose first level is not labelled and whose curve was not kept."""
    whole = evaluation(score)
    none = {"instances": 0, "found": 0, "right": 0, "box_ap50": None, "mask_ap50": None}
    first = whole.levels[ANATOMICAL_ORDER[0]].model_copy(update=none | {"mask_ap50_95": None})
    changes = {"levels": whole.levels | {"C1": first}, "f1_curve": {}, "views": {}}
    return whole.model_copy(update=changes | {"mean_dice": None, "mean_boundary_px": None})


ONLY_BASELINE = evidence(
    variants=[], arms=[], noise_sd=None, baseline_scores=[0.3], seeds=0, detectable_sd=None
)


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (study(best=None, runs=[], evidence=None), "The baseline was not run"),
        (
            study(runs=study().runs[:1], best="baseline", evidence=ONLY_BASELINE),
            "Only the baseline",
        ),
        (study(evidence=evidence(arms=[])), "no configuration has two of them yet"),
        (study(evidence=ONLY_BASELINE), "asks for no training on fresh seeds"),
        (
            study(evidence=evidence(arms=[arm("baseline", 0.3, [0.3, 0.3])])),
            "The baseline alone was trained again",
        ),
        (study(run("x", 0.4, evaluation=empty_level(0.4)), best="x"), "so not judged: C1"),
        (confirmed_study(test=sealed_test(arms=[], gates=[])), "was opened once"),
        (confirmed_study(test=sealed_test(openings=[])), "no opening of it is on record"),
        (confirmed_study(evidence=None, test=sealed_test()), "Yes, on the sealed test part"),
    ],
)
@pytest.mark.usefixtures("few_figures")
def test_a_degenerate_study_has_its_page_too(
    summary: StudySummary, words: str, tmp_path: Path
) -> None:
    write_page(summary, [], tmp_path / "x.html")
    html = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert words in words_of(html)
    assert not re.search(r"</h[23]>\s*(<h[23]|<footer)|None|nan\b", html[html.index("<body>") :])


def test_the_confirmed_best_is_looked_into_and_not_the_luckiest() -> None:
    lucky = confirmed_study(best="upright")
    assert lucky.leader is not None and lucky.leader.name == "no-flips"
    assert list(where.evaluations(lucky)) == ["baseline", "no-flips"]
    promoted = confirmed_study(test=sealed_test(candidate="no-mosaic"))
    assert promoted.leader is not None and promoted.leader.name == "no-mosaic"
    assert study().leader == study().best_run


def test_a_large_study_keeps_its_fresh_seeds_together() -> None:
    summary = large_study(**large_evidence())
    assert len(leaderboard(summary)) == 33 and len(summary.runs) == 53
    assert confirmation.seed_dots(summary).count("PathCollection") == 8
    assert "first promotion was refused" in confirmation.openings(summary.test).rows[1][-1]


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
