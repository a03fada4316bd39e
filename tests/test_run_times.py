"""How long all takes, by the logs: phases, other sizes, stops between two attempts."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from told_runs import EACH, PICTURES, RECORDING, SCORING, START, WHOLE, job, story, study, whole

from spineseg.events import Phase
from spineseg.limits.ahead import ahead
from spineseg.places import LOCK_FILE
from spineseg.run_times import spent
from spineseg.runs import Run
from spineseg.time_left import measured, shared, so_far
from spineseg.trials import most_trainings, to_come

BASELINE = job(0, "baseline")


def test_a_log_says_what_each_phase_took() -> None:
    found = spent(BASELINE.created, story(BASELINE))
    assert found.seconds == {
        "starting": START,
        "training": 3 * EACH,
        "scoring": SCORING,
        "pictures": PICTURES,
        "recording": RECORDING,
    }


def test_a_log_without_phases_gives_all_after_the_last_epoch_to_scoring() -> None:
    log = [event for event in story(BASELINE) if not isinstance(event, Phase)]
    found = spent(BASELINE.created, log)
    assert found.seconds["scoring"] == SCORING + PICTURES + RECORDING and found.epochs == 3


def test_a_night_between_two_attempts_is_nobodys_time() -> None:
    before = story(BASELINE)[:2]  # Started, one epoch.
    night = 30_000.0
    after = [event.model_copy(update={"time": event.time + night}) for event in story(BASELINE)[2:]]
    again = story(BASELINE)[0].model_copy(
        update={"time": after[0].time - EACH, "resumed_from_epoch": 1}
    )
    assert spent(BASELINE.created, [*before, again, *after]).seconds["training"] == 3 * EACH


@pytest.mark.parametrize("phase", ["scoring", "pictures", "recording"])
def test_a_training_stopped_while_it_closed_counts_its_second_closing_only(phase: str) -> None:
    log = story(BASELINE)
    cut = next(i for i, e in enumerate(log) if isinstance(e, Phase) and e.name == phase)
    again = [event.model_copy(update={"time": event.time + 9e5}) for event in log[4:]]
    found = spent(BASELINE.created, [*log[: cut + 1], *again])
    assert found.seconds == spent(BASELINE.created, log).seconds


def test_a_stop_before_the_first_epoch_is_no_part_of_the_start(tmp_path: Path) -> None:
    stop = 200.0
    again = [event.model_copy(update={"time": event.time + stop}) for event in story(BASELINE)]
    for log in (again, [story(BASELINE)[0], *again]):
        (tmp_path / LOCK_FILE).touch()
        os.utime(tmp_path / LOCK_FILE, (BASELINE.created, BASELINE.created + stop))
        assert so_far(Run(tmp_path, BASELINE, tuple(log))).seconds["starting"] == START


def test_a_larger_network_trains_and_scores_longer_by_its_multiply_adds() -> None:
    taken = measured(study(), [whole(BASELINE)])
    large = study().baseline.with_(model="yolo11s-seg")
    assert taken.whole(study().baseline) == WHOLE
    assert taken.whole(large) == pytest.approx(WHOLE + 2.4 * (3 * EACH + SCORING))
    wide = study().baseline.with_(image_size_px=1280)
    assert taken.epoch_seconds(wide) == pytest.approx(4 * EACH)


def test_what_is_left_shrinks_second_by_second_and_never_below_nothing() -> None:
    log = story(BASELINE)
    taken = measured(study(), [whole(BASELINE)])
    at, lefts = BASELINE.created, []
    for second in range(200):
        known = [event for event in log[:-1] if event.time <= at + second]
        lefts.append(taken.left(BASELINE.config, spent(at, known), at + second))
    assert lefts[0] == WHOLE and lefts[int(WHOLE)] == lefts[-1] == 0
    assert all(before - 1 <= after <= before for before, after in pairwise(lefts))


def test_a_study_is_left_what_none_pruned_takes_and_devices_share_it() -> None:
    config, runs = study(confirm=None), [whole(BASELINE)]
    taken = measured(config, runs)
    large = WHOLE + 2.4 * (3 * EACH + SCORING)
    # A variant of the baseline's size, the large one, and the searched one, of the baseline's too.
    before_it = ahead(config, runs, taken, set(), now=0)
    assert before_it.again + sum(before_it.seconds) == pytest.approx(2 * WHOLE + large)
    assert shared([30.0, 10.0], 60.0, slots=2) == 50 and shared([300.0], 0.0, slots=4) == 300


def test_what_is_to_come_counts_confirmations_from_the_start_and_is_exact_in_the_end() -> None:
    config = study()
    assert len(to_come(config, [])) == most_trainings(config) == 8
    runs = [whole(BASELINE), whole(job(1, "no-flips")), whole(job(2, "large"))]
    assert len(to_come(config, runs)) == 5
    runs.append(whole(job(3, "search-001", kind="search")))
    assert [spec.name for spec in to_come(config, runs)] == [
        "baseline-seed-1",
        "no-flips-seed-1",
        "baseline-seed-2",
        "no-flips-seed-2",
    ]


def test_no_more_finalists_are_counted_than_there_are_candidates() -> None:
    alone = study(variants=[STUDY_VARIANT], search={"trials": 0}, confirm={"top": 3, "seeds": 2})
    assert most_trainings(alone) == 2 + 2 * 2


STUDY_VARIANT = {"name": "no-flips", "hypothesis": "Flips hurt.", "changes": {"fliplr": 0.0}}


def test_what_the_driver_needs_between_two_trainings_is_recording() -> None:
    first, second = whole(BASELINE), whole(job(1, "no-flips"))
    pause = second.job.created - so_far(first).last
    assert measured(study(), [first, second]).closing == {
        "scoring": SCORING,
        "pictures": PICTURES,
        "recording": RECORDING + pause,
    }
