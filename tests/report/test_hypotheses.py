"""Hypotheses: each variant's word, its interval, and its effect drawn."""

from __future__ import annotations

from evidence_factory import effect, evidence
from report_factory import confirmed_study, run, study

from spineseg.report.sections import hypotheses


def test_a_hypothesis_is_judged_by_interval_and_p() -> None:
    measured = [
        effect("no-flips", 0.0456, 0.06),
        effect("no-mosaic", 0.003, 0.001),
        effect("upright", -0.05, p=0.2),
    ]
    summary = study(evidence=evidence(variants=measured, arms=[]))
    words = {h.name: h.verdict for h in hypotheses.hypotheses(summary)}
    assert words == {
        "no-flips": "not told apart",
        "no-mosaic": "better",
        "upright": "not told apart",
    }
    drawn = hypotheses.forest(summary)
    assert ">+0.003<" in drawn and ">better<" in drawn and ">not told apart<" in drawn
    assert "no-mosaic +0.003, +0.002 to +0.004, better;" in drawn  # For those who cannot see it.


def test_without_evidence_nothing_is_judged_and_nothing_drawn() -> None:
    words = {h.verdict for h in hypotheses.hypotheses(study())}
    assert words == {"not compared"} and hypotheses.forest(study()) == ""
    assert hypotheses.interval_note(study()) == []


def test_a_pruned_variant_gets_no_verdict() -> None:
    pruned = run("x", 0.2, outcome="pruned", epochs=2)
    assert hypotheses.hypotheses(study(pruned))[0].verdict == "pruned"


def test_intervals_over_patients_alone_are_called_so() -> None:
    alone = study(evidence=evidence(noise_sd=None, baseline_scores=[0.3], arms=[], seeds=0))
    text = " ".join(hypotheses.interval_note(alone))
    assert "patients alone" in text and "2 of 3 variants are told apart" in text
    assert "about 0.15 would be by chance" in text
    assert "patients and seeds" in " ".join(hypotheses.interval_note(confirmed_study()))


def test_a_confirmed_finalist_is_drawn_apart_from_its_first_training() -> None:
    drawn = hypotheses.forest(confirmed_study())
    assert ">no-flips<" in drawn and ">no-flips, 3 seeds<" in drawn and "-seed-" not in drawn
    confirmed = {h.name: h.confirmed for h in hypotheses.hypotheses(confirmed_study())}
    assert confirmed["no-flips"] == "better, +0.030" and confirmed["upright"] == "–"
