"""What the benchmarks of bookkeeping share: results kept as JSON, CPU seconds, how runs went."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fault_study import DONE, FaultStudy, drive, forked
from stopped_studies import make_stores

from spineseg.events import Started
from spineseg.runs import read_runs
from spineseg.workers import cores

RESULTS = Path("mlruns/bench")


def cpu_seconds() -> float:
    """Return the CPU seconds of this process so far, its threads included."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def machine() -> str:
    """Return what this machine is, and how busy it is."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    busy = os.getloadavg()[0]
    return f"{model}, {cores()} cores, Python {platform.python_version()}, load {busy:.1f}"


def save(name: str, rows: dict[str, Any]) -> None:
    """Keep a benchmark's figures, with machine and date, and print them."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(), "date": time.strftime("%Y-%m-%d"), "figures": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(told, indent=1))
    for key, value in rows.items():
        print(f"{key}: {value}")


@contextmanager
def workplace() -> Iterator[tuple[Path, Path]]:
    """Give a folder to work in, and both stores as they are when empty."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name), make_stores(Path(name) / "stores")


def run_to_end(study: FaultStudy, seconds: float = 7200) -> float:
    """Run a study to its end in a process of its own; return the CPU seconds of its driver."""
    file = study.path.parent / "cpu"

    def work() -> int:
        before = cpu_seconds()
        code = drive(study.path)
        file.write_text(str(cpu_seconds() - before))
        return code

    if forked(study, work).wait(seconds) != DONE:
        raise AssertionError(study.said[-2000:])
    return float(file.read_text())


def trials_per_hour(study: FaultStudy) -> float:
    """Return how many trainings ended in an hour, from the first one's start to the last's end."""
    runs = read_runs(study.places.folder)
    began = min(event.time for run in runs for event in run.log if isinstance(event, Started))
    ends = [run.end.time for run in runs if run.end]
    return len(ends) / (max(ends) - began) * 3600


def ratio(ones: list[float], others: list[float]) -> float:
    """Return the median of the ratios of what was measured in turns."""
    return round(statistics.median(a / b for a, b in zip(ones, others, strict=True)), 3)
