"""Learning, search and cost: which runs are drawn, and what is said of those that did not end."""

from __future__ import annotations

import re

from evidence_factory import evidence
from report_factory import confirmed_study, run, study

from spineseg.report.curves import valid_curve
from spineseg.report.sections import cost, data, learning, search


def test_fresh_seeds_are_drawn_as_one_cost_and_no_curve(full_page: str) -> None:
    summary = confirmed_study()
    assert not any("-seed-" in key.name for key in learning.legend(summary))
    few = confirmed_study(runs=[r for r in summary.runs if r.kind != "confirm"])
    curve = valid_curve("mask_map50_95")
    curves = [learning.learning_curves(s, curve, "x") for s in (summary, few)]
    assert curves[0] and curves[0] == curves[1]
    assert "no-flips, 3 on fresh seeds" in cost.bars(summary)
    assert "9 of them, on fresh seeds" in cost.cost_text(summary)
    assert "no-flips-seed-1" not in full_page


def test_curves_of_searched_runs_are_one_line_with_a_gap_and_a_mark_for_each() -> None:
    def drawn(number: int) -> str:
        runs = [run(f"s{i}", 0.2, kind="search", outcome="pruned") for i in range(number)]
        return learning.learning_curves(study(*runs), valid_curve("mask_map50_95"), "x")

    few, many = drawn(2), drawn(20)
    assert few.count("-line2d_") == many.count("-line2d_")
    assert many.count("<use") - few.count("<use") == 18
    begins = [len(re.findall(r"M [\d.]+ [\d.]+", text)) for text in (few, many)]
    assert begins[1] - begins[0] == 18


def test_a_failed_fresh_seed_is_named() -> None:
    failed = run("x-seed-1", None, kind="confirm", outcome="failed", failure="bug: y", curves={})
    found = cost.unfinished(study(failed))
    assert [(each.name, each.reason) for each in found] == [("x-seed-1", "bug: y (after 4 epochs)")]


def test_a_pruned_run_says_how_far_it_came() -> None:
    pruned = run("x", 0.2, outcome="pruned", epochs=2)
    reason = cost.unfinished(study(pruned))[0].reason
    assert reason == "given up after 2 epochs; its best epoch had mask mAP50-95 0.250"


def test_of_many_runs_the_longest_are_drawn_and_the_rest_counted() -> None:
    runs = [run(f"s{i}", 0.2, kind="search", train_seconds=60.0 + i) for i in range(40)]
    summary = study(*runs, best="s39")
    drawn = cost.bars(summary)
    assert ">s39<" in drawn and ">s0<" not in drawn
    assert cost.content(summary)["left_out"] == 41 - cost.MOST_BARS


def test_searched_values_are_drawn_from_two_runs_on() -> None:
    runs = [
        run(f"s{i}", 0.2 + i / 10, kind="search", changes={"lr0": 0.002 * (i + 1), "mode": "a"})
        for i in range(2)
    ]
    space = {"lr0": {"low": 0.001, "high": 0.01, "log": True}, "mode": {"choices": ["a", "b"]}}
    assert len(search.searched_values(study(*runs, best="s1", space=space))) == 2
    assert search.searched_values(study(runs[0], best="s0", space=space)) == []
    assert search.space_lines(study(space=space)) == [
        ("lr0", "0.001 to 0.01, log"),
        ("mode", "a or b"),
    ]


def test_a_study_without_a_search_has_no_section_of_it() -> None:
    assert search.content(study(run("x", 0.3), space={}, evidence=evidence())) is None


def test_facts_of_the_data_are_written_out() -> None:
    assert data.fact_text({"train": 5, "valid": 2}) == "5 train, 2 valid"
    nested = {"train": {"frontal": 4}, "valid": {"frontal": 1}}
    assert data.fact_text(nested) == "train: 4 frontal; valid: 1 frontal"
