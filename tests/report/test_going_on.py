"""What a study advises can be pasted: by its name, and nothing that would be refused."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from evidence_factory import arm, evidence, sealed_test
from report_factory import run, study

from spineseg.commands.hints import after_comparison, after_promotion
from spineseg.evidence.promotion import Promotion
from spineseg.evidence.results import StudySummary
from spineseg.report.going_on import go_on, marking
from spineseg.report.sections import next_steps

ROOT = Path("mlruns")


@pytest.fixture(autouse=True)
def no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the program the same wherever the tests run."""
    monkeypatch.chdir(tmp_path)


def of_arms(score: float, p: float, **changes: object) -> StudySummary:
    """Return a study with one finalist on fresh seeds."""
    arms = [arm("baseline", None, [0.3] * 4), arm("x", 0.3, [score] * 4, p_holm=p)]
    values = {"best": "x", "evidence": evidence(arms=arms)} | changes
    return study(run("x", 0.31), **values)


def test_a_better_configuration_is_to_be_registered_by_the_studys_name() -> None:
    shown = after_comparison(of_arms(0.36, 0.01), ROOT)
    assert "spineseg promote made-up\n" in shown and "spineseg ui made-up\n" in shown
    assert "spineseg predict FILM.jpg --run made-up/x\n" in shown
    assert "mlruns/work/studies/made-up/NNN-RUN/train/weights/best.pt" in shown


@pytest.mark.parametrize("score", [0.29, 0.25])
def test_where_nothing_wins_nothing_is_advised_that_is_refused(score: float) -> None:
    summary = of_arms(score, 0.5 if score == 0.29 else 0.01)
    shown = after_comparison(summary, ROOT)
    assert "promote" not in shown
    assert "spineseg run made-up --set search.trials=10\n" in shown
    assert "predict FILM.jpg --run made-up/x" in shown


def test_without_a_search_more_seeds_are_advised() -> None:
    seeds = of_arms(0.29, 0.5, space={})
    assert go_on(seeds)[1] == f"run made-up --set confirm.seeds={2 * seeds.evidence.seeds}"  # type: ignore[union-attr]
    never = study(run("x", 0.31), best="x", evidence=None)
    words, command = go_on(never)
    assert "not confirmed. Trained again on fresh seeds" in words
    assert shlex.split(command)[-1] == "confirm={top: 1, seeds: 5}"
    losing = study(run("x", 0.2), best="baseline", evidence=None, space={})
    assert "Nothing lies above the baseline yet" in go_on(losing)[0]
    assert go_on(losing)[1] == command


def test_an_unfinished_study_goes_on_by_its_name() -> None:
    assert go_on(study(best=None, runs=[]))[1] == "run made-up"
    assert marking(study(best=None, runs=[])) == "predict FILM.jpg --weights bundled"


def test_a_study_whose_baseline_failed_does_not_go_on_by_the_same_command() -> None:
    failed = run("baseline", None, kind="baseline", outcome="failed", failure="bug: ValueError: x")
    words, command = go_on(study(best="x", runs=[failed, run("x", 0.3)]))
    assert "The baseline failed (bug: ValueError: x; its train.log may say more)" in words
    assert "Mend the cause, and ask for it again" in words and command == "retry made-up/baseline"
    there = study(
        best="x", runs=[failed, run("x", 0.3)], reference="made-up --set 'store.root=a b'"
    )
    assert go_on(there)[1] == "retry made-up/baseline --set 'store.root=a b'"
    asked = failed.model_copy(update={"again": "to be tried again"})
    assert go_on(study(best="x", runs=[asked, run("x", 0.3)]))[1] == "run made-up"


def test_a_fresh_seed_that_failed_is_to_be_asked_for_again() -> None:
    lost = run("x-seed-1", None, kind="confirm", outcome="failed", failure="bug: x")
    summary = study(run("x", 0.31), lost, best="x", evidence=evidence(arms=[]))
    words, command = go_on(summary)
    assert "x-seed-1 failed" in words and command == "retry --all made-up"
    summary = study(run("x", 0.31), best="x", evidence=evidence(arms=[]))
    assert go_on(summary)[1] == "run made-up"


CUT = "limits.trainings 5 is spent (5 begun); not trained: at most 3 trainings on fresh seeds"


def test_a_study_that_a_limit_cut_short_goes_on_without_that_limit() -> None:
    words, command = go_on(study(cut_short=CUT))
    assert words == f"The study is not whole: {CUT}. Without that limit it goes on:"
    assert command == "run made-up --set limits.trainings=null"


def test_what_is_better_already_is_registered_though_a_limit_cut_the_study_short() -> None:
    assert go_on(of_arms(0.36, 0.01, cut_short=CUT))[1] == "promote made-up"


def test_a_study_elsewhere_is_named_with_where_it_is() -> None:
    there = "made-up --set 'store.root=a b'"
    summary = of_arms(0.36, 0.01, reference=there)
    shown = next_steps.content(summary)
    assert shown["command"] == f"spineseg promote {there}"
    assert shown["browse"] == f"spineseg ui {there}"
    assert shown["mark"] == f"spineseg predict FILM.jpg --run made-up/x --config {there}"
    tested = sealed_test()
    promoted = summary.model_copy(update={"test": tested.model_copy(update={"promoted": True})})
    assert marking(promoted) == f"predict FILM.jpg --config {there}"
    assert "spineseg promote" not in after_comparison(promoted, ROOT)


@pytest.mark.parametrize("promoted", [True, False])
def test_after_a_refused_promotion_no_champion_is_advised(promoted: bool) -> None:
    verdict = Promotion(
        run="x", promoted=promoted, model_name="m", version="1", against="baseline", gates=(),
        test_opened=True, scored=True, synthetic=True,
    )  # fmt: skip
    shown = after_promotion(verdict, ["small"]).splitlines()
    if promoted:
        commands = [line.split("  ")[-1].strip() for line in shown]
        assert commands == [
            "spineseg predict FILM.jpg",
            "spineseg try small",
            "spineseg history --config small",
        ]
    else:
        assert [line.split("  ")[-1] for line in shown] == [
            "spineseg predict FILM.jpg --run small/x"
        ]
