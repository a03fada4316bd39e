"""A study on its way to MLflow while it runs, its store well: what comes when, and once only."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run
from registry_cases import fresh_store
from run_folders import epoch, finished, make_job, write_finished

from spineseg.carrier import Carrier
from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.errors import ConfigError, RefusedError
from spineseg.events import Again, Failed, Lost, Started, append_event
from spineseg.job import Job
from spineseg.places import StudyPlaces
from spineseg.runs import read_run, read_runs
from spineseg.tracking.address import refuse_bad_address
from spineseg.tracking.carried_study import CarriedStudy
from spineseg.tracking.carry import carry_one, not_carried
from spineseg.tracking.store import TrackingStore
from spineseg.tracking.tracked_runs import CARRIED, NOTE, job_runs, open_study_run, open_trial_run

MANIFEST = Manifest(fingerprint="d" * 64, synthetic=True, sources=(), entries=())
AGAIN: dict[str, Any] = {"pid": 2, "device": "GPU", "parameters": 5, "resolved": {}}


def study(store: TrackingStore, manifest: Manifest = MANIFEST) -> CarriedStudy:
    """Return the target of the study `small`, whose runs so far lie under the store's root."""
    source = {"sources": [{"kind": "local", "path": "films"}]}
    told = {"name": "small", "data": source, "baseline": {}, "store": {"root": store.root}}
    places = StudyPlaces(store.root, "small")
    places.data_record.mkdir(parents=True, exist_ok=True)
    (places.data_record / "manifest.json").write_text("{}")
    config = StudyConfig.model_validate(told)
    return CarriedStudy(config, places, manifest, read_runs(places.folder))


def folder_of(store: TrackingStore) -> Path:
    return StudyPlaces(store.root, "small").folder


@pytest.fixture
def store(tmp_path: Path, empty_stores: Path) -> TrackingStore:
    return fresh_store(tmp_path / "mlruns", empty_stores)


def carrying(target: CarriedStudy) -> Carrier:
    carrier = Carrier(target, "MLflow", print, pace_seconds=0.1)
    carrier.start()
    return carrier


def tracked(store: TrackingStore) -> dict[str, Run]:
    return {str(run.info.run_name): run for run in job_runs(store, "small").values()}


def variant(name: str, number: int, **more: Any) -> Job:
    return make_job(name=name, number=number, **more)


def test_what_trains_comes_first_and_then_the_runs_of_before(
    store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for job in (make_job(), variant("no-flips", 1)):
        write_finished(folder_of(store), job)
    target, live = study(store), variant("large", 2)
    folder = write_finished(folder_of(store), live)
    order: list[str] = []
    monkeypatch.setattr(
        "spineseg.tracking.carried_study.carry_one",
        lambda *given, whole=carry_one: (order.append(given[2].name), whole(*given)),
    )
    carrier = Carrier(target, "MLflow", print)
    carrier.news(folder, live, ended=True)
    carrier.note(lambda: target.note("So far."))
    carrier.note(lambda: order.append("note"), kind="after")
    carrier.start()
    assert carrier.close(60.0) == [] and order == ["note", "baseline", "no-flips"]
    assert not_carried(store, "small", read_runs(folder_of(store))) == []
    (parent,) = store.client.search_runs(
        [store.client.get_experiment_by_name("small").experiment_id], "tags.study_key = 'small'"
    )
    assert parent.data.tags[NOTE] == "So far." and parent.info.status == "RUNNING"
    assert [f.path for f in store.client.list_artifacts(parent.info.run_id, "data")]
    experiment = store.client.get_experiment(parent.info.experiment_id)
    assert any(key.startswith("mlflow.sharedViewState.") for key in experiment.tags)


def test_a_gain_follows_when_the_baseline_ends_after_a_variant(store: TrackingStore) -> None:
    target, late, job = study(store), make_job(created=1_700_000_500.0), variant("no-flips", 1)
    baseline = write_finished(folder_of(store), late, end=None)
    target.open()
    target.carry(write_finished(folder_of(store), job), job)
    target.carry(baseline, late)
    while target.idle():
        pass
    assert "has not ended yet" in tracked(store)["no-flips"].data.tags[NOTE]
    append_event(baseline, finished(late, 3))
    target.carry(baseline, late)
    while target.idle():
        pass
    assert tracked(store)["no-flips"].data.metrics["gain"] == 0.0
    assert target.left == []


def test_epochs_that_wait_together_are_one_request(
    store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job()
    folder, asked = write_finished(folder_of(store), job, epochs=300, end=None), list[int]()
    target = study(store)
    target.open()
    client = type(store.client)
    whole = client.log_batch

    def log_batch(*given: Any, **named: Any) -> None:
        asked.append(len(named.get("metrics", ())))
        whole(*given, **named)

    monkeypatch.setattr(client, "log_batch", log_batch)
    target.carry(folder, job)
    assert [count for count in asked if count] == [988, 212]  # MLflow takes 1000 at a time.
    asked.clear()
    append_event(folder, epoch(job, 301))
    target.carry(folder, job)
    target.carry(folder, job)
    assert asked == [4]


def test_attempts_parts_and_asking_anew_are_told(store: TrackingStore) -> None:
    job = make_job()
    folder = write_finished(folder_of(store), job, end=None)
    append_event(folder, Lost(run=job.id, attempt=1, kind="killed", message="SIGKILL"))
    append_event(folder, Started(run=job.id, attempt=2, environment={}, **AGAIN))
    append_event(folder, Lost(run=job.id, attempt=2, kind="out_of_memory", message="2 GiB"))
    append_event(folder, Started(run=job.id, attempt=3, split=2, environment={}, **AGAIN))
    failed = Failed(run=job.id, kind="stalled", message="silent for 30 min")
    append_event(folder, failed)
    append_event(folder, Again(run=job.id, reason="a better cable"))
    target = study(store)
    target.open()
    target.carry(folder, job)
    run = tracked(store)["baseline"]
    assert {key: run.data.tags[key] for key in ("attempts", "split", "tried_again")} == {
        **{"attempts": "3", "split": "2", "tried_again": "asked for"},
    }
    note = run.data.tags[NOTE]
    assert "**Failed: stalled.**" in note and "limits.stalled_minutes" in note
    assert "Trained in 3 attempts (lost: killed, out_of_memory)" in note
    assert "trained in 2 parts" in note
    assert not_carried(store, "small", [read_run(folder)]) == []


def test_a_run_of_one_plain_attempt_says_nothing_of_attempts(store: TrackingStore) -> None:
    job = make_job()
    target = study(store)
    target.open()
    target.carry(write_finished(folder_of(store), job), job)
    run = tracked(store)["baseline"]
    assert not {"attempts", "split", "asked_again"} & set(run.data.tags)
    assert "attempts" not in run.data.tags[NOTE] and "parts" not in run.data.tags[NOTE]


def test_another_study_of_that_name_is_known_at_the_first_answer(store: TrackingStore) -> None:
    study(store).open()
    other = study(store, MANIFEST.model_copy(update={"fingerprint": "e" * 64}))
    carrier = carrying(other)
    answer = carrier.first_answer(60.0)
    assert isinstance(answer, RefusedError) and "of the data dddddddddddd, not eee" in str(answer)
    carrier.close(0.0)


def test_a_run_that_a_person_deletes_is_made_anew_from_its_folder(store: TrackingStore) -> None:
    job, target = make_job(), study(store)
    folder = write_finished(folder_of(store), job, end=None)
    target.open()
    target.carry(folder, job)
    store.client.delete_run(tracked(store)["baseline"].info.run_id)
    append_event(folder, epoch(job, 4))
    with pytest.raises(RefusedError, match="active"):
        target.carry(folder, job)
    target.carry(folder, job)
    assert tracked(store)["baseline"].data.tags[CARRIED] == "5"


def test_of_several_runs_of_one_thing_the_oldest_is_kept(
    store: TrackingStore, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job()
    folder, target = write_finished(folder_of(store), job), study(store)
    target.open()
    target.carry(folder, job)
    (whole,) = job_runs(store, "small").values()
    experiment, parent = whole.info.experiment_id, whole.data.tags["mlflow.parentRunId"]
    late = {"start_time": whole.info.start_time, "run_name": "late"}
    second = store.client.create_run(experiment, tags={"study_key": "small"}).info.run_id
    tags = {"job_id": job.id, "mlflow.parentRunId": second}
    store.client.create_run(experiment, tags=tags, **late)
    child = variant("no-flips", 1)
    orphan = open_trial_run(store, second, child).info.run_id
    with caplog.at_level(logging.WARNING):
        assert open_study_run(store, target._config, MANIFEST) == parent
        assert {r.info.run_id for r in job_runs(store, "small", mend=True).values()} == {
            *(whole.info.run_id, orphan),
        }
    assert "MLflow had 2 runs for study small: 1 were deleted" in caplog.text
    assert "MLflow had 2 runs for baseline: 1 were deleted" in caplog.text
    left = store.client.search_runs([experiment])
    assert {run.info.run_id for run in left} == {parent, whole.info.run_id, orphan}
    assert store.client.get_run(orphan).data.tags["mlflow.parentRunId"] == parent


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("ftp://host/x", "address of no server and of no database"),
        ("localhost:5000", "address of no server and of no database"),
        ("file:///tmp/runs", "address of no server and of no database"),
        ("http://", "names no host"),
        ("http://ada:hush@host:port", "'port'"),
        ("http://two words:5000", "has a space"),
        ("http://host:99999", "out of range"),
        ("sqlite://", "names no file"),
        ("postgresql+nothing://ada:hush@host/name", "nothing"),
        ("mysql+aiomysql://ada:hush@host/name", "driver is not installed; install it"),
    ],
)
def test_an_address_that_can_be_none_is_refused_at_once(uri: str, words: str) -> None:
    with pytest.raises(ConfigError, match=r"give store\.mlflow_uri as http://HOST") as caught:
        refuse_bad_address(uri)
    assert words in str(caught.value) and "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [None, "", "http://192.0.2.1:5000", "https://ada:hush@[::1]:5", "sqlite:///runs.db"],
)
def test_an_address_that_can_be_one_is_asked_nothing(uri: str | None) -> None:
    refuse_bad_address(uri)


@pytest.mark.wide
@pytest.mark.parametrize("own", [None, "7"])
def test_a_request_is_sent_once_in_seconds_unless_a_person_says_otherwise(own: str | None) -> None:
    names = ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT")
    environment = {key: value for key, value in os.environ.items() if key not in names}
    code = (
        "import spineseg.tracking, mlflow.environment_variables as e\n"
        "print(e.MLFLOW_HTTP_REQUEST_MAX_RETRIES.get(), e.MLFLOW_HTTP_REQUEST_TIMEOUT.get())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | (dict.fromkeys(names, own) if own else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ([own, own] if own else ["0", "10"])
