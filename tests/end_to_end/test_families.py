"""Every family of networks through the same commands, really: no part faked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import begun, clean, spineseg

from spineseg.prediction.extra import has_models

STUDY = """
name: tiny
data:
  sources:
    - {{kind: phantom, seed: 4, frontal_films: 10, lateral_films: 8, film_size_px: 128,
       difficulty: 0.1}}
baseline:
  weights: {weights}
  image_size_px: 64
  batch: 4
  nominal_batch: 4
  epochs: 3
  optimizer: AdamW
  lr0: 0.0005
  momentum: 0.9
  warmup_epochs: 0.0
  scale: 0.1
  fliplr: 0.0
  {baseline}
variants:
  - {{name: other, hypothesis: Another family stands in the same table., changes: {{{variant}}}}}
search:
  trials: 1
  startup_trials: 1
  space: {{lr0: {{low: 0.0001, high: 0.001, log: true}}}}
  pruner: {{keep_percent: 50, startup_trials: 1, warmup_epochs: 1}}
confirm: null
"""
YOLO = "model: yolo11n-seg, weights: bundled, image_size_px: 128"  # It finds something.
FAMILIES = {
    "mask_rcnn": ("random", "model: maskrcnn-resnet18", YOLO),
    "mask2former": ("random", "model: mask2former-small", YOLO),
    "sam": ("bundled", "model: yolo11n-seg", "model: sam-small, weights: random"),
    "yolo26": ("random", "model: yolo26n-seg", "model: yolov8n-seg"),
}


def killed_in_its_second_epoch(folder: Path, run: str) -> None:
    """Start the study and kill all of it, once a run has an epoch on record."""
    study = begun("run", "tiny.yaml", cwd=folder)
    log = folder / "mlruns/work/studies/tiny" / run / "events.jsonl"
    until = time.monotonic() + 400
    while not (log.exists() and '"type": "epoch"' in log.read_text()):
        assert study.poll() is None and time.monotonic() < until, study.communicate()[0]
        time.sleep(0.02)
    os.killpg(study.pid, signal.SIGKILL)
    study.wait()


def events(folder: Path, run: str) -> list[dict]:
    log = folder / "mlruns/work/studies/tiny" / run / "events.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()]


SERVED = """
import json, sys
import mlflow, pandas as pd
mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
model = mlflow.pyfunc.load_model("models:/spine-vertebrae@challenger")
with open(sys.argv[1], "rb") as film:
    answer = model.predict(pd.DataFrame({"image": [film.read()]}), params={"confidence": 0.0})
row = answer.iloc[0]
assert not row["error"], row["error"]
print(json.dumps([row["width"], row["height"], len(json.loads(row["vertebrae"]))]))
"""


def killed_and_gone_on_with(folder: Path, run: str) -> None:
    """Run a study whose training of that name is killed in its second epoch, and go on with it."""
    killed_in_its_second_epoch(folder, run)
    done = spineseg("run", "tiny.yaml", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    told = events(folder, run)
    assert [e["resumed_from_epoch"] for e in told if e["type"] == "started"][-1] >= 1
    assert told[-1]["type"] == "finished" and told[-1]["outcome"] == "completed"


def registered(folder: Path, run: str) -> Path:
    """Register a run's network, let it predict a film, and return that."""
    named = spineseg("promote", "tiny", "--challenger", "--run", run, cwd=folder)
    assert named.returncode == 0, named.stdout + named.stderr
    film = next((folder / "mlruns/work/data").glob("*/valid/images/*"))
    predicts(folder, film, "--model", "spine-vertebrae@challenger")
    return film


def predicts(folder: Path, film: Path, *words: str) -> None:
    out = str(folder / words[0].strip("-"))
    found = spineseg("predict", str(film), *words, "--out", out, "--json", cwd=folder)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_mask_rcnn_is_killed_goes_on_is_scored_registered_and_predicts(tmp_path: Path) -> None:
    weights, baseline, _ = FAMILIES["mask_rcnn"]
    study = STUDY.format(weights=weights, baseline=baseline, variant="")
    study = study[: study.index("variants:")] + "confirm: null\n"
    (tmp_path / "tiny.yaml").write_text(study.replace("epochs: 3", "epochs: 2"))
    killed_and_gone_on_with(tmp_path, "000-baseline")
    registered(tmp_path, "baseline")


@pytest.mark.wide
@pytest.mark.long  # A fast test has most of it.
@pytest.mark.skipif(not has_models(), reason="make setup EXTRA=models")
@pytest.mark.parametrize("family", ["mask2former", "sam", "mask_rcnn", "yolo26"])
def test_a_family_trains_is_killed_goes_on_is_pruned_scored_registered_served_and_predicts(
    family: str, tmp_path: Path
) -> None:
    weights, baseline, variant = FAMILIES[family]
    (tmp_path / "tiny.yaml").write_text(
        STUDY.format(weights=weights, baseline=baseline, variant=variant)
    )
    name = "other" if family == "sam" else "baseline"
    killed_and_gone_on_with(tmp_path, "001-other" if family == "sam" else "000-baseline")
    status = json.loads(spineseg("status", "tiny", "--json", cwd=tmp_path).stdout)
    states = [trial["state"] for trial in status["trials"]]
    # From random weights it finds nothing yet, and YOLO's bundled ones do.
    searched = {"completed", "pruned"} if weights == "bundled" or "26" in family else {"pruned"}
    assert states[:2] == ["completed"] * 2 and set(states[2:]) <= searched, states
    page = (tmp_path / "mlruns/work/studies/tiny/report.html").read_text()
    assert ("Networks side by side" in page) == (family != "yolo26")

    film = registered(tmp_path, name)
    predicts(tmp_path, film, "--run", f"tiny/{name}")
    served = subprocess.run(
        [sys.executable, "-c", SERVED, str(film)],
        cwd=tmp_path,
        env=clean(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert served.returncode == 0, served.stderr[-2000:]
    assert json.loads(served.stdout.splitlines()[-1])[:2] == [128, 128]
