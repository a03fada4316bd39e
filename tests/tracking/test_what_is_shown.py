"""What MLflow holds of a training: few figures, tags in words, a note; ends that stay."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from evaluation_factory import evaluation
from mlflow.entities import Run
from registry_cases import fresh_store
from run_folders import epoch, finished, make_job, write_finished

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.events import Failed, Scored, Started, append_event
from spineseg.job import Job
from spineseg.runs import read_run
from spineseg.tracking.carry import carry_over, not_carried
from spineseg.tracking.projection import RunProjection
from spineseg.tracking.run_note import run_note
from spineseg.tracking.selection import MOST
from spineseg.tracking.store import TrackingStore
from spineseg.tracking.tracked_runs import job_runs, open_study_run, write_study_note

NOTE = "mlflow.note.content"
CONFIG = StudyConfig.model_validate(
    {
        "name": "small",
        "data": {"sources": [{"kind": "local", "path": "films"}]},
        "baseline": {},
        "variants": [{"name": "v", "hypothesis": "Why not.", "changes": {"fliplr": 0.0}}],
    }
)
MANIFEST = Manifest(fingerprint="d" * 64, synthetic=True, sources=(), entries=())
VARIANT: dict[str, Any] = {"name": "no-flips", "number": 1, "hypothesis": "Flips hide the side."}


@pytest.fixture
def store(tmp_path: Path, empty_stores: Path) -> TrackingStore:
    """An empty store of its own."""
    return fresh_store(tmp_path / "mlruns", empty_stores)


def fill(store: TrackingStore, *folders: Path) -> dict[str, Run]:
    """Bring run folders into the store; return MLflow's runs by name."""
    parent = open_study_run(store, CONFIG, MANIFEST)
    assert carry_over(store, "small", parent, [read_run(folder) for folder in folders]) == []
    return tracked(store)


def tracked(store: TrackingStore) -> dict[str, Run]:
    return {str(run.info.run_name): run for run in job_runs(store, "small").values()}


def write_whole(studies: Path, job: Job) -> Path:
    """Write a run whose log says all that a real one says, and more."""
    folder = write_finished(studies, job, epochs=0, end=None)
    more = {f"setting_{number}": number for number in range(100)} | job.config.model_dump()
    used = {"optimizer_used": "SGD", "lr0_used": 0.02, "warmup_bias_lr": 0.0, "amp_used": False}
    append_event(
        folder,
        Started(
            run=job.id,
            time=job.created + 2,
            pid=1,
            device="GPU",
            parameters=5,
            resolved=more | used,
            environment={"torch": "2.14", "ultralytics": "8.4", "python": "3.11", "cores": "2"},
        ),
    )
    losses = {
        f"{p}/{n}_loss": 1.0 for p in ("train", "valid") for n in ("box", "seg", "cls", "dfl")
    }
    losses["train/sem_loss"] = 0.0
    scores = {
        f"valid/{kind}_{name}": 0.123456789
        for kind in ("mask", "box")
        for name in ("precision", "recall", "map50", "map50_95")
    }
    rates = {f"lr/pg{group}": 0.000123456 for group in range(8)}
    system = {f"system/gpu_{n}_{what}": 1.0 for n in range(8) for what in ("memory", "load")}
    more_epoch = {"metrics": losses | scores | rates, "system": system}
    append_event(folder, epoch(job, 1).model_copy(update=more_epoch))
    best = evaluation(0.4).metrics("best") | evaluation(0.3).metrics("argmax")
    trainer = {f"trainer/{kind}_map50": 0.3 for kind in ("mask", "box")}
    end = finished(job, 60).model_copy(update={"metrics": best, "trainer_metrics": trainer})
    append_event(folder, end.model_copy(update={"train_seconds": 5000.0}))
    append_event(folder, Scored(run=job.id, part="test", metrics=evaluation(0.2).metrics("test")))
    return folder


def test_a_training_has_few_figures_and_the_rest_in_artifacts(
    store: TrackingStore, tmp_path: Path
) -> None:
    job = make_job()
    run = fill(store, write_whole(tmp_path / "small", job))["baseline"]
    metrics, params = run.data.metrics, run.data.params
    assert len(metrics) <= MOST and len(params) <= MOST
    assert {key.split("/")[0] for key in metrics if "/" in key} <= {
        *("best", "train", "valid", "lr", "system", "test"),
    }
    front = {key: value for key, value in metrics.items() if "/" not in key}
    assert front.pop("level_rate") == pytest.approx(front.pop("mask_map50"), abs=0.5)
    assert front == {"score": 0.4, "epochs": 60, "hours": 1.389}
    assert metrics["valid/mask_map50"] == 0.1235 and metrics["lr/pg0"] == 0.0001235
    assert metrics["test/mask_map50_95"] == 0.2 and metrics["best/mask_map50_95"] == 0.4
    used = {key: value for key, value in params.items() if key.startswith("used/")}
    assert used == {
        "used/optimizer": "SGD",
        "used/lr0": "0.02",
        "used/warmup_bias_lr": "0.0",
        "used/amp": "False",
    }
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    assert json.loads((folder / "settings/resolved.json").read_text())["setting_99"] == 99
    assert json.loads((folder / "environment.json").read_text())["cores"] == "2"
    tags = {key: value for key, value in run.data.tags.items() if "mlflow" not in key}
    assert tags.pop("job_id") == job.id and tags.pop("data") == "d" * 12
    assert tags == {
        **{"outcome": "completed", "kind": "baseline", "changed": "as configured"},
        **{"arm": "baseline", "seed": "0", "synthetic": "true", "code_version": "0.1.0-of-then"},
        **{"trial_key": "small/0", "device": "GPU", "torch": "2.14", "ultralytics": "8.4"},
        "events_carried": "5",
    }


def test_an_event_costs_one_request_and_epochs_that_wait_together_too(
    store: TrackingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job()
    folder = write_finished(tmp_path / "small", job, end=None)
    parent, asked = open_study_run(store, CONFIG, MANIFEST), []
    whole = store.client.log_batch
    monkeypatch.setattr(
        store.client,
        "log_batch",
        lambda *a, **k: (asked.append(k.get("metrics", ())), whole(*a, **k)),
    )
    projection = RunProjection(store, lambda: parent, folder, job)
    projection.carry()
    for number in (4, 5):
        append_event(folder, epoch(job, number))
        projection.carry()
    metrics = [len({metric.step for metric in batch}) for batch in asked]
    assert metrics == [0, 0, 3, 1, 1]  # What it is, its start, three epochs, one, and one.
    assert tracked(store)["baseline"].data.tags["events_carried"] == "6"


def test_where_a_run_comes_from_is_told_in_mlflows_own_place(
    store: TrackingStore, tmp_path: Path
) -> None:
    whole = make_job(commit="c" * 40, user="ada")
    short = make_job(**VARIANT, code_version="0.1.0-0123456789ab+changes")
    runs = fill(store, *(write_finished(tmp_path / "small", job) for job in (whole, short)))
    tags = runs["baseline"].data.tags
    assert tags["mlflow.source.git.commit"] == "c" * 40 and tags["mlflow.user"] == "ada"
    assert tags["mlflow.source.name"] == "spineseg run small"
    assert tags["mlflow.source.type"] == "LOCAL"
    assert runs["no-flips"].data.tags["mlflow.source.git.commit"] == "0123456789ab"
    assert "mlflow.user" not in runs["no-flips"].data.tags


def test_the_gain_of_a_run_that_ended_first_follows_when_the_baseline_has_ended(
    store: TrackingStore, tmp_path: Path, empty_stores: Path
) -> None:
    job, late = make_job(**VARIANT), make_job(created=1_700_000_500.0)
    variant = write_finished(tmp_path / "small", job)
    run = fill(store, variant)["no-flips"]
    assert "gain" not in run.data.metrics and "has not ended yet" in run.data.tags[NOTE]
    baseline = write_finished(tmp_path / "small", late, end=None)
    low = {"best/mask_map50_95": 0.2567, "best/mask_map50": 0.3}
    append_event(baseline, finished(late, 3).model_copy(update={"metrics": low}))
    runs = fill(store, variant, baseline)
    assert runs["no-flips"].data.metrics["gain"] == 0.0533
    assert "0.310** on the validation films against the baseline's 0.257: **+0.053**" in str(
        runs["no-flips"].data.tags[NOTE]
    )
    assert "gain" not in runs["baseline"].data.metrics
    again = fill(fresh_store(tmp_path / "again", empty_stores), variant, baseline)["no-flips"]
    assert again.data.metrics == runs["no-flips"].data.metrics
    assert again.data.tags[NOTE] == runs["no-flips"].data.tags[NOTE]


def test_a_store_of_an_earlier_version_is_carried_on_under_the_new_names(
    store: TrackingStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job(**VARIANT)
    folder = write_finished(tmp_path / "small", job, end="pruned")
    parent = open_study_run(store, CONFIG, MANIFEST)
    tags = {"job_id": job.id, "trial_key": job.key, "mlflow.parentRunId": parent}
    old = store.client.create_run(
        store.client.get_run(parent).info.experiment_id,
        start_time=round(job.created * 1000),
        run_name="variant no-flips",
        tags=tags | {"changes": "{}", "environment.python": "3.11", "hypothesis": "Why not."},
    ).info.run_id
    end = round((job.created + 100) * 1000)
    store.client.log_metric(old, "argmax/mask_map50", 0.3)
    store.client.log_param(old, "resolved/imgsz", 64)
    store.client.set_tag(old, "events_carried", len(read_run(folder).log))
    store.client.set_terminated(old, "KILLED", end)
    assert not_carried(store, "small", [read_run(folder)])
    with caplog.at_level(logging.WARNING):
        run = fill(store, folder)["no-flips"]
    assert "MLflow had 1 runs of an earlier version" in caplog.text
    assert run.info.run_id == old and run.info.end_time == end
    assert (run.info.status, run.data.tags["outcome"]) == ("FINISHED", "pruned")
    assert run.data.metrics["score"] == 0.31 and "argmax/mask_map50" in run.data.metrics
    assert not {"changes", "environment.python", "hypothesis"} & set(run.data.tags)
    caplog.clear()
    assert not_carried(store, "small", [read_run(folder)]) == []
    assert fill(store, folder)["no-flips"].data.tags == run.data.tags and not caplog.text


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (None, "In training; figures follow at its end."),
        ("completed", "against the baseline's 0.300: **+0.010**. That is one training"),
        ("completed", "Completed: best in epoch 2 of 3, 0.1 min of training."),
        ("pruned", "Pruned after 3 of 3 epochs: the search gave it up as hopeless, which is no"),
        ("failed", "**Failed: out_of_memory.**\n\n    2 GiB\n    too few\n\nRemedy: give it a"),
    ],
)
def test_a_runs_note_says_what_it_is_and_how_it_ended(end: str | None, words: str) -> None:
    job = make_job(**VARIANT)
    ends: dict[str | None, Any] = {
        None: None,
        "failed": Failed(run=job.id, kind="out_of_memory", message="2 GiB\ntoo few\n"),
    }
    note = run_note(job, ends[end] if end in ends else finished(job, 3, str(end)), 0.3)
    assert words in note
    assert note.startswith(
        "no-flips, a variant of study small. **Synthetic X-rays: they say nothing"
    )
    assert "Difference from the baseline: fliplr 0.\n\nHypothesis: Flips hide the side." in note


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("baseline", "The baseline of study small: what every other training is compared with."),
        ("confirm", "no-flips once more, on the fresh seed 1001, to confirm what study small"),
        ("search", "baseline-x, found by the search of study small."),
    ],
)
def test_a_runs_note_tells_its_kind(kind: str, words: str) -> None:
    job = make_job(
        synthetic=False, kind=kind, name="baseline" if kind == "baseline" else "baseline-x"
    )
    arm = {"arm": "no-flips", "config": job.config.with_(seed=1001)}
    note = run_note(job if kind == "baseline" else job.model_copy(update=arm))
    assert note.startswith(words) and "Synthetic" not in note


def test_a_store_that_refuses_a_note_is_one_line_and_raises_nothing(
    store: TrackingStore, caplog: pytest.LogCaptureFixture
) -> None:
    parent = open_study_run(store, CONFIG, MANIFEST)
    with sqlite3.connect(store.root / "mlflow.db") as database:
        database.execute(
            "CREATE TRIGGER refused BEFORE INSERT ON experiment_tags "
            "BEGIN SELECT RAISE(ABORT, 'no rights here'); END"
        )
    database.close()
    with caplog.at_level(logging.WARNING):
        assert write_study_note(store, parent, "Better.") is False
    (record,) = [r for r in caplog.records if r.name.startswith("spineseg")]
    assert "MLflow did not take the study's note" in record.getMessage()
    assert "no rights here" in record.getMessage() and "\n" not in record.getMessage()
