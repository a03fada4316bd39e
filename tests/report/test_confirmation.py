"""Finalists on fresh seeds and on the test part: means, verdicts, noise, luck, gates, openings."""

from __future__ import annotations

from evidence_factory import arm, evidence, opening, sealed_test
from large_study import large_evidence, large_study
from page_words import words_of
from report_factory import confirmed_study, study

from spineseg.report.sections import confirmation, promotion


def test_the_winners_curse_is_computed(full_page: str) -> None:
    text = " ".join(confirmation.luck_text(evidence()))
    assert "2 finalists scored 0.008 less on average" in text and "no-flips -0.016" in text
    table = confirmation.finalists(confirmed_study())
    assert table is not None and table.rows[1][:4] == ["no-flips", "0.346", "0.330 (3)", "-0.016"]
    assert "winner's curse" in full_page
    rose = [arm("baseline", None, [0.3, 0.3]), arm("x", 0.31, [0.32, 0.32])]
    assert confirmation.luck_text(evidence(arms=rose))[0].startswith("No winner's curse")


def test_a_finalist_that_lost_nothing_shows_no_winners_curse() -> None:
    same = [arm("baseline", None, [0.3, 0.3]), arm("x", 0.3201, [0.32, 0.32])]
    text = confirmation.luck_text(evidence(arms=same))[0]
    assert text.startswith("No winner's curse") and "0.000 less" not in text


def test_the_baselines_first_training_counts_and_the_page_says_why(full_page: str) -> None:
    table = confirmation.finalists(confirmed_study())
    assert table is not None and table.rows[0][:4] == ["baseline", "–", "0.300 (4)", "–"]
    assert "the baseline's first one too, since nobody picked it" in words_of(full_page)


def test_a_verdict_goes_by_interval_and_corrected_p_and_is_one_word() -> None:
    arms = [arm("baseline", None, [0.3] * 4), arm("x", 0.35, [0.33, 0.33], p_holm=0.09)]
    arms.append(arm("y", 0.35, [0.33, 0.33], p_holm=0.01))
    table = confirmation.finalists(study(evidence=evidence(arms=arms)))
    assert table is not None and [row[-1] for row in table.rows] == [
        "–",
        "not told apart",
        "better",
    ]
    assert table.tone("not told apart") == "" and table.tone("better") == "better"
    metrics = confirmation.every_metric(arms[1])
    assert {row[-1] for row in metrics.rows} == {"not told apart"}


def test_fewer_errors_are_better() -> None:
    arms = [arm("baseline", None, [0.3] * 4), arm("x", 0.35, [0.33, 0.33])]
    row = next(r for r in confirmation.every_metric(arms[1]).rows if r[0] == "one level off")
    assert row[3] == "-3.0 points" and row[-1] == "better"


def test_the_noise_and_what_could_be_detected_are_given_in_the_objective() -> None:
    text = " ".join(confirmation.noise_text(evidence()))
    assert "over 4 trainings" in text and "deviation of 0.0033 (from 0.296 to 0.304)" in text
    assert "3.20 standard deviations, here 0.011 mask mAP50-95" in text
    unknown = evidence(noise_sd=None, baseline_scores=[0.3])
    text = " ".join(confirmation.noise_text(unknown))
    assert "not known" in text and "here" not in text


def test_a_large_study_keeps_its_fresh_seeds_together() -> None:
    summary = large_study(**large_evidence())
    assert confirmation.seed_dots(summary).count("PathCollection") == 7  # Finalists: a diamond too.
    assert summary.test is not None and len(summary.runs) == 53
    assert "first promotion was refused" in promotion.openings(summary.test).rows[1][-1]


def test_openings_are_counted() -> None:
    twice = sealed_test(openings=[opening(), opening(9, "a better <b>idea</b>")])
    assert promotion.openings_text(twice).endswith("of these data was opened 2 times.")
    assert promotion.openings(twice).rows[1][-1] == "a better <b>idea</b>"
    assert promotion.openings_text(sealed_test()).startswith("44 films of 31 patients. ")
