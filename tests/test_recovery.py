"""What follows a lost attempt is read off the log: another one, elsewhere, in parts, or the end."""

from __future__ import annotations

import pytest
from run_folders import epoch, make_job

from spineseg.events import Event, LossKind, Lost, Started
from spineseg.recovery import given_up, next_attempt

JOB = make_job()


def lost(attempt: int, kind: LossKind = "killed") -> Lost:
    return Lost(run=JOB.id, attempt=attempt, kind=kind, message="SIGKILL")


def started(attempt: int, split: int = 1) -> Started:
    return Started(
        run=JOB.id,
        pid=1,
        device="CPU",
        attempt=attempt,
        split=split,
        parameters=1,
        resolved={},
        environment={},
    )


def test_the_first_attempt_is_number_one_and_an_unheard_one_keeps_its_number() -> None:
    first, after = next_attempt([], 16), next_attempt([], 16, begun=4)
    assert first is not None and (first.attempt, first.split, first.elsewhere) == (1, 1, False)
    assert after is not None and after.attempt == 5


def test_three_losses_without_an_epoch_between_them_are_the_end() -> None:
    log: list[Event] = [started(1), epoch(JOB, 1), lost(1), started(2), lost(2)]
    following = next_attempt(log, 16)
    assert following is not None and following.attempt == 3
    log += [epoch(JOB, 1), started(3), lost(3)]  # Trained again: no further than before.
    assert next_attempt(log, 16) is None
    end = given_up(log, JOB.id, "train.log")
    assert end.kind == "killed" and "died 3 times" in end.message and "train.log" in end.message


def test_a_new_epoch_makes_a_new_beginning() -> None:
    log: list[Event] = []
    for number in range(1, 12):
        log += [started(number), epoch(JOB, number), lost(number)]
    following = next_attempt(log, 16)
    assert following is not None and following.attempt == 12


@pytest.mark.parametrize(
    ("times", "batch", "split", "elsewhere"), [(1, 16, 1, True), (2, 16, 2, True), (3, 16, 4, True)]
)
def test_short_memory_goes_elsewhere_then_into_parts(
    times: int, batch: int, split: int, elsewhere: bool
) -> None:
    log = [lost(number, "out_of_memory") for number in range(1, times + 1)]
    following = next_attempt(log, batch)
    assert following is not None
    assert (following.split, following.elsewhere) == (split, elsewhere)


@pytest.mark.parametrize(("times", "batch"), [(4, 16), (2, 1), (3, 2)])
def test_what_cannot_be_parted_further_is_out_of_memory(times: int, batch: int) -> None:
    log: list[Event] = [started(1, split=2)]
    log += [lost(number, "out_of_memory") for number in range(1, times + 1)]
    assert next_attempt(log, batch) is None
    end = given_up(log, JOB.id, "train.log")
    assert end.kind == "out_of_memory" and f"in {times} attempts" in end.message


def test_a_run_that_hung_three_times_has_hung() -> None:
    log = [lost(number, "stalled") for number in (1, 2, 3)]
    assert next_attempt(log, 16) is None and given_up(log, JOB.id, "x").kind == "stalled"
