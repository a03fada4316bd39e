"""Several trainings on one device: as many as fit by what the first took; no GPU is needed here."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from run_folders import epoch, make_job

from spineseg.config.training import TrainConfig
from spineseg.events import Epoch
from spineseg.job import Job
from spineseg.training.devices import CPU, Device
from spineseg.training.executors import local
from spineseg.training.executors.local import LocalExecutor
from spineseg.training.sharing import MOST, Peaks, fits, fits_machine, relative_memory

ZERO, ONE = Device("0", "A card"), Device("1", "A smaller card")
GIB = 1024.0
SMALL = TrainConfig(epochs=3)
LARGE = SMALL.with_(model="yolo11x-seg")


def reading(peak_mb: float, total_mb: float | None = None, process_mb: float = 1000.0) -> Epoch:
    """Return an epoch that took so much of its device."""
    told = {"system/gpu_0_memory_peak_megabytes": peak_mb}
    told["system/process_memory_megabytes"] = process_mb
    if total_mb is not None:
        told["system/gpu_0_memory_total_megabytes"] = total_mb
    return epoch(make_job(), 1).model_copy(update={"system": told})


def none() -> float:
    """Return what films take that are not kept in memory."""
    return 0.0


def asked(config: TrainConfig) -> Job:
    return make_job(config=config)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with memory and cores enough, whatever this one has."""
    monkeypatch.setattr(local, "cores", lambda: 64)
    monkeypatch.setattr(local, "free_bytes", lambda: 512 * 2**30)


def executor(tmp_path: Path, *devices: Device, per_device: int | str = "auto") -> LocalExecutor:
    memory = {"0": 24 * GIB, "1": 11 * GIB}
    return LocalExecutor(
        tmp_path,
        devices,
        per_device,  # type: ignore[arg-type]
        memory_of=lambda device: memory.get(device.name),
    )


@pytest.mark.parametrize(
    ("peak", "total", "count"),
    [
        (5 * GIB, 24 * GIB, 3),
        (10 * GIB, 24 * GIB, 2),
        (10.3 * GIB, 24 * GIB, 1),  # Twice that, CUDA's own and the reserve come to more.
        (20 * GIB, 24 * GIB, 1),
        (30 * GIB, 24 * GIB, 1),  # One is always tried: it ran.
        (100.0, 80 * GIB, MOST),
        (0.0, 24 * GIB, 1),
        (math.nan, 24 * GIB, 1),
        (5 * GIB, 0.0, 1),
        (5 * GIB, math.inf, 1),
    ],
)
def test_as_many_fit_as_leave_a_tenth_free_and_eight_at_most(
    peak: float, total: float, count: int
) -> None:
    assert fits(peak, total) == count


def test_the_machine_wants_two_cores_and_memory_for_each() -> None:
    assert fits_machine(2000, 1e6, processors=8, devices=1) == 4
    assert fits_machine(2000, 1e6, processors=8, devices=4) == 1
    assert fits_machine(2000, 1e6, processors=1, devices=1) == 1
    assert fits_machine(10_000, 25_000, processors=64, devices=1) == 3  # One is at work already.
    assert fits_machine(10_000, 0, processors=64, devices=1) == 1
    assert fits_machine(0, 7000, processors=64, devices=1) == 3  # Never taken for nothing.


def test_a_larger_network_film_or_batch_takes_more() -> None:
    assert relative_memory(SMALL, SMALL) == 1
    assert relative_memory(SMALL.with_(image_size_px=1280), SMALL) == 4
    assert relative_memory(SMALL.with_(batch=32), SMALL) == 2
    assert relative_memory(SMALL.with_(amp=False), SMALL) == 2
    assert relative_memory(LARGE, SMALL) == 8.3


def test_what_is_measured_is_known_and_what_is_not_is_scaled_up_only() -> None:
    peaks = Peaks()
    assert peaks.expected(SMALL) is None
    peaks.learn(LARGE, reading(20 * GIB), none)
    assert peaks.expected(SMALL) == 20 * GIB  # It will take less; how much less is not known.
    peaks.learn(SMALL, reading(4 * GIB), none)
    assert peaks.expected(SMALL.with_(lr0=0.001, epochs=9, seed=7)) == 4 * GIB
    assert peaks.expected(LARGE) == 20 * GIB
    assert peaks.expected(SMALL.with_(model="yolo11s-seg")) == 8 * GIB
    assert not peaks.learn(SMALL, reading(3 * GIB), none) and peaks.expected(SMALL) == 4 * GIB


def test_a_frozen_encoder_says_nothing_of_one_that_is_trained() -> None:
    sam = SMALL.with_(model="sam-small", optimizer="AdamW", lr0=0.001)
    peaks = Peaks()
    peaks.learn(sam, reading(4 * GIB), lambda: 0.0)
    peaks.learn(sam.with_(train_encoder=True), reading(9 * GIB), lambda: 0.0)
    assert peaks.expected(sam) == 4 * GIB
    assert peaks.expected(sam.with_(train_encoder=True)) == 9 * GIB


def test_one_on_each_device_until_the_first_has_had_an_epoch(tmp_path: Path, machine: None) -> None:
    trains = executor(tmp_path, ZERO, ONE)
    assert [slot.name for slot in trains.slots()] == ["cuda 0", "cuda 1"]
    said = trains.learn(asked(SMALL), reading(5 * GIB))
    assert "3 on 0, 1 on 1" in said and "5,120 MB" in said and "trials_per_device: auto" in said
    slots = trains.slots()
    assert [slot.name for slot in slots] == ["cuda 0", "cuda 1", "cuda 0 #2", "cuda 0 #3"]
    assert {slot.neighbours for slot in slots} == {4}
    assert trains.learn(asked(SMALL), reading(5 * GIB)) == ""


def test_slots_are_only_ever_added(tmp_path: Path, machine: None) -> None:
    trains = executor(tmp_path, ZERO)
    trains.learn(asked(SMALL), reading(5 * GIB))
    assert trains.learn(asked(SMALL), reading(15 * GIB)) == ""  # Its later epochs took more.
    assert len(trains.slots()) == 3
    slot = trains.slots()[1]
    assert not trains.may_share(slot, SMALL, [SMALL])


def test_a_total_that_only_the_epoch_tells_is_taken(tmp_path: Path, machine: None) -> None:
    trains = executor(tmp_path, Device("GPU-of-another-name", "A card"))
    assert trains.learn(asked(SMALL), reading(5 * GIB)) == ""  # Of how much, nobody knows.
    assert trains.learn(asked(SMALL), reading(5.1 * GIB, 24 * GIB))
    assert len(trains.slots()) == 3


def test_a_large_network_shares_a_device_only_where_it_fits(tmp_path: Path, machine: None) -> None:
    trains = executor(tmp_path, ZERO)
    slot = trains.slots()[0]
    assert trains.may_share(slot, LARGE, [])  # Alone it is always tried.
    assert not trains.may_share(slot, SMALL, [SMALL])  # Nothing is known yet.
    trains.learn(asked(SMALL), reading(1.8 * GIB))
    assert trains.may_share(slot, SMALL, [SMALL, SMALL])
    assert trains.may_share(slot, LARGE, [SMALL, SMALL])
    assert not trains.may_share(slot, LARGE, [SMALL, SMALL, SMALL])
    assert not trains.may_share(slot, SMALL, [LARGE, SMALL, SMALL])
    assert not trains.may_share(slot, LARGE, [LARGE])


def test_few_cores_or_little_memory_keep_slots_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "free_bytes", lambda: 512 * 2**30)
    monkeypatch.setattr(local, "cores", lambda: 4)
    trains = executor(tmp_path, ZERO)
    trains.learn(asked(SMALL), reading(2 * GIB))
    assert len(trains.slots()) == 2
    monkeypatch.setattr(local, "cores", lambda: 64)
    monkeypatch.setattr(local, "free_bytes", lambda: 2**30)
    trains = executor(tmp_path, ZERO)
    trains.learn(asked(SMALL), reading(2 * GIB))
    assert len(trains.slots()) == 1


def test_a_cpu_is_not_shared_and_a_number_that_a_person_gave_is_kept(
    tmp_path: Path, machine: None
) -> None:
    on_cpu = executor(tmp_path, CPU)
    assert on_cpu.learn(asked(SMALL), reading(100.0, 24 * GIB)) == ""
    assert [slot.name for slot in on_cpu.slots()] == ["cpu"]
    said = executor(tmp_path, ZERO, per_device=2)
    assert said.learn(asked(SMALL), reading(100.0)) == "" and len(said.slots()) == 2
    assert said.may_share(said.slots()[0], LARGE, [LARGE])


def test_an_epoch_without_readings_teaches_nothing(tmp_path: Path, machine: None) -> None:
    trains = executor(tmp_path, ZERO)
    assert trains.learn(asked(SMALL), epoch(make_job(), 1)) == "" and len(trains.slots()) == 1
