"""The time left counts to the limit that ends a study, and says which one that is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from exports import write_export
from merged_data import prepare
from small_study import places
from told_runs import EACH, WHOLE, job, story, study, whole

from spineseg.events import append_event
from spineseg.limits.ahead import End, ahead, end_of
from spineseg.limits.budget import Budget
from spineseg.live_line import LiveLine
from spineseg.progress import Progress
from spineseg.runs import Run
from spineseg.study_record import keep_data_record
from spineseg.study_status import study_status
from spineseg.time_left import measured

BASELINE = job(0, "baseline")
PLAIN = {"variants": [], "search": {"trials": 0}, "confirm": {"top": 0, "seeds": 3}}  # Four.


def end(limits: dict[str, object], now: float = 0.0, under_way: Sequence[float] = ()) -> End:
    """Return how a study of a finished baseline and three further trainings ends."""
    config, runs = study(limits=limits, **PLAIN), [whole(BASELINE)]
    taken = measured(config, runs)
    used = Budget(config.limits).used(runs)
    before_it = ahead(config, runs, taken, set(), now)
    return end_of(config.limits, used, under_way, before_it, 1, now)


def test_without_a_limit_that_binds_all_of_it_counts() -> None:
    assert end({}) == end({"trainings": 4}) == end({"epochs": 12}) == End(3 * WHOLE, "", 4, 4)


@pytest.mark.parametrize(
    ("limits", "trainings"),
    [({"trainings": 3}, 2), ({"trainings": 1}, 0), ({"epochs": 7}, 2), ({"epochs": 6}, 1)],
)
def test_a_budget_bounds_the_trainings_that_are_begun(
    limits: dict[str, object], trainings: int
) -> None:
    ((name, value),) = limits.items()
    told = end(limits)
    assert told == End(trainings * WHOLE, f"limits.{name} {value}", 1 + trainings, 4)


def test_hours_are_used_by_what_is_under_way_first_and_the_first_of_two_limits_is_named() -> None:
    hours = 2.5 * WHOLE / 3600
    assert end({"hours": hours}).seconds == pytest.approx(2 * WHOLE)
    assert end({"hours": hours}, under_way=[WHOLE]).seconds == pytest.approx(2 * WHOLE)
    assert end({"hours": hours, "trainings": 2}).limit == "limits.trainings 2"


def test_a_deadline_is_the_end_whatever_is_left() -> None:
    told = {"deadline": "2030-01-01T00:00"}
    at = study(limits=told).limits.deadline.timestamp()  # type: ignore[union-attr]
    assert end(told, at - 4 * WHOLE).limit == ""
    near = end(told, at - 1.5 * WHOLE)
    assert (near.seconds, near.limit) == (1.5 * WHOLE, "limits.deadline 2030-01-01 00:00")
    assert near.begun == 3
    finish = told | {"at_deadline": "finish"}
    assert end(finish, at - 5, under_way=[60.0]).seconds == 60.0


def test_the_live_line_names_the_limit_and_counts_to_it() -> None:
    out = io.StringIO()
    config = study(limits={"trainings": 2})
    progress = Progress(config, [whole(BASELINE)], line=LiveLine(out), now=lambda: 1_700_000_060.0)
    progress.begin()
    line = out.getvalue().splitlines()[0]
    assert "1 of at most 8 trainings ended; at most about 45 s left, as limits.trainings 2" in line
    assert line.endswith("ends it after about 2 of at most 8 trainings")


def test_status_names_it_as_well(tmp_path: Path) -> None:
    config = study(store={"root": tmp_path}, limits={"epochs": 4})
    export = write_export(tmp_path / "export", {"train": 2, "valid": 1})
    keep_data_record(places(config), prepare(tmp_path, export))
    folder = places(config).folder / BASELINE.folder_name
    BASELINE.write(folder)
    for event in story(BASELINE):
        append_event(folder, event)
    status = study_status(config)
    assert status.seconds_left == pytest.approx(WHOLE)
    assert "as limits.epochs 4 ends it after about 2 of at most 8 trainings" in status.text()


def test_one_that_was_stopped_is_gone_on_with_whatever_is_spent() -> None:
    config = study(limits={"trainings": 2}, **PLAIN)
    half = job(1, "baseline-seed-1", kind="confirm", arm="baseline")
    runs = [whole(BASELINE), Run(Path("001"), half, tuple(story(half)[:2]))]
    before_it = ahead(config, runs, measured(config, runs), set(), half.created)
    used = Budget(config.limits).used(runs)
    told = end_of(config.limits, used, [], before_it, 1, half.created)
    assert (told.begun, told.limit) == (2, "limits.trainings 2") and told.seconds > 0


def test_of_a_search_in_two_steps_the_few_that_go_on_are_counted_once() -> None:
    told = {"trials": 5, "two_step": {"epochs": 1, "keep": 2}}
    config = study(variants=[], confirm=None, search=told)
    taken = measured(config, [whole(BASELINE)])
    before_it = ahead(config, [whole(BASELINE)], taken, set(), now=0)
    closing = WHOLE - 3 * EACH
    assert sum(before_it.seconds) == pytest.approx(5 * (closing + EACH))
    assert before_it.again == pytest.approx(2 * 2 * EACH)
    assert sum(before_it.epochs) == 5
    ended = [whole(BASELINE), *(whole(job(n, f"search-{n:03d}", kind="search")) for n in (1, 2))]
    assert ahead(config, ended, taken, set(), now=0).again == 0
