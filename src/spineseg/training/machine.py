"""What a training ran on: versions, processor, load and memory."""

from __future__ import annotations

import platform
import resource
from contextlib import suppress
from pathlib import Path

import psutil

from spineseg.code_version import code_version
from spineseg.training.film_cache import memory_bytes
from spineseg.training.orders import Orders
from spineseg.workers import cores

_MOST_THREADS = 8  # As Ultralytics: small networks gain nothing of more.


def use_cores(orders: Orders) -> None:
    """Let this process take its share of the machine in threads, whichever family it trains."""
    import torch
    from ultralytics.utils import torch_utils

    threads = min(torch.get_num_threads(), orders.share_of_cores(), _MOST_THREADS)
    torch.set_num_threads(threads)
    # Ultralytics sets torch's number to this one whenever it turns to the processor; its own leaves
    # a core free, half of a small machine.
    torch_utils.NUM_THREADS = threads


def machine_facts() -> dict[str, str]:
    """Return what a training ran on: versions, processor, and the code that trained it."""
    from importlib.metadata import version

    import torch

    packages = ("spineseg", "torch", "torchvision", "numpy", "optuna", "mlflow")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "code": code_version(),
        "processor": _processor(),
        "cores": str(cores()),
        "cuda": torch.version.cuda or "none",
        "ultralytics": version("ultralytics-opencv-headless"),
        **{package: version(package) for package in packages},
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _peak_bytes(process: psutil.Process) -> int:
    """Return the most that a process took so far, and what those that load its films take beside.

    These are forks of it, and share what they have not changed.
    """
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    taken = max(most, process.memory_info().rss)  # The system counts the most in large steps.
    for loader in process.children(recursive=True):
        with suppress(psutil.Error):  # It ended meanwhile, or is not ours to look into.
            taken += loader.memory_full_info().uss
    return taken


def system_readings() -> dict[str, float]:
    """Return load and memory of machine and process, in MLflow's own names and units."""
    import torch

    memory, process = psutil.virtual_memory(), psutil.Process()
    readings = {
        "system/cpu_utilization_percentage": psutil.cpu_percent(),
        "system/system_memory_usage_megabytes": memory.used / 2**20,
        "system/system_memory_usage_percentage": memory.percent,
        "system/system_memory_total_megabytes": memory_bytes() / 2**20,
        "system/process_memory_megabytes": process.memory_info().rss / 2**20,
        "system/process_memory_peak_megabytes": _peak_bytes(process) / 2**20,
    }
    if torch.cuda.is_available():
        readings["system/gpu_0_memory_peak_megabytes"] = torch.cuda.max_memory_reserved() / 2**20
        total = torch.cuda.get_device_properties(0).total_memory
        readings["system/gpu_0_memory_total_megabytes"] = total / 2**20
        readings["system/gpu_0_utilization_percentage"] = float(torch.cuda.utilization())
    return readings
