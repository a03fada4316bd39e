"""Where vertebrae are lost, and the working point: figures that add up, words that fit them."""

from __future__ import annotations

from evaluation_factory import evaluation
from evidence_factory import evidence, sealed_test
from page_words import words_of
from report_factory import confirmed_study, study

from spineseg.report.chosen_runs import evaluations
from spineseg.report.sections import where, working_point


def test_the_kinds_of_error_add_up_to_the_labelled_vertebrae() -> None:
    table = where.kinds_of_error({"baseline": evaluation(0.3)})
    counts = {kind: int(cell.split()[0]) for kind, cell in table.rows}
    kinds = ("right level", "one level off", "further off", "missed")
    assert sum(counts[kind] for kind in kinds) == 960 and counts["doubled"] == 13


def test_both_ways_of_numbering_stand_beside_each_other(full_page: str) -> None:
    table = where.numberings(confirmed_study())
    assert table is not None and table.head[1:3] == [
        "baseline, each by itself",
        "baseline, whole columns (used)",
    ]
    used, plain = evaluation(0.3), evaluation(0.2)
    rows = {row[0]: row[1:3] for row in table.rows}
    for name, label in (("right_level_rate", "right level"), ("found_rate", "found")):
        assert rows[label] == [f"{e.value(name):.1%}" for e in (plain, used)]
    assert "for no-flips, mask mAP50-95 +0.100 and right level" in words_of(full_page)
    assert where.numberings(study()) is None and where.numbering_text(study()) == ""
    other = confirmed_study(evidence=evidence(numbering="argmax"))
    assert "mask mAP50-95 -0.100" in where.numbering_text(other)


def test_views_and_scores_whatever_the_level_are_shown(full_page: str) -> None:
    table = where.views({"baseline": evaluation(0.3), "x": evaluation(0.4)})
    assert table is not None and table.head[1:] == [
        "frontal, baseline",
        "frontal, x",
        "lateral, baseline",
        "lateral, x",
    ]
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["films"] == ["41", "41", "40", "40"] and rows["right level"][2] == "63.0%"
    text = words_of(full_page)
    assert "mask AP50-95, whatever the level 0.450" in text and "Dice 0.830" in text
    assert where.views({"x": evaluation(0.3).model_copy(update={"views": {}})}) is None


def test_the_confirmed_best_is_looked_into_and_not_the_luckiest() -> None:
    lucky = confirmed_study(best="upright")
    assert lucky.leader is not None and lucky.leader.name == "no-flips"
    assert list(evaluations(lucky)) == ["baseline", "no-flips"]
    promoted = confirmed_study(test=sealed_test(candidate="no-mosaic"))
    assert promoted.leader is not None and promoted.leader.name == "no-mosaic"
    assert study().leader == study().best_run


def test_a_lost_level_is_named_with_the_confidence_it_was_counted_at() -> None:
    whole = evaluation(0.3)
    levels = whole.levels | {"T9": whole.levels["T9"].model_copy(update={"right": 0})}
    levels["C1"] = levels["C1"].model_copy(update={"right": 0, "found": 0, "instances": 0})
    lost = whole.model_copy(update={"levels": levels})
    assert working_point.lost_levels({"baseline": lost}) == [
        "The baseline has lost 1 level of 23 at confidence 0.25: T9 is found nowhere with its own "
        "level."
    ]
    assert "lost no level of 24" in working_point.lost_levels({"x": whole})[0]


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
    assert "no less than the 0.7" in working_point.sentences({"x": e})[0]
    rows = working_point.table({"x": e}).rows
    assert rows[1][2:] == ["0.500", "0.850", "0.750", "0.797"]
    assert rows[-1][2:] == ["0.700", "0.800", "0.700", "–"]


def test_a_confidence_without_a_hit_is_no_working_point() -> None:
    none = {
        "confidence": [0.0, 0.5, 1.0],
        "mask_precision": [0.1, 0.1, 1.0],  # Without a hit, precision counts as 1.
        "mask_recall": [0.95, 0.75, 0.0],
        "mask_f1": [0.2, 0.2, 0.0],
    }
    empty = evaluation(0.3).model_copy(update={"f1_curve": none})
    assert working_point.precise_enough(empty) is None
    assert "at no confidence" in working_point.sentences({"x": empty})[0]
