"""Time the study's list in a browser, beside the same server's bare answer.

python benchmarks/list_drawn.py [--trials 200] [--repeats 5]       # about 2 minutes on 2 CPU cores

Makes a store with so many trainings (made up; nothing is trained), serves it by `spineseg ui`, and
opens the address that it prints in headless Chromium. "Drawn" is from going there until rows are
in sight; "bare" is the answer to the same search of runs, asked by HTTP alone. A first visit loads
MLflow's program too; a later one has it in the browser's cache. The list is to be drawn within 3 s
of the bare answer.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from playwright.sync_api import Browser, Page, sync_playwright

from spineseg.config.study import StudyConfig
from spineseg.tracking.store import experiment_id, open_store
from spineseg.tracking.tracked_runs import JOB_ID
from spineseg.tracking.views.written import write_views

ALLOWED_SECONDS = 3.0
_EPOCHS, _PARAMS = 20, 50
_STUDY = {
    "name": "timed",
    "data": {"sources": [{"kind": "local", "path": "films"}]},
    "baseline": {},
    "search": {"trials": 200, "space": {"lr0": {"low": 0.0001, "high": 0.01, "log": True}}},
}


def fill(root: Path, trials: int) -> StudyConfig:
    """Make a store with so many searched trainings and their study's run; return its config."""
    config = StudyConfig.model_validate(_STUDY | {"store": {"root": root}})
    store, rng = open_store(root, None), random.Random(0)
    experiment = experiment_id(store, config.name)
    parent = store.client.create_run(experiment, run_name="study timed").info.run_id
    now = round(time.time() * 1000)
    for number in range(trials):
        rate = 10 ** rng.uniform(-4, -2)
        score = 0.5 - 0.05 * abs(math.log10(rate) + 3) + rng.gauss(0, 0.01)
        tags = {
            "kind": "search" if number else "baseline",
            "outcome": "completed",
            "changed": f"lr0 {rate:.3g}",
            "mlflow.parentRunId": parent,
            JOB_ID: f"job-{number}",
        }
        run = store.client.create_run(experiment, run_name=f"search-{number:03d}", tags=tags)
        front = {"score": score, "gain": score - 0.45, "mask_map50": score + 0.3}
        front |= {"level_rate": 0.9, "epochs": _EPOCHS, "hours": 1.5}
        front |= {f"best/figure_{n}": score for n in range(20)}
        metrics = [Metric(key, round(value, 4), now, 0) for key, value in front.items()]
        metrics += [
            Metric(f"valid/figure_{n}", score * epoch / _EPOCHS, now + epoch, epoch)
            for n in range(8)
            for epoch in range(1, _EPOCHS + 1)
        ]
        params = [Param("lr0", str(rate)), *(Param(f"p{n}", str(n)) for n in range(_PARAMS))]
        store.client.log_batch(
            run.info.run_id, metrics, params, [RunTag("seed", str(number))], synchronous=True
        )
        store.client.set_terminated(run.info.run_id, "FINISHED")
    write_views(store, config)
    return config


def drawn(page: Page, address: str) -> tuple[float, dict[str, Any]]:
    """Return the seconds until rows are in sight, and the search that the page asked for."""
    asked: dict[str, Any] = {}

    def note(request: Any) -> None:
        if request.url.endswith("runs/search"):
            asked.update(request.post_data_json)

    page.on("request", note)
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector('.ag-row a[href*="/runs/"]')
    seconds = time.perf_counter() - start
    page.remove_listener("request", note)
    return seconds, asked


def bare(server: str, asked: dict[str, Any]) -> float:
    """Return the seconds of the same search by HTTP alone."""
    request = urllib.request.Request(
        f"{server}ajax-api/2.0/mlflow/runs/search",
        data=json.dumps(asked).encode(),
        headers={"Content-Type": "application/json"},
    )
    start = time.perf_counter()
    with urllib.request.urlopen(request) as answer:
        answer.read()
    return time.perf_counter() - start


def measure(browser: Browser, address: str, repeats: int) -> dict[str, list[float]]:
    """Return seconds of first visits, of later ones, and of the bare answer, taken in turns."""
    found: dict[str, list[float]] = {"first visit": [], "later visit": [], "bare answer": []}
    server = address.partition("#")[0]
    for _ in range(repeats):
        page = browser.new_page(viewport={"width": 1600, "height": 900})  # A cache of its own.
        seconds, asked = drawn(page, address)
        found["first visit"].append(seconds)
        found["bare answer"].append(bare(server, asked))
        page.goto("about:blank")
        found["later visit"].append(drawn(page, address)[0])
        page.close()
    return found


def main() -> None:
    """Print the medians, and how far the list is behind the bare answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--port", type=int, default=5093)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spineseg-list-") as folder:
        config = fill(Path(folder) / "mlruns", given.trials)
        path = Path(folder) / "timed.yaml"
        path.write_text(json.dumps(_STUDY | {"store": {"root": str(config.store.root)}}))
        command = [sys.executable, "-m", "study.cli", "ui", str(path), "--port", str(given.port)]
        pages = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        try:
            assert pages.stdout is not None
            lines = (line.strip() for line in pages.stdout)
            address = next(line for line in lines if line.startswith("http"))
            with sync_playwright() as player:
                browser = player.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                found = measure(browser, address, given.repeats)
                browser.close()
        finally:
            pages.send_signal(signal.SIGINT)
            pages.wait()
    answer = statistics.median(found["bare answer"])
    print(f"{given.trials} trainings, median of {given.repeats}; all seconds")
    for name, seconds in found.items():
        each = " ".join(f"{value:.2f}" for value in seconds)
        print(f"{name:12} {statistics.median(seconds):6.2f}   ({each})")
    for name in ("first visit", "later visit"):
        behind = statistics.median(found[name]) - answer
        verdict = "within" if behind <= ALLOWED_SECONDS else "NOT within"
        print(f"{name}: {behind:.2f} s behind the bare answer, {verdict} {ALLOWED_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
