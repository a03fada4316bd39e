"""What to try next: each sentence follows from the figures."""

from __future__ import annotations

from evaluation_factory import evaluation
from evidence_factory import arm, evidence
from report_factory import confirmed_study, run, study

from spineseg.report.sections import next_steps
from spineseg.report.shares import shares


def test_what_to_try_next_follows_from_the_figures() -> None:
    text = " ".join(next_steps.steps(confirmed_study()))
    assert "Numbering costs more than finding" in text and "Lateral films are the weak view" in text
    finder = shares(evaluation(0.6))
    assert finder.wrong < finder.missed
    text = " ".join(next_steps.steps(study(run("x", 0.6), best="x")))
    assert "Finding costs more than numbering" in text
    assert next_steps.steps(study(best=None, runs=[])) == []


def advice(half: float, seeds: int = 4, p_holm: float = 0.2) -> str:
    arms = [
        arm("baseline", None, [0.3] * 4),
        arm("x", 0.31, [0.304] * seeds, half=half, p_holm=p_holm),
    ]
    shown = study(run("x", 0.31), best="x", evidence=evidence(arms=arms, noise_sd=0.004))
    return " ".join(next_steps.steps(shown))


def test_an_unclear_gain_names_the_seeds_or_patients_it_would_take() -> None:
    seeds = next_steps.seeds_wanted(1.0)
    assert seeds == 17  # As Cohen 1988, table 2.4.1: d = 1, power 0.80, two-sided 0.05.
    assert (next_steps.seeds_wanted(1.0, finalists=3) or 0) > seeds
    assert "takes 17 seeds each, instead of 4" in advice(0.0065)
    assert "1,500 patients instead of 60" in advice(0.02)
    assert next_steps.seeds_wanted(0.1) is None and next_steps.seeds_wanted(-1) is None


def test_a_gain_that_only_p_leaves_open_is_not_told_apart_either() -> None:
    text = advice(0.003, p_holm=0.06)
    assert "x is not told apart from the baseline on the validation part (+0.004;" in text
    assert "p 0.060)" in text and "instead of" not in text
    assert "told apart" not in advice(0.003, p_holm=0.01)
    assert "2 trainings of an arm tell none but a very large gain: raise confirm.seeds" in advice(
        0.003, seeds=2, p_holm=0.07
    )


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
    outside = edge.model_copy(update={"changes": {"lr0": 0.0}})
    assert next_steps.steps(study(outside, best="s"))  # The space was another one then.
