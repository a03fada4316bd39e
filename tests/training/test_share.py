"""What a training takes of a machine that it shares, and what it says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from spineseg.training import film_cache
from spineseg.training.machine import system_readings
from spineseg.training.orders import Orders
from spineseg.workers import cores

SCRIPT = """
import sys, json
from pathlib import Path
from spineseg.process_setup import prepare_environment
prepare_environment(Path(sys.argv[1]))
import torch
from ultralytics.utils.torch_utils import select_device
from spineseg.training.machine import use_cores
from spineseg.training.orders import Orders
torch.set_num_threads(12)
use_cores(Orders(**json.loads(sys.argv[2])))
before = torch.get_num_threads()
select_device("cpu")
import os
print(json.dumps([before, torch.get_num_threads(), os.environ["CUDA_DEVICE_ORDER"]]))
"""


def threads(tmp_path: Path, **orders: int) -> list[object]:
    """Return the threads of a process with such orders, before and after Ultralytics chose some."""
    told = [sys.executable, "-c", SCRIPT, str(tmp_path), json.dumps(orders)]
    return list(json.loads(subprocess.run(told, capture_output=True, check=True).stdout))


@pytest.mark.wide
def test_trainings_share_the_cores_and_one_alone_takes_them_all_whatever_ultralytics_chooses(
    tmp_path: Path,
) -> None:
    in_pci_order = "PCI_BUS_ID"
    alone = min(8, cores())
    assert threads(tmp_path) == [alone, alone, in_pci_order]
    assert threads(tmp_path, neighbours=cores()) == [1, 1, in_pci_order]
    assert threads(tmp_path, neighbours=4, cores=1) == [1, 1, in_pci_order]
    assert threads(tmp_path, cores=64) == [8, 8, in_pci_order]


def test_a_share_is_a_core_at_least() -> None:
    assert Orders(neighbours=10**6).share_of_cores() == 1
    assert Orders().share_of_cores() == cores()
    assert Orders(neighbours=2, cores=5).share_of_cores() == 5


def test_the_most_memory_taken_and_all_there_is_are_told_with_what_loads_films_counted() -> None:
    alone = system_readings()
    total, peak = "system/system_memory_total_megabytes", "system/process_memory_peak_megabytes"
    assert alone[total] <= psutil.virtual_memory().total / 2**20
    assert alone["system/process_memory_megabytes"] <= alone[peak] < alone[total]
    hold = "held = bytearray(b'x' * 80 * 2**20); print(1, flush=True); input()"
    loader = subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert loader.stdout and loader.stdout.readline()
    beside = system_readings()
    loader.communicate("\n", timeout=20)
    assert beside[peak] >= alone[peak] + 80


def test_a_containers_memory_is_all_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_cache, "_CGROUPS", tmp_path)
    for name, value in (("max", 2**20), ("current", 2**19)):
        (tmp_path / f"memory.{name}").write_text(f"{value}\n")
    (tmp_path / "memory.stat").write_text("anon 5\n")
    assert film_cache.memory_bytes() == 2**20 and film_cache.free_bytes() == 2**19
