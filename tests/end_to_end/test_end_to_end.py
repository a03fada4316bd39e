"""The whole way, really: the command line, a fresh folder, a tiny phantom, no part faked."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import begun, clean, spineseg

pytestmark = pytest.mark.wide

# The baseline forgets what the bundled weights know; a gentle variant cannot but beat it.
# Three seeds and six test patients are the least that can give a p-value below 0.05.
# Batches of 64: with smaller ones the trainer would gather several before it takes a step.
STUDY = """
name: tiny
data:
  sources:
    - {kind: phantom, seed: 4, frontal_films: 20, lateral_films: 14, film_size_px: 160,
       difficulty: 0.1}
  test_fraction: 0.25
baseline:
  weights: bundled
  image_size_px: 160
  batch: 64
  epochs: 2
  optimizer: AdamW
  lr0: 0.02
  momentum: 0.9
  warmup_epochs: 0.0
  mosaic: 0.0
variants:
  - {name: gentle, hypothesis: A small step keeps what was learnt., changes: {lr0: 0.00001}}
search:
  trials: 1
  startup_trials: 1
  space: {lr0: {low: 0.005, high: 0.02, log: true}}
  pruner: {keep_percent: 50, startup_trials: 1, warmup_epochs: 0}
confirm: {top: 1, seeds: 3}
"""


def wait_until_training(study: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + 300
    while not (log.exists() and '"epoch"' in log.read_text()):
        assert study.poll() is None and time.monotonic() < deadline, study.communicate()[0]
        time.sleep(0.05)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh folder in which the study was killed, then interrupted, and run again to its end."""
    folder = tmp_path_factory.mktemp("fresh")
    (folder / "tiny.yaml").write_text(STUDY)
    first = begun("run", "tiny.yaml", cwd=folder)
    wait_until_training(first, folder / "mlruns/work/studies/tiny/001-gentle/events.jsonl")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    second = begun("run", "tiny.yaml", cwd=folder)
    wait_until_training(second, folder / "mlruns/work/studies/tiny/002-search-001/events.jsonl")
    os.killpg(second.pid, signal.SIGINT)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 130 and "interrupted; the same command goes on" in said
    assert status(folder)["search-001"]["state"] == "interrupted"
    done = spineseg("run", "tiny.yaml", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "output.txt").write_text(done.stdout)
    return folder


def status(folder: Path) -> dict[str, dict]:
    answer = json.loads(spineseg("status", "tiny.yaml", "--json", cwd=folder).stdout)
    return {trial["name"]: trial for trial in answer["trials"]}


def test_a_killed_study_goes_on_to_its_end_and_says_what_it_found(folder: Path) -> None:
    output = (folder / "output.txt").read_text()
    assert "taken up again" in output and "baseline:" not in output.split("mask mAP50")[0]
    assert "* gentle" in output and "synthetic" in output
    assert "spineseg ui tiny" in output and "spineseg promote tiny" in output
    trials = status(folder)
    confirmed = [f"{arm}-seed-{seed}" for seed in (1, 2, 3) for arm in ("baseline", "gentle")]
    assert list(trials) == ["baseline", "gentle", "search-001", *confirmed]
    assert {trial["state"] for trial in trials.values()} <= {"completed", "pruned"}
    assert all(trial["epochs"] <= 2 for trial in trials.values())


def test_the_plan_times_a_few_batches_and_estimates_the_hours(folder: Path) -> None:
    done = spineseg("plan", "tiny.yaml", "--json", cwd=folder)
    plan = json.loads(done.stdout)
    assert done.returncode == 0 and plan["search_trials"] == 1 and plan["confirm_trials"] == 6
    assert plan["hours"] > sum(trial["hours"] for trial in plan["trials"]) > 0
    assert not (folder / "mlruns/work/studies/tiny/timing").exists()


def test_the_comparison_is_a_table_and_a_page(folder: Path) -> None:
    answer = json.loads(spineseg("compare", "tiny", "--json", cwd=folder).stdout)
    assert answer["best"] == "gentle" and answer["synthetic"] is True
    page = (folder / answer["page"]).read_text()
    assert "synthetic data" in page and page.count("data:image/jpeg") >= 3
    arms = {arm["name"]: arm for arm in answer["evidence"]["arms"]}
    assert list(arms) == ["baseline", "gentle"] and len(arms["gentle"]["scores"]) == 3
    assert {effect["name"] for effect in answer["evidence"]["variants"]} == {"gentle"}


FACTS = """
import json, sys
import mlflow, optuna
root = sys.argv[1]
study = optuna.load_study(study_name="tiny", storage=f"sqlite:///{root}/mlruns/optuna.db")
client = mlflow.MlflowClient(f"sqlite:///{root}/mlruns/mlflow.db")
experiment = client.get_experiment_by_name("tiny")
runs = {}
for run in client.search_runs([experiment.experiment_id], "tags.job_id LIKE '%'"):
    rows = [m for key in run.data.metrics for m in client.get_metric_history(run.info.run_id, key)]
    files, folders = [], [None]
    while folders:
        for file in client.list_artifacts(run.info.run_id, folders.pop()):
            (folders if file.is_dir else files).append(file.path)
    runs[run.data.tags["trial_key"]] = [
        run.info.run_name, run.info.status, run.info.start_time, run.info.end_time,
        run.data.params, {k: v for k, v in run.data.tags.items() if k != "mlflow.parentRunId"},
        sorted([m.key, m.timestamp, m.step, m.value] for m in rows), sorted(files),
    ]
trials = [
    [t.number, t.state.name, t.values, t.params, t.intermediate_values, t.user_attrs]
    for t in study.trials
]
print(json.dumps([trials, runs], sort_keys=True))
"""


def facts(folder: Path) -> str:
    """Return what both stores tell of the study, as another program reads them."""
    done = subprocess.run(
        [sys.executable, "-c", FACTS, str(folder)], text=True, capture_output=True, env=clean()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_deleted_stores_are_filled_again_from_the_run_folders(folder: Path) -> None:
    study = folder / "mlruns/work/studies/tiny"
    page, table = (study / name for name in ("report.html", "comparison.csv"))
    before = facts(folder), table.read_text(), undated(page)
    for name in ("optuna.db", "mlflow.db"):
        (folder / "mlruns" / name).unlink()
    shutil.rmtree(folder / "mlruns" / "artifacts")
    done = spineseg("compare", "tiny.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (facts(folder), table.read_text(), undated(page)) == before


def undated(page: Path) -> str:
    """Return a page without the minute that it was written in."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "", page.read_text())


def test_promotion_prediction_and_evaluation_use_the_best_run(folder: Path) -> None:
    promoted = spineseg("promote", "tiny", "--json", cwd=folder)
    verdict = json.loads(promoted.stdout)
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert verdict["run"] == "gentle" and verdict["version"] == "1"
    openings = (folder / "mlruns" / "test-openings.jsonl").read_text().splitlines()
    assert len(openings) == 1 and len(json.loads(openings[0])["runs"]) == 7
    again = spineseg("promote", "tiny.yaml", cwd=folder)
    assert again.returncode == 1 and "REFUSED" in again.stdout
    ledger = (folder / "mlruns" / "promotions.jsonl").read_text().splitlines()
    assert len(ledger) == 1 and json.loads(ledger[0])["run"] == "gentle"

    back = spineseg("promote", "tiny.yaml", "--rollback", "1", cwd=folder)
    assert back.returncode == 2 and "version 1 of 'spine-vertebrae' is champion alr" in back.stderr
    unknown = spineseg("promote", "tiny", "--rollback", "9", cwd=folder)
    assert unknown.returncode == 2 and "has no version 9; it has 1" in unknown.stderr

    film = next((folder / "mlruns/work/data").glob("merged-*/valid/images/*frontal*.jpg"))
    done = spineseg("predict", str(film), "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    answer = json.loads((folder / "out" / f"{film.stem}.json").read_text())
    assert answer["vertebrae"] and (folder / "out" / f"{film.stem}.png").stat().st_size > 10_000
    assert all(len(v["polygon"]) >= 3 for v in answer["vertebrae"])

    assert answer["weights"]["model"] == "spine-vertebrae" and "weights " in done.stdout

    run = folder / "mlruns/work/studies/tiny/001-gentle"
    weights, data = run / "train/weights/best.pt", film.parent.parent.parent
    scored = spineseg(
        "evaluate", "--weights", str(weights), "--data", str(data), "--json", cwd=folder
    )
    recorded = json.loads((run / "valid-scores-sequence.json").read_text())["scores"]
    assert json.loads(scored.stdout)["scores"] == pytest.approx(recorded, abs=1e-6)

    # Its outlines' error, as its own validation measured it, came with it through MLflow.
    measured = spineseg("measure", str(film), "--aspect", "0.5", "--out", "measures", cwd=folder)
    told = json.loads((folder / "measures" / "measures.json").read_text())["made_by"]
    # Of the training that was promoted, on a fresh seed; with four digits, as MLflow has scores.
    told_by = {gate["name"]: gate["figure"] for gate in verdict["gates"]}
    training = told_by["the promoted file's own test score"].split()[0]
    (own,) = (folder / "mlruns/work/studies/tiny").glob(f"*-{training}")
    error = json.loads((own / "valid-scores-sequence.json").read_text())["outline_error"]
    assert measured.returncode in (0, 1) and "Traceback" not in measured.stderr, measured.stderr
    assert told["outline_error"] == round(error, 4) and told["label"] == answer["weights"]["label"]


def test_the_registered_model_loads_by_its_alias_in_a_fresh_process(folder: Path) -> None:
    """As a user of the registry has it: MLflow alone, no part of this project imported by hand."""
    film = next((folder / "mlruns/work/data").glob("merged-*/valid/images/*frontal*.jpg"))
    code = (
        "import sys, mlflow, pathlib, pandas as pd\n"
        "mlflow.set_tracking_uri(f'sqlite:///{sys.argv[1]}/mlruns/mlflow.db')\n"
        "model = mlflow.pyfunc.load_model('models:/spine-vertebrae@champion')\n"
        "rows = model.predict(pd.DataFrame({'image': [pathlib.Path(sys.argv[2]).read_bytes()]}))\n"
        "print(rows.to_json(orient='records'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(film)],
        text=True,
        capture_output=True,
        timeout=300,
        cwd="/",
        env=clean(),
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout.strip().splitlines()[-1])
    assert row["model"] == "spine-vertebrae version 1" and row["synthetic"] is True
    assert row["error"] == "" and len(json.loads(row["vertebrae"])) > 0
