"""Optuna's database is brought to what the folders say, wherever it was cut off or away."""

from __future__ import annotations

import dataclasses
import math
import os
import random
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from optuna.trial import TrialState
from projected import all_of, facts, filled, folder_of, job, opened, several, written
from run_folders import epoch, finished, write_finished
from small_study import optuna_study, trials

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.database import StoreAwayError
from spineseg.errors import InUseError, RecordError, StoreError
from spineseg.events import append_event
from spineseg.job import Job
from spineseg.runs import read_runs
from study.memory import in_memory
from study.optuna_database import study_held
from study.optuna_projection import open_study


@pytest.fixture
def config(path: Path) -> StudyConfig:
    """A study without a run."""
    return load_study(path)


def test_a_run_carried_epoch_by_epoch_is_told_as_one_that_is_filled_in_later(
    config: StudyConfig, tmp_path: Path
) -> None:
    projection = opened(config)
    for number, end in enumerate(("completed", "pruned", "failed", None)):
        told = job(number)
        folder = folder_of(config) / told.folder_name
        write_finished(folder_of(config), told, 0, None)
        projection.carry(folder, told)
        assert trials(config)[number].state == TrialState.RUNNING
        for count in (1, 2, 2, 3):  # The second is trained twice, after a death.
            again = {"metrics": {k: v + count / 100 for k, v in epoch(told, count).metrics.items()}}
            append_event(folder, epoch(told, count).model_copy(update=again))
            projection.carry(folder, told)
        assert trials(config)[number].intermediate_values == pytest.approx(
            {1: 0.11, 2: 0.22, 3: 0.33}
        )
        if end == "failed":
            write_failed(folder, told)
        elif end:
            append_event(folder, finished(told, 3, end))
        projection.carry(folder, told)
        projection.carry(folder, told)
    told_live = facts(config)
    assert [t["state"].name for t in told_live] == ["COMPLETE", "PRUNED", "FAIL", "RUNNING"]
    assert [t["values"] for t in told_live] == [[0.31], [3 / 10 + 3 / 100], None, None]
    assert told_live == filled(config, tmp_path)


def write_failed(folder: Path, told: Job) -> None:
    other = folder.parent.parent / "failed"
    source = write_finished(other, told, 0, "failed")
    line = (source / "events.jsonl").read_text().splitlines(keepends=True)[-1]
    with (folder / "events.jsonl").open("a") as log:
        log.write(line)


def test_numbers_that_no_run_has_are_failed_trials_without_a_name(
    config: StudyConfig, tmp_path: Path
) -> None:
    runs = several(config)
    projection = opened(config)
    projection.carry(runs[-1].folder, runs[-1].job)  # Its number is its place: the others first.
    told = facts(config)
    assert [t["state"].name for t in told] == [
        *("COMPLETE", "FAIL", "PRUNED", "FAIL", "COMPLETE", "FAIL", "FAIL", "RUNNING")
    ]
    assert [t["user_attrs"].get("name") is None for t in told] == [
        number in (3, 5, 6) for number in range(8)
    ]
    assert told == filled(config, tmp_path)
    memory = in_memory(config, runs)
    assert [t.state for t in memory.trials] == [t["state"] for t in told]
    assert [t.number for t in memory.trials if t.user_attrs] == [run.job.number for run in runs]


@pytest.mark.wide
def test_killed_at_any_moment_the_next_completes_it(config: StudyConfig, tmp_path: Path) -> None:
    several(config)
    wanted = filled(config, tmp_path)
    random_moment, kills, whole, partly = random.Random(4), 0, 0.5, 0
    while kills < 40:
        (config.store.root / "optuna.db").unlink(missing_ok=True)
        for _ in range(4):
            began = time.monotonic()
            child = forked(lambda: all_of(opened(config)))
            time.sleep(random_moment.uniform(0, whole))
            os.kill(child, signal.SIGKILL)
            if ended_well(child):
                whole = time.monotonic() - began  # It was through: the next are killed earlier.
            else:
                kills += 1
            partly += 0 < len(rows_of(config)) < len(wanted) or "RUNNING" in rows_of(config)[:-1]
        assert ended_well(forked(lambda: completed(config, wanted)))
    assert partly > 0


def completed(config: StudyConfig, wanted: list[dict[str, object]]) -> None:
    all_of(opened(config))
    assert facts(config) == wanted


def forked(work: Callable[[], None]) -> int:
    """Do `work` in a process of its own: no connection of SQLite's may be carried over a fork."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def ended_well(child: int) -> bool:
    """Return whether a process came to its end; not where it was killed, and in no other way."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code == 0


def rows_of(config: StudyConfig) -> list[str]:
    with closing(sqlite3.connect(config.store.root / "optuna.db")) as database:
        try:
            return [state for (state,) in database.execute("SELECT state FROM trials")]
        except sqlite3.OperationalError:
            return []


@pytest.fixture
def locked(config: StudyConfig) -> Iterator[sqlite3.Connection]:
    """The own database, locked by another program until ROLLBACK."""
    opened(config)
    with closing(
        sqlite3.connect(config.store.root / "optuna.db", isolation_level=None)
    ) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield database


def test_a_locked_database_is_away_and_then_brought_up(
    config: StudyConfig, locked: sqlite3.Connection, tmp_path: Path
) -> None:
    locked.execute("ROLLBACK")
    runs = several(config)
    projection = opened(config)
    projection.carry(runs[-1].folder, runs[-1].job)
    append_event(runs[-1].folder, epoch(runs[-1].job, 13))
    locked.execute("BEGIN EXCLUSIVE")
    for attempt in (projection.open, lambda: projection.carry(runs[-1].folder, runs[-1].job)):
        with pytest.raises(StoreAwayError, match=r"cannot be used \(database is locked\)"):
            attempt()
    locked.execute("ROLLBACK")
    projection.open()
    projection.carry(runs[-1].folder, runs[-1].job)
    assert facts(config) == filled(config, tmp_path)
    assert 13 in trials(config)[-1].intermediate_values


@pytest.mark.parametrize("gone", ["file", "study"])
def test_a_database_that_was_moved_away_while_the_study_runs_is_filled_again(
    config: StudyConfig, tmp_path: Path, gone: str
) -> None:
    runs = several(config)
    projection = opened(config)
    all_of(projection)
    append_event(runs[-1].folder, epoch(runs[-1].job, 13))
    if gone == "file":
        (config.store.root / "optuna.db").unlink()
    else:
        optuna.delete_study(study_name=config.name, storage=optuna_study(config)._storage)
    with pytest.raises(StoreError):
        projection.carry(runs[-1].folder, runs[-1].job)
    projection.open()
    projection.carry(runs[-1].folder, runs[-1].job)
    all_of(projection)
    assert facts(config) == filled(config, tmp_path)


def test_a_folder_that_comes_after_its_number_was_passed_over_is_that_trial(
    config: StudyConfig, tmp_path: Path
) -> None:
    runs = several(config)
    put_away = tmp_path / runs[2].folder.name
    runs[2].folder.rename(put_away)
    projection = opened(config)
    all_of(projection)
    assert facts(config)[2]["user_attrs"] == {}
    put_away.rename(runs[2].folder)
    projection.carry(runs[2].folder, runs[2].job)
    assert facts(config) == filled(config, tmp_path)
    assert facts(config)[2]["state"] == TrialState.PRUNED


def test_a_training_asked_for_anew_is_a_trial_of_its_own(config: StudyConfig) -> None:
    written(config, 0)
    for number, end in ((1, "failed"), (2, "completed")):
        write_finished(folder_of(config), job(number, name="search-001"), 3, end)
    projection = opened(config)
    for folder in sorted(folder_of(config).glob("0*")):
        projection.carry(folder, Job.read(folder))
    told = [(t["user_attrs"]["name"], t["state"].name) for t in facts(config)]
    assert told[1:] == [("search-001", "FAIL"), ("search-001", "COMPLETE")]


def test_a_score_that_is_no_number_contradicts_nothing(config: StudyConfig) -> None:
    told = job(1)
    written(config, 0)
    folder = write_finished(folder_of(config), told, 2, None)
    bad = {"metrics": dict.fromkeys(epoch(told, 3).metrics, math.nan)}
    append_event(folder, epoch(told, 3).model_copy(update=bad))
    append_event(folder, finished(told, 3, "pruned"))
    runs = read_runs(folder_of(config))
    for _ in range(2):
        open_study(config, runs)
    assert trials(config)[1].state == TrialState.PRUNED and trials(config)[1].value is None
    assert math.isnan(trials(config)[1].intermediate_values[3])


def test_a_contradiction_is_told_with_both_values_and_written_over_nothing(
    config: StudyConfig,
) -> None:
    run = written(config, 0)
    open_study(config, [run])
    before = facts(config)
    other = dataclasses.replace(run, log=(*run.log[:-1], finished(run.job, 3, "pruned")))
    with pytest.raises(RecordError, match="has the state COMPLETE, the folder PRUNED"):
        open_study(config, [other])
    log = run.folder / "events.jsonl"
    log.write_text(log.read_text().replace('"completed"', '"pruned"'))
    with pytest.raises(StoreError, match="has the state COMPLETE, the folder PRUNED"):
        opened(config).carry(run.folder, run.job)
    assert facts(config) == before


def test_a_driver_that_lost_the_study_writes_nothing_more(config: StudyConfig) -> None:
    run = written(config, 0)
    with study_held(config, print) as lease:
        projection = opened(config, lease)
        with closing(sqlite3.connect(config.store.root / "optuna.db")) as database, database:
            database.execute("UPDATE spineseg_lease SET token = 'of another', host = 'elsewhere'")
        lease._heard -= 100  # As after a night of sleep.
        with pytest.raises(InUseError, match=r"taken over by process .* on elsewhere"):
            projection.carry(run.folder, run.job)
    assert trials(config) == []


def test_a_further_epoch_costs_as_little_late_as_early(config: StudyConfig) -> None:
    told = job(0)
    folder = write_finished(folder_of(config), told, 0, None)
    projection = opened(config)
    asked: list[str] = []
    sqlalchemy.event.listen(
        projection.storage.engine,
        "before_cursor_execute",
        lambda *told: asked.append(told[2]),
    )
    costs = []
    for number in range(1, 60):
        append_event(folder, epoch(told, number))
        asked.clear()
        projection.carry(folder, told)
        costs.append(len(asked))
    assert set(costs[1:]) == {2} and len(trials(config)[0].intermediate_values) == 59
