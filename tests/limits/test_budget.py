"""Budgets count over restarts and losses, by the logs; what they end early says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from told_runs import EACH, START, WHOLE, job, on_fresh_seed, story, study, whole

from spineseg.config.limits import LimitsConfig
from spineseg.events import Event, Failed, Lost, Started
from spineseg.limits.budget import Budget, Used, spent, used_by
from spineseg.limits.cut import cut_short, not_trained
from spineseg.limits.planned import planned_cuts
from spineseg.run_times import Rates
from spineseg.runs import Run
from spineseg.time_left import measured

BASELINE = job(0, "baseline")
NIGHT = 30_000.0


def run_of(*log: Event) -> Run:
    return Run(Path("000-baseline"), BASELINE, log)


def started_again(at: float, attempt: int = 2, epoch: int = 0) -> Started:
    told = {"time": at, "attempt": attempt, "resumed_from_epoch": epoch}
    return story(BASELINE)[0].model_copy(update=told)  # type: ignore[return-value]


def lost(at: float, kind: str = "killed") -> Lost:
    told = {"run": BASELINE.id, "time": at, "attempt": 1, "kind": kind, "message": "m"}
    return Lost.model_validate(told)


def test_a_training_takes_all_from_its_start_to_its_end() -> None:
    assert used_by(whole(BASELINE)) == Used(1, 3, WHOLE)


def test_an_epoch_that_was_trained_twice_after_a_loss_was_paid_for_twice() -> None:
    first, one, two = story(BASELINE)[:3]
    at = two.time + 4.0
    again = started_again(at + 3.0, epoch=1)
    twice = two.model_copy(update={"time": again.time + EACH})
    found = used_by(run_of(first, one, two, lost(at, "out_of_memory"), again, twice))
    assert found.epochs == 3
    assert found.seconds == pytest.approx(START + 2 * EACH + 4.0 + 3.0 + EACH)


def test_a_stop_over_night_is_nobodys_time() -> None:
    first, one, *rest = story(BASELINE)
    later = [event.model_copy(update={"time": event.time + NIGHT}) for event in rest]
    again = started_again(one.time + NIGHT, epoch=1)
    assert used_by(run_of(first, one, again, *later)).seconds == pytest.approx(WHOLE)


@pytest.mark.parametrize("kind", ["killed", "node_lost"])
def test_a_loss_that_is_found_the_next_morning_costs_an_epoch_at_most(kind: str) -> None:
    first, one = story(BASELINE)[:2]
    found = used_by(run_of(first, one, lost(one.time + NIGHT, kind)))
    longest = one.epoch_seconds  # type: ignore[union-attr]
    assert found.seconds == pytest.approx(START + EACH + longest)


def test_a_training_that_hung_all_night_held_its_slot_all_night() -> None:
    first, one = story(BASELINE)[:2]
    found = used_by(run_of(first, one, lost(one.time + NIGHT, "stalled")))
    assert found.seconds == pytest.approx(START + EACH + NIGHT)


def test_what_is_scored_after_the_end_and_clocks_that_go_back_cost_nothing() -> None:
    log = story(BASELINE)
    failed = Failed(run=BASELINE.id, time=log[1].time - 5, kind="bug", message="m")
    late = log[1].model_copy(update={"time": log[1].time + NIGHT})
    assert used_by(run_of(*log[:2], failed, late)).seconds == pytest.approx(START + EACH)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, None),
        ({"trainings": 3}, None),
        ({"trainings": 2}, "limits.trainings 2 is spent (2 begun)"),
        ({"trainings": 1}, "limits.trainings 1 is spent (2 begun)"),
        ({"epochs": 5}, "limits.epochs 5 is spent (6 trained)"),
        ({"epochs": 7}, None),
        ({"hours": WHOLE / 1800}, f"limits.hours {WHOLE / 1800:g} is spent (0.025 trained)"),
        ({"hours": 1}, None),
    ],
)
def test_the_limit_its_value_and_what_was_used_are_told(
    limits: dict[str, float], said: str | None
) -> None:
    runs = [whole(BASELINE), whole(job(1, "no-flips"))]
    assert spent(LimitsConfig.model_validate(limits), runs) == said


def test_a_failed_training_was_begun_too_and_so_is_the_one_that_replaces_it() -> None:
    failed = Failed(run=BASELINE.id, time=BASELINE.created + 5, kind="killed", message="m")
    runs = [run_of(*story(BASELINE)[:1], failed), whole(job(4, "baseline"))]
    assert Budget(LimitsConfig(trainings=2)).spent(runs)


def test_a_budget_counts_what_a_run_says_later_though_it_knew_the_run() -> None:
    budget = Budget(LimitsConfig(epochs=3))
    log = story(BASELINE)
    assert budget.spent([run_of(*log[:3])]) is None
    assert budget.spent([run_of(*log[:3])]) is None  # Known by heart.
    assert budget.spent([run_of(*log[:4])])


def test_a_run_that_has_said_nothing_yet_is_begun() -> None:
    assert Budget(LimitsConfig(trainings=1)).spent([run_of()])


def test_a_study_that_a_budget_ends_says_what_was_not_trained() -> None:
    config = study(limits={"trainings": 2})
    runs = [whole(BASELINE), whole(job(1, "no-flips"))]
    said = cut_short(config, runs, now=0.0)
    assert said == (
        "limits.trainings 2 is spent (2 begun); not trained: large, 1 searched training, at "
        "most 4 trainings on fresh seeds"
    )


def test_confirmation_needs_budget_as_well() -> None:
    config = study(limits={"trainings": 5})
    runs = [
        *(whole(job(n, name)) for n, name in enumerate(("baseline", "no-flips", "large"))),
        whole(job(3, "search-001", kind="search")),
        whole(on_fresh_seed(4, "baseline", 1)),
    ]
    assert cut_short(config, runs, now=0.0).endswith(
        "not trained: at most 3 trainings on fresh seeds"
    )


def test_a_whole_study_is_not_cut_short_by_a_budget_that_it_just_used_up() -> None:
    config = study(limits={"trainings": 1}, variants=[], search={"trials": 0}, confirm=None)
    assert spent(config.limits, [whole(BASELINE)]) and not cut_short(config, [whole(BASELINE)], 0.0)


def test_many_variants_are_named_in_part() -> None:
    variants = [
        {"name": f"v{n}", "hypothesis": "Why not.", "changes": {"fliplr": n / 100}}
        for n in range(9)
    ]
    left = not_trained(study(variants=variants, search={"trials": 0}, confirm=None), [])
    assert left == "baseline, v0, v1, v2, 6 more variants"


def plan(limits: dict[str, object], runs: list[Run], now: float = 0.0) -> list[str]:
    config = study(limits=limits, variants=[], search={"trials": 0}, confirm={"top": 0, "seeds": 3})
    taken = measured(config, runs) if runs else Rates(config.baseline)
    return planned_cuts(config, runs, taken, 1, now)


def test_a_plan_says_after_how_many_trainings_a_limit_ends_it() -> None:
    runs = [whole(BASELINE)]
    assert plan({}, runs) == plan({"trainings": 4}, runs) == []
    at_most = "of at most 4 trainings, if nothing is pruned"
    assert plan({"trainings": 2}, runs) == [f"limits.trainings 2 is spent after 2 {at_most}"]
    assert plan({"trainings": 1}, runs) == [f"limits.trainings 1 is spent after 1 {at_most}"]
    assert plan({"epochs": 7}, runs) == [f"limits.epochs 7 is spent after about 3 {at_most}"]
    hours = 1.5 * WHOLE / 3600
    assert plan({"hours": hours}, runs) == [
        f"limits.hours {hours:g} is spent after about 2 {at_most}"
    ]


def test_a_plan_without_a_timing_says_that_it_cannot_tell() -> None:
    assert plan({"hours": 3, "deadline": "2030-01-01T00:00"}, []) == [
        "limits.hours 3: no estimate of where it ends the study",
        "limits.deadline 2030-01-01 00:00: no estimate of how far the study is by then",
    ]


def test_a_plan_says_how_far_the_study_is_at_its_deadline() -> None:
    config = study(limits={"deadline": "2030-01-01T00:00"})
    at = config.limits.deadline.timestamp()  # type: ignore[union-attr]
    runs = [whole(BASELINE)]
    words = "limits.deadline 2030-01-01 00:00"
    told = {"deadline": "2030-01-01T00:00"}
    assert plan(told, runs, at - 10 * WHOLE) == []
    assert plan(told, runs, at - 1.5 * WHOLE) == [
        f"{words} comes after about 3 of at most 4 trainings have begun, if nothing is pruned"
    ]
    assert plan(told, runs, at + 1) == [f"{words} is past: nothing is begun"]


def test_without_a_budget_that_counts_them_no_epoch_is_read() -> None:
    class Unread(tuple):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[Event]:
            raise AssertionError("the log was read")

    runs = [Run(Path("000-baseline"), BASELINE, Unread())] * 3
    for limits in (LimitsConfig(), LimitsConfig(trainings=5)):
        assert Budget(limits).used(iter(runs)) == Used(trainings=3)
    with pytest.raises(AssertionError, match="was read"):
        Budget(LimitsConfig(epochs=5)).used(runs)
