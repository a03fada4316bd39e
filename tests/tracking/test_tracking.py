"""Runs carried over to MLflow's own store and server: replay, outage, pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow_server import Server
from run_folders import epoch, finished, make_job, write_finished

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest, ManifestSource
from spineseg.errors import StoreError
from spineseg.events import Scored, Started, append_event
from spineseg.job import Job
from spineseg.runs import read_run
from spineseg.tracking.carry import carry_over, not_carried
from spineseg.tracking.projection import RunProjection
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import job_runs, open_study_run, open_trial_run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrackingStore:
    return open_store(tmp_path_factory.mktemp("mlruns"), None)


CONFIG = StudyConfig.model_validate(
    {
        "name": "study-a",
        "data": {"sources": [{"kind": "local", "path": "films"}]},
        "baseline": {},
        "variants": [{"name": "v", "hypothesis": "Why not.", "changes": {"fliplr": 0.0}}],
    }
)
MANIFEST = Manifest(
    fingerprint="f" * 64,
    synthetic=True,
    sources=(ManifestSource(name="a", kind="local"), ManifestSource(name="b", kind="local")),
    entries=(),
)


def job_named(name: str, **changes: Any) -> Job:
    return make_job(study="study-a", name=name, hypothesis="Why not.", **changes)


def project(store: TrackingStore, folder: Path, job: Job) -> RunProjection:
    return RunProjection(store, lambda: open_study_run(store, CONFIG, MANIFEST), folder, job)


def carried(store: TrackingStore, studies: Path, job: Job, end: str | None = "completed") -> str:
    """Write a run and carry it over; return its id in MLflow."""
    folder = write_finished(studies, job, end=end)
    project(store, folder, job).carry()
    return run_id(store, job)


def run_id(store: TrackingStore, job: Job) -> str:
    return str(job_runs(store, "study-a")[job.id].info.run_id)


def history(store: TrackingStore, run: str, key: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in store.client.get_metric_history(run, key)]


def test_a_whole_run_is_carried_over(store: TrackingStore, tmp_path: Path) -> None:
    run = carried(store, tmp_path, job_named("whole"))
    found = store.client.get_run(run)
    assert found.info.status == "FINISHED"
    assert found.data.tags["outcome"] == "completed" and found.data.metrics["best/epoch"] == 2
    assert found.data.tags["code_version"] == "0.1.0-of-then"
    assert found.data.metrics["score"] == found.data.metrics["mask_map50"] == 0.31
    assert history(store, run, "valid/mask_map50") == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert len(history(store, run, "system/cpu_utilization_percentage")) == 3
    for folder, names in {
        "weights": {"best.pt", "last.pt"},
        "pictures": {"BoxPR_curve.png"},
        "evaluation": {"valid-scores-argmax.json"},
        "settings": {"resolved.json"},
    }.items():
        assert {Path(f.path).name for f in store.client.list_artifacts(run, folder)} == names
    files = {f.path for f in store.client.list_artifacts(run) if not f.is_dir}
    assert {"job.json", "events.jsonl", "results.csv"} <= files


def test_a_run_keeps_its_own_times(store: TrackingStore, tmp_path: Path) -> None:
    job = job_named("timed")
    found = store.client.get_run(carried(store, tmp_path, job))
    assert found.info.start_time == round(job.created * 1000)
    assert found.info.end_time == round((job.created + 100) * 1000)
    times = store.client.get_metric_history(found.info.run_id, "valid/mask_map50")
    assert [m.timestamp for m in times] == [round((job.created + 10 * n) * 1000) for n in (1, 2, 3)]


def test_replaying_a_log_adds_nothing(store: TrackingStore, tmp_path: Path) -> None:
    job = job_named("replayed")
    run = carried(store, tmp_path, job)
    for _ in range(2):
        project(store, tmp_path / job.folder_name, job).carry()
    assert len(history(store, run, "valid/mask_map50")) == 3
    assert store.client.get_run(run).info.status == "FINISHED"


def test_an_own_store_is_looked_at_for_files_without_a_question_a_run(
    store: TrackingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_named("looked at")
    run = carried(store, tmp_path, job)
    place = store.client.get_run(run).info.artifact_uri
    file = Path(local_file_uri_to_path(place)) / "weights" / "best.pt"
    asked: list[str] = []
    whole = type(store.client).list_artifacts

    def list_artifacts(*given: Any) -> Any:
        asked.append(given[1])
        return whole(*given)

    monkeypatch.setattr(type(store.client), "list_artifacts", list_artifacts)
    late = read_run(tmp_path / job.folder_name)
    assert not_carried(store, "study-a", [late]) == []
    file.unlink()
    assert not_carried(store, "study-a", [late]) == [late]
    assert asked == []
    store.client.list_artifacts(run)
    assert asked == [run]


def test_a_run_with_a_later_word_is_carried_over_again(
    store: TrackingStore, tmp_path: Path
) -> None:
    job = job_named("scored")
    run = carried(store, tmp_path, job)
    folder = tmp_path / job.folder_name
    assert not_carried(store, "study-a", [read_run(folder)]) == []
    append_event(folder, Scored(run=job.id, part="test", metrics={"test/mask_map50": 0.4}))
    late = read_run(folder)
    assert not_carried(store, "study-a", [late]) == [late]
    parent = open_study_run(store, CONFIG, MANIFEST)
    assert carry_over(store, "study-a", parent, [late]) == []
    assert store.client.get_run(run).data.metrics["test/mask_map50"] == 0.4
    assert store.client.get_run(run).info.end_time == round((job.created + 100) * 1000)


def test_a_resumed_attempt_with_other_settings_does_not_break_the_run(
    store: TrackingStore, tmp_path: Path
) -> None:
    job = job_named("resumed")
    folder = write_finished(tmp_path, job, end=None)
    projection = project(store, folder, job)
    projection.carry()
    again = {"pid": 2, "device": "GPU", "parameters": 7, "resolved": {"imgsz": 96}}
    started = Started(run=job.id, resumed_from_epoch=3, environment={}, **again)
    append_event(folder, started)
    projection.carry()
    data = store.client.get_run(run_id(store, job)).data
    assert data.params["parameters"] == "5" and data.tags["resumed_from_epoch"] == "3"


@pytest.mark.parametrize("at_once", [True, False])
def test_an_epoch_trained_again_as_its_node_was_lost_is_one_row_unless_it_is_another(
    store: TrackingStore, tmp_path: Path, at_once: bool
) -> None:
    job = job_named(f"on-a-lost-node-{at_once}")
    folder = write_finished(tmp_path, job, end=None)
    projection = project(store, folder, job)
    if not at_once:
        projection.carry()
    again = {"pid": 2, "device": "CPU", "attempt": 2, "resumed_from_epoch": 1}
    again |= {"parameters": 5, "resolved": {}, "environment": {}}
    append_event(folder, Started.model_validate({"run": job.id, "time": job.created + 60, **again}))
    for number, score in ((2, 0.2), (3, 0.35)):
        said = epoch(job, number)
        metrics = said.metrics | {"valid/mask_map50": score}
        told = {"metrics": metrics, "time": said.time + 100, "epoch_seconds": 77.0}
        append_event(folder, said.model_copy(update=told))
    projection.carry()
    project(store, folder, job).carry()
    run = run_id(store, job)
    assert history(store, run, "valid/mask_map50") == [(1, 0.1), (2, 0.2), (3, 0.3), (3, 0.35)]
    assert [step for step, _ in history(store, run, "valid/mask_map50_95")] == [1, 2, 3]
    assert 77.0 not in [value for _, value in history(store, run, "system/epoch_seconds")]


@pytest.mark.parametrize(
    ("end", "status", "outcome"),
    [("pruned", "FINISHED", "pruned"), ("failed", "FAILED", "failed")],
)
def test_a_run_ends_with_the_logs_own_word(
    store: TrackingStore, tmp_path: Path, end: str, status: str, outcome: str
) -> None:
    found = store.client.get_run(carried(store, tmp_path, job_named(end), end))
    assert (found.info.status, found.data.tags["outcome"]) == (status, outcome)


def test_only_the_first_end_of_a_log_counts(store: TrackingStore, tmp_path: Path) -> None:
    job = job_named("ended-twice")
    folder = write_finished(tmp_path, job, end="failed")
    projection = project(store, folder, job)
    projection.carry()
    again = {"pid": 2, "device": "GPU", "parameters": 5, "resolved": {}, "environment": {}}
    append_event(folder, Started(run=job.id, **again))
    append_event(folder, finished(job, 3))
    projection.carry()
    project(store, folder, job).carry()
    found = store.client.get_run(run_id(store, job))
    assert (found.info.status, found.data.tags["outcome"]) == ("FAILED", "failed")
    assert "best/mask_map50" not in found.data.metrics


def test_a_run_is_found_again_and_never_made_twice(store: TrackingStore) -> None:
    job, parent = job_named("twice"), open_study_run(store, CONFIG, MANIFEST)
    one, two = (open_trial_run(store, parent, job) for _ in range(2))
    assert one.info.run_id == two.info.run_id
    note = store.client.get_run(one.info.run_id).data.tags["mlflow.note.content"]
    assert "Synthetic" in note and "Why not." in note


def test_two_jobs_of_one_number_are_two_runs(store: TrackingStore) -> None:
    parent = open_study_run(store, CONFIG, MANIFEST)
    one, two = (open_trial_run(store, parent, job_named("n", number=7)) for _ in range(2))
    assert one.info.run_id != two.info.run_id


def test_the_data_stand_in_mlflows_own_place_for_them(store: TrackingStore) -> None:
    parent = open_study_run(store, CONFIG, MANIFEST)
    job = job_named("data", data_fingerprint="f" * 64)
    for _ in range(2):
        run = open_trial_run(store, parent, job)
    (entry,) = store.client.get_run(run.info.run_id).inputs.dataset_inputs
    assert (entry.dataset.name, entry.dataset.digest) == ("a + b", "f" * 12)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.mark.wide
def test_what_an_outage_left_unsent_goes_with_the_next_call(server: Server, tmp_path: Path) -> None:
    job = job_named("outage")
    folder = write_finished(tmp_path / "studies", job, epochs=1, end=None)
    store = open_store(tmp_path / "mlruns", server.uri)
    projection = project(store, folder, job)
    projection.carry()
    run = run_id(store, job)
    server.kill()
    for number in (2, 3):
        append_event(folder, epoch(job, number))
        with pytest.raises(StoreError, match="refuses connections"):
            projection.carry()
    server.start()
    projection.carry()
    assert history(store, run, "valid/mask_map50") == [(1, 0.1), (2, 0.2), (3, 0.3)]
