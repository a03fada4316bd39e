"""Measure a served champion: one client, then 200 requests of 8 clients at a time, and its memory.

python benchmarks/serving_load.py [--requests 200] [--clients 8] [--film-px 640] [--network-px 256]

Registers the bundled weights in a store of its own, serves them as docs/serving.md says, sends
synthetic films (PNG) and prints seconds, errors, wrong answers and the server's resident memory.
About three minutes on 2 CPU cores.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from spineseg.phantom.film import render_film
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.process_setup import prepare_environment
from spineseg.tracking.model_package import example_film
from spineseg.tracking.registry import Registration, register_champion
from spineseg.tracking.store import open_store
from spineseg.training.weights import bundled_weights

_ALONE, _WARM = 60, 16


def registered(root: Path, network_px: int) -> str:
    """Register the bundled weights in a new store under `root`; return the store's address."""
    root.mkdir()
    prepare_environment(root / "ultralytics")
    store = open_store(root, None)
    place = (root / "artifacts").resolve().as_uri()
    run = store.client.create_run(store.client.create_experiment("load", place)).info.run_id
    store.client.set_terminated(run, "FINISHED")
    asked = Registration(
        run_id=run,
        weights=bundled_weights(),
        model_name="spine-vertebrae",
        image_size_px=network_px,
        numbering=NumberingModel(numbering="sequence"),
        evidence={"study": "load", "run": "bundled", "synthetic": True},
        example=example_film(),
    )
    register_champion(store, asked, "to be served")
    return store.uri


def served(folder: Path, uri: str, port: int) -> subprocess.Popen[bytes]:
    """Start MLflow's scoring server; return when it answers."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"),
            *("-m", "models:/spine-vertebrae@champion", "-h", "127.0.0.1", "-p", str(port)),
        ],
        cwd=folder,
        env=os.environ
        | {"MLFLOW_TRACKING_URI": uri, "PYTHONPATH": ""}
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1).close()
            return process
        except OSError:
            if process.poll() is not None:
                raise SystemExit("the server did not start") from None
            time.sleep(0.05)


def request_of(number: int, film_px: int) -> bytes:
    """Return the request with one synthetic film."""
    film = render_film(("frontal", "lateral")[number % 2], film_px, number).pixels
    out = io.BytesIO()
    Image.fromarray(film).save(out, format="PNG")
    image = base64.b64encode(out.getvalue()).decode()
    return json.dumps({"dataframe_split": {"columns": ["image"], "data": [[image]]}}).encode()


def memory_mib(process: subprocess.Popen[bytes]) -> float:
    """Return the resident memory of the server and all that it started."""
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    return sum(each.memory_info().rss for each in tree) / 1024**2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--film-px", type=int, default=640)
    parser.add_argument("--network-px", type=int, default=256)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="serving-load-") as name:
        folder = Path(name)
        uri = registered(folder / "mlruns", asked.network_px)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        start = time.perf_counter()
        process = served(folder, uri, port)
        print(f"answers {time.perf_counter() - start:.1f} s after its start")
        try:
            measure(process, port, asked)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def measure(process: subprocess.Popen[bytes], port: int, asked: argparse.Namespace) -> None:
    """Send requests and print what came of them."""
    bodies = [request_of(number, asked.film_px) for number in range(8)]

    def post(number: int) -> tuple[float, str | None]:
        start = time.perf_counter()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations",
            data=bodies[number % len(bodies)],
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                (row,) = json.loads(answer.read())["predictions"]
        except OSError:
            return time.perf_counter() - start, None
        return time.perf_counter() - start, row["vertebrae"] if not row["error"] else None

    wanted = [post(number)[1] for number in range(_WARM)][: len(bodies)]
    alone = [post(number)[0] for number in range(_ALONE)]
    print(f"one client, {_ALONE} requests: {_quantiles(alone)}")
    for turn in ("before", "after", "after as many again"):
        print(f"memory {turn}: {memory_mib(process):.0f} MiB")
        if turn == "after as many again":
            return
        start = time.perf_counter()
        with ThreadPoolExecutor(asked.clients) as pool:
            answers = list(pool.map(post, range(asked.requests)))
        wall = time.perf_counter() - start
        errors = sum(said is None for _, said in answers)
        wrong = sum(said != wanted[n % len(bodies)] for n, (_, said) in enumerate(answers)) - errors
        print(
            f"{asked.clients} clients, {asked.requests} requests: {errors} errors, {wrong} other "
            f"answers, {asked.requests / wall:.1f} films/s, {_quantiles([s for s, _ in answers])}"
        )


def _quantiles(seconds: list[float]) -> str:
    p50, p95 = np.quantile(seconds, [0.5, 0.95]) * 1000
    return f"p50 {p50:.0f} ms, p95 {p95:.0f} ms"


if __name__ == "__main__":
    main()
