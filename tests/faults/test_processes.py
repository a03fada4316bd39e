"""Processes of a study die one by one: the others go on, and nobody holds what is not theirs."""

from __future__ import annotations

import signal

import psutil
import pytest
from fault_checks import wrong
from fault_study import DONE, STOPPED, Driver, FaultStudy, Writes, begun, is_alive, until

from spineseg.events import Lost, Started
from spineseg.files import is_locked
from spineseg.places import LOCK_FILE
from spineseg.runs import Run, read_runs

pytestmark = pytest.mark.wide


def run_of(study: FaultStudy, name: str) -> Run:
    return next(run for run in read_runs(study.places.folder) if run.name == name)


def attempts(run: Run) -> int:
    return sum(isinstance(event, Started) for event in run.log)


def begun_with_a_child(study: FaultStudy) -> tuple[Driver, psutil.Process]:
    driver = begun(study)

    def epoch_is_over() -> bool:
        return bool(study.children() and run_of(study, "baseline").epochs)

    until(epoch_is_over, 120, driver)
    return driver, study.children()[0]


def test_a_training_whose_driver_was_killed_is_adopted_and_trained_once(written: Writes) -> None:
    study = written(baseline_seconds=1.0, epochs=3, trials=0, seed=21)
    driver, child = begun_with_a_child(study)
    driver.signal(signal.SIGKILL)
    driver.wait(10)
    child.suspend()
    again = begun(study)
    until(lambda: "[1/2] baseline" in study.said, 120, again)
    child.resume()
    assert again.wait(300) == DONE, study.said
    assert attempts(run_of(study, "baseline")) == 1 and wrong(study) == []


@pytest.mark.parametrize("taken_up", [True, False])
def test_ctrl_c_ends_an_adopted_training_too(written: Writes, taken_up: bool) -> None:
    """Both when the driver has taken it up, and when it is only about to."""
    study = written(baseline_seconds=15.0, epochs=4, trials=0, seed=22)
    driver, child = begun_with_a_child(study)
    driver.signal(signal.SIGKILL)
    driver.wait(10)
    again = begun(study)
    until(lambda: is_locked(study.places.folder / "driver.lock"), 120, again)
    if taken_up:
        until(lambda: "[1/2] baseline" in study.said, 120, again)
    again.signal(signal.SIGINT)
    assert again.wait(60) == STOPPED, study.said
    until(lambda: not study.processes(), 20)
    assert not is_alive(child)
    assert run_of(study, "baseline").end is None


def test_a_second_driver_is_refused_and_the_first_goes_on(written: Writes) -> None:
    study = written(baseline_seconds=0.5, epochs=3, trials=0, seed=23)
    driver, child = begun_with_a_child(study)
    child.suspend()  # So the first is still there, however slow the machine.
    second = begun(study)
    assert second.wait(120) == 2
    child.resume()
    assert str(driver.pid) in study.said and "Traceback" not in study.said
    assert driver.wait(300) == DONE
    assert attempts(run_of(study, "baseline")) == 1 and wrong(study) == []
    assert not is_alive(child)


def test_the_server_of_children_may_die_without_costing_a_training(written: Writes) -> None:
    study = written(baseline_seconds=1.0, epochs=3, trials=0, seed=24)
    driver, _ = begun_with_a_child(study)
    servers = [
        process
        for process in psutil.Process(driver.pid).children()
        if any("forkserver" in word for word in process.cmdline())
    ]
    assert len(servers) == 1
    servers[0].kill()
    assert driver.wait(300) == DONE, study.said
    baseline = run_of(study, "baseline")
    assert attempts(baseline) == 1 and not any(isinstance(e, Lost) for e in baseline.log)
    assert wrong(study) == []


def test_a_killed_trainings_workers_hold_no_lock(written: Writes) -> None:
    study = written(baseline_seconds=2.0, epochs=3, trials=0, seed=25)
    driver, child = begun_with_a_child(study)
    workers = child.children()
    assert len(workers) == 1
    workers[0].suspend()  # It looks for its parent no more.
    child.kill()
    lock = study.places.folder / "000-baseline" / LOCK_FILE
    until(lambda: attempts(run_of(study, "baseline")) == 2, 60, driver)
    assert is_alive(workers[0]) and is_locked(lock)
    workers[0].kill()
    assert driver.wait(300) == DONE, study.said
    lost = [event.kind for event in run_of(study, "baseline").log if isinstance(event, Lost)]
    assert lost == ["killed"] and wrong(study) == []


def test_a_training_is_failed_after_three_deaths_without_an_epoch(written: Writes) -> None:
    study = written(epoch_seconds=2.0, epochs=3, trials=0, seed=26)
    driver, _ = begun_with_a_child(study)
    until(lambda: run_of(study, "baseline").end is not None, 120, driver)
    until(lambda: any(study.places.folder.glob("001-*/events.jsonl")), 120, driver)
    variant = next(study.places.folder.glob("001-*"))
    for times in (1, 2, 3):
        until(lambda n=times: attempts(run_of(study, variant.name[4:])) == n, 120, driver)
        study.children()[0].kill()
    assert driver.wait(300) == DONE, study.said
    failed = run_of(study, variant.name[4:]).failed
    assert failed and failed.kind == "killed" and wrong(study) == []
