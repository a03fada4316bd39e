"""How many trainings are at work at a time: found out, and said how that is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from told_runs import job, story, study

from spineseg.config.study import StudyConfig
from spineseg.events import append_event
from spineseg.runs import Run, read_run
from spineseg.training import slots_on_record as module
from spineseg.training.attempts import write_attempt
from spineseg.training.devices import CPU, Device
from spineseg.training.executors.local import LocalExecutor
from spineseg.training.slots_on_record import Slots, slots_on_record

GPUS = [Device("0", "a GPU"), Device("1", "a GPU")]


def auto(**more: object) -> StudyConfig:
    return study(devices={"device": "cpu", "trials_per_device": "auto"} | more)


def begun(folder: Path, number: int, events: int, **told: object) -> Run:
    asked = job(number, f"run-{number}")
    asked.write(folder / asked.folder_name)
    for event in story(asked)[:events]:
        append_event(folder / asked.folder_name, event)
    write_attempt(folder / asked.folder_name, {"attempt": 1} | told)
    return read_run(folder / asked.folder_name)


def test_auto_is_one_a_gpu_until_the_first_training_tells_and_then_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "chosen_devices", lambda _: GPUS)
    known = slots_on_record(auto(), [begun(tmp_path, 0, 1, neighbours=2)])
    assert known.number == 2 and "found with the first training" in known.words
    runs = [begun(tmp_path, 1, 3, neighbours=2), begun(tmp_path, 2, 1, neighbours=6)]
    known = slots_on_record(auto(), runs)
    assert known.number == 6
    assert known.words.startswith("devices.trials_per_device auto: 6 trainings at a time")


def test_what_the_config_says_needs_no_word_and_a_cpu_has_one(tmp_path: Path) -> None:
    assert slots_on_record(auto(), []) == Slots(1)
    assert slots_on_record(auto(trials_per_device=3), []) == Slots(3)


def test_a_cluster_counts_by_the_slots_that_were_used(tmp_path: Path) -> None:
    ray = auto(executor="ray", trials_per_device=1, device="0,1")
    assert slots_on_record(ray, []).number == 1
    runs = [begun(tmp_path, n, 1, slot=f"{'ab'[n % 2]} cuda 0") for n in range(3)]
    known = slots_on_record(ray, runs)
    assert known.number == 2 and "2 slots of the cluster" in known.words


def test_the_executor_on_this_machine_puts_on_record_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spineseg.training.attempts import told_of_attempt
    from spineseg.training.orders import Orders

    executor = LocalExecutor(tmp_path / "cache", [CPU], 2)
    run = begun(tmp_path, 0, 0)
    monkeypatch.setattr(executor._launcher, "start", lambda *_: None)
    executor.start(run.folder, Orders(), executor.slots()[0])
    assert told_of_attempt(run.folder)["neighbours"] == 2
