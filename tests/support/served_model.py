"""A registered champion behind MLflow's own scoring server, as `mlflow models serve` starts it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from command import clean
from mlflow_server import free_port

from spineseg.prediction.numbering.model import NumberingModel
from spineseg.tracking.model_package import example_film
from spineseg.tracking.registry import Registration, register_champion
from spineseg.tracking.store import TrackingStore
from spineseg.training.weights import bundled_weights


def promoted(store: TrackingStore, image_size_px: int = 224) -> str:
    """Register the bundled network whole, as a promotion does it; return the version."""
    artifacts = (store.root / "artifacts" / "study").resolve().as_uri()
    run = store.client.create_run(store.client.create_experiment("study", artifacts)).info.run_id
    store.client.set_terminated(run, "FINISHED")
    asked = Registration(
        run_id=run,
        weights=bundled_weights(),
        model_name="spine-vertebrae",
        image_size_px=image_size_px,
        numbering=NumberingModel(numbering="sequence"),
        evidence={"study": "small", "run": "no-flips", "synthetic": True},
        example=example_film(),
    )
    return register_champion(store, asked, "to be served")


class ServedModel:
    """`mlflow models serve` of the champion on a free port of this machine."""

    def __init__(self, store: TrackingStore, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "served.txt"
        command = [
            "-m", "mlflow", "models", "serve", "-m", "models:/spine-vertebrae@champion",
            "--env-manager", "local", "-h", "127.0.0.1", "-p", str(self.port),
        ]  # fmt: skip
        # Beside it lies another `spineseg`, which cannot be imported: the version has its own.
        other = folder / "other" / "spineseg"
        other.mkdir(parents=True)
        (other / "__init__.py").write_text("raise ImportError('not the version's own')")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,
                env=clean()
                | {"MLFLOW_TRACKING_URI": store.uri, "PYTHONPATH": str(other.parent), "PATH": path},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(1200):
            try:
                with urllib.request.urlopen(f"{self.url}/ping", timeout=1):
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()[-2000:]
                time.sleep(0.1)
        raise AssertionError("the served model did not start")

    def post(self, body: bytes, kind: str = "application/json") -> tuple[int, str]:
        """Return the status and the text of an answer."""
        request = urllib.request.Request(
            f"{self.url}/invocations", data=body, headers={"Content-Type": kind}
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def rows(self, *films: bytes, **params: float) -> list[dict]:
        """Return the answers to films."""
        encoded = [[base64.b64encode(film).decode()] for film in films]
        body = {"dataframe_split": {"columns": ["image"], "data": encoded}, "params": params}
        status, text = self.post(json.dumps(body).encode())
        assert status == 200, text
        return json.loads(text)["predictions"]

    def stop(self) -> None:
        """End the server and what it started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
