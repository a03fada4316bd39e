"""The answer: the verdict's own word, its figures, and how far to believe them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from evidence_factory import arm, effect, evidence, opening, sealed_test
from large_study import large_evidence, large_study
from page_words import page_of, words_of
from report_factory import confirmed_study, run, study

from spineseg.report.sections import next_steps
from spineseg.report.sections.answer import answer, cautions, tiles, warning
from spineseg.report.table import TABLED


def of_two_arms(scores: list[float], **changes: Any) -> Any:
    arms = [arm("baseline", None, [0.3] * 4), arm("x", 0.35, scores, **changes)]
    return study(run("x", 0.35), best="x", evidence=evidence(arms=arms))


def test_the_answer_rests_on_the_sealed_test_part_where_it_was_opened(full_page: str) -> None:
    text = words_of(full_page)
    assert (
        "Yes, better on the sealed test part (synthetic films): no-flips reaches mask mAP50-95 "
        "0.317 against the baseline's 0.292: +0.025 (95 % interval +0.005 to +0.045; p 0.012 after "
        "Holm's correction for 2 finalists). Means over 3 trainings, 4 of the baseline; "
        "44 films of 31 patients." in text
    )
    assert "no-flips was promoted. More trials" in text and "spineseg promote" not in text
    assert "not been opened" not in text and "+0.025 to the baseline, test part" in text


def test_without_a_test_part_the_answer_is_the_confirmed_one_and_says_so() -> None:
    text = answer(confirmed_study()).text
    assert text.startswith("Yes, better on fresh seeds, on the synthetic validation films: no-flip")
    assert "0.330 against the baseline's 0.300: +0.030" in text and "81 films of 60" in text
    assert "The sealed test part has not been opened." in text
    assert "0.346" not in text  # The score by which the search picked it is no claim.


@pytest.mark.parametrize(
    ("scores", "p_holm", "tone", "beginning"),
    [
        ([0.33] * 4, 0.01, "better", "Yes, better on fresh seeds"),
        ([0.33] * 4, 0.09, "unclear", "Not told apart on fresh seeds"),
        ([0.31] * 4, 0.01, "unclear", "Not told apart on fresh seeds"),
        ([0.29] * 4, 0.5, "unclear", "Not told apart on fresh seeds"),
        ([0.25] * 4, 0.01, "none", "No, worse on fresh seeds"),
        ([0.25] * 4, 0.09, "unclear", "Not told apart on fresh seeds"),
    ],
)
def test_the_answer_begins_with_the_verdict_and_so_does_the_advice(
    scores: list[float], p_holm: float, tone: str, beginning: str
) -> None:
    summary = of_two_arms(scores, p_holm=p_holm)
    given = answer(summary)
    assert given.tone == tone and given.text.startswith(beginning)
    word = summary.evidence.arm("x").effect("mask_map50_95").verdict
    words, command = next_steps.go_on(summary)
    assert word in beginning.lower() and command.startswith("promote ") == (word == "better")
    assert word == "better" or f"x is {word}." in words


def test_too_few_seeds_to_tell_anything_apart_are_said_to_be_too_few() -> None:
    few = of_two_arms([0.33] * 2, p_holm=0.1, baseline_runs=3)
    assert "2 trainings of an arm tell none but a very large gain" in answer(few).text
    enough = of_two_arms([0.33] * 3, p_holm=0.1, baseline_runs=4)
    assert "raise confirm.seeds" not in answer(enough).text
    shown = of_two_arms([0.33] * 2, p_holm=0.01, baseline_runs=3)
    assert "raise confirm.seeds" not in answer(shown).text


@pytest.mark.parametrize(
    ("gain", "word"), [(0.0456, "better"), (0.003, "not told apart"), (-0.05, "worse")]
)
def test_one_training_each_is_never_a_yes(gain: float, word: str) -> None:
    measured = evidence(arms=[], noise_sd=None, variants=[effect("no-flips", gain)])
    given = answer(study(evidence=measured))
    assert given.tone == "unclear" and given.text.startswith("Not confirmed, on these synthetic")
    assert f"), {word}. It was trained once; nothing was trained again" in given.text


def test_a_searched_run_without_an_effect_gets_no_verdict() -> None:
    found = run("s", 0.4, kind="search")
    text = answer(study(found, best="s", evidence=evidence(arms=[], variants=[]))).text
    assert "0.400 against the baseline's 0.300 (+0.100). It was trained once and picked" in text
    assert not any(word in text for word in ("better", "worse", "told apart", "interval"))


def test_the_caution_counts_what_it_says() -> None:
    text = " ".join(cautions(study()))
    assert "with seed 0" in text and "best of 4 on the same 81 validation films" in text
    assert "fresh seeds take the luck" in " ".join(cautions(confirmed_study()))


def test_a_pruned_run_above_the_best_is_named() -> None:
    pruned = run("early", 0.41, kind="search", outcome="pruned", epochs=2)
    text = " ".join(cautions(study(run("no-flips", 0.35), pruned)))
    assert "score above no-flips: early (0.410)" in text
    assert "Pruned" not in " ".join(cautions(study()))


def test_tiles_show_the_metrics_of_the_table_the_objective_first() -> None:
    summary = confirmed_study(objective="box_map50")
    shown = [what for what, _, _, _ in tiles(summary)]
    assert shown[0] == "box mAP50" and len(shown) == len(TABLED)
    assert tiles(study(best="baseline"))[0] == ("mask mAP50-95", "0.300", "", "trained once")


def test_a_second_opening_is_a_warning_and_the_first_is_none(full_page: str) -> None:
    assert 'class="warning"' not in full_page and "was opened once" in full_page
    assert "opened 2 times" in warning(sealed_test(openings=[opening(), opening(9)]))
    assert "no opening" in warning(sealed_test(openings=[]))


@pytest.mark.usefixtures("few_figures")
def test_the_warning_of_a_second_opening_stands_below_the_answer(tmp_path: Path) -> None:
    test = sealed_test(openings=[opening(), opening(9, "a better <b>idea</b>")], promoted=False)
    gates = [gate.model_copy(update={"passed": gate.name != "speed"}) for gate in test.gates]
    html = page_of(confirmed_study(test=test.model_copy(update={"gates": gates})), tmp_path)
    warned, tiled = html.index('<p class="warning">'), html.index('<div class="tiles">')
    assert html.index('<p class="answer') < warned < tiled and "<b>idea" not in html
    text = words_of(html)
    assert "no-flips was not promoted; refused by: speed." in text
    assert "spineseg promote made-up" in text
    assert "speed REFUSED 1.02 times the baseline's" in text and "a better <b>idea</b>" in text


def test_the_answer_to_a_large_study_is_that_of_its_leader() -> None:
    summary = large_study(**large_evidence())
    assert summary.leader is not None
    where = "better on the sealed test part (synthetic films): "
    assert where + summary.leader.name in answer(summary).text


def test_an_answer_of_a_study_that_a_limit_cut_short_says_so() -> None:
    cut = "limits.hours 10 is spent (10.4 trained); not trained: 5 searched trainings"
    said, whole = answer(study(cut_short=cut)), answer(study())
    assert said.text == f"{whole.text} The study is not whole: {cut}." and said.tone == whole.tone
