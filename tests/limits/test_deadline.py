"""A deadline: past before the study begins, near while it runs, in whatever zone it was given."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest
from told_runs import EACH, START, WHOLE, job, story, study, whole

from spineseg.config.limits import LimitsConfig
from spineseg.errors import ConfigError
from spineseg.limits.cut import cut_short
from spineseg.limits.deadline import may_not_begin, moment, passed, past, refuse_past, seconds_left
from spineseg.run_times import Rates, Spent, spent
from spineseg.runs import Run
from spineseg.time_left import begun_anew, measured

BASELINE = job(0, "baseline")
TAKEN = measured(study(), [whole(BASELINE)])


def limits(at: float, then: str = "checkpoint") -> LimitsConfig:
    return LimitsConfig.model_validate(
        {"deadline": datetime.fromtimestamp(at), "at_deadline": then}
    )


def refusal(left: float, then: str = "checkpoint", so_far: Spent | None = None) -> str | None:
    """Return why a training of the baseline's size is not begun so many seconds before."""
    now = 1_800_000_000.0
    return may_not_begin(limits(now + left, then), study().baseline, TAKEN, now, so_far)


def test_a_time_without_a_zone_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    naive = LimitsConfig.model_validate({"deadline": "2026-12-24T08:00"})
    there = LimitsConfig.model_validate({"deadline": "2026-12-24T08:00+01:00"})
    for zone, equal in (("Europe/Berlin", True), ("UTC", False)):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert (moment(naive) == moment(there)) is equal
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("then", ["checkpoint", "finish"])
def test_it_is_past_from_its_very_moment_on(then: str) -> None:
    at = 1_800_000_000.0
    assert passed(limits(at, then), at - 1) is None and past(limits(at), at - 1) is None
    assert passed(limits(at, then), at) == then and past(limits(at), at)
    assert seconds_left(limits(at), at - 7) == 7 and seconds_left(LimitsConfig(), at) is None
    assert passed(LimitsConfig(), at) is None


def test_a_study_is_not_begun_after_its_deadline_and_both_times_are_told() -> None:
    config = LimitsConfig.model_validate({"deadline": "2026-12-24T08:00+01:00"})
    at = moment(config)
    assert at is not None
    refuse_past(config, at - 1)
    refuse_past(LimitsConfig(), at)
    with pytest.raises(ConfigError) as caught:
        refuse_past(config, at + 3600)
    assert str(caught.value) == (
        "limits.deadline 2026-12-24 08:00+01:00 is past, it is 2026-12-24 09:00+01:00; set a later "
        "one, or null"
    )


def test_what_comes_to_no_epoch_before_a_checkpoint_is_not_begun() -> None:
    assert refusal(START + EACH + 1) is None
    said = refusal(START + EACH - 1)
    assert said is not None and "an epoch of it is expected to take 12 s" in said
    assert "is in 11 s" in said


def test_what_does_not_end_before_is_not_begun_where_all_is_to_finish() -> None:
    assert refusal(WHOLE + 1, "finish") is None
    said = refusal(WHOLE - 1, "finish")
    assert said is not None and "a training of it is expected to take 45 s" in said
    large = may_not_begin(
        limits(1_800_000_000.0 + WHOLE + 1, "finish"),
        study().baseline.with_(model="yolo11s-seg"),
        TAKEN,
        1_800_000_000.0,
    )
    assert large is not None


def test_of_an_interrupted_training_only_the_rest_counts() -> None:
    def half() -> Spent:
        return begun_anew(spent(BASELINE.created, story(BASELINE)[:3]), 1_800_000_000.0)

    assert refusal(WHOLE - 1.5 * EACH, "finish", half()) is None
    assert refusal(WHOLE - 2.5 * EACH, "finish", half())
    assert refusal(START + EACH + 1, "checkpoint", half()) is None


def test_before_anything_is_measured_all_may_begin_until_the_deadline() -> None:
    now, unknown = 1_800_000_000.0, Rates(study().baseline)
    assert may_not_begin(limits(now + 1, "finish"), study().baseline, unknown, now) is None
    assert may_not_begin(limits(now), study().baseline, unknown, now)
    assert may_not_begin(LimitsConfig(), study().baseline, unknown, now) is None


def test_a_study_that_a_deadline_ends_says_what_was_not_trained() -> None:
    config = study(limits={"deadline": "2026-12-24T08:00+00:00"}, confirm=None)
    at = moment(config.limits)
    assert at is not None
    assert cut_short(config, [whole(BASELINE)], at - 1) == ""
    assert cut_short(config, [whole(BASELINE)], at) == (
        "limits.deadline 2026-12-24 08:00+00:00 is past; not trained: no-flips, large, 1 searched "
        "training"
    )


def test_what_the_deadline_stopped_is_told_though_all_had_begun() -> None:
    config = study(
        limits={"deadline": "2026-12-24T08:00+00:00"},
        variants=[],
        search={"trials": 0},
        confirm=None,
    )
    at = moment(config.limits)
    assert at is not None
    half = Run(Path("000-baseline"), BASELINE, tuple(story(BASELINE)[:2]))
    assert cut_short(config, [whole(BASELINE)], at) == ""
    assert cut_short(config, [half], at) == (
        "limits.deadline 2026-12-24 08:00+00:00 is past; stopped before their end: baseline"
    )
