"""What a store refuses of one run holds no other run up, and is told once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests
from mlflow.exceptions import MlflowException
from mlflow.utils.rest_utils import augmented_raise_for_status, verify_rest_response
from old_server import served
from registry_cases import fresh_store
from run_folders import make_job, write_finished

from spineseg.carrier import Carrier
from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.errors import RefusedError, StoreError
from spineseg.events import Again, append_event
from spineseg.places import StudyPlaces
from spineseg.runs import read_runs
from spineseg.tracking.carried_study import CarriedStudy
from spineseg.tracking.carry import carry_over
from spineseg.tracking.store import TrackingStore, refusing
from spineseg.tracking.tracked_runs import NOTE, job_runs, open_study_run

MANIFEST = Manifest(fingerprint="d" * 64, synthetic=True, sources=(), entries=())


@pytest.fixture
def store(tmp_path: Path, empty_stores: Path) -> TrackingStore:
    return fresh_store(tmp_path / "mlruns", empty_stores)


def config_of(store: TrackingStore) -> StudyConfig:
    source = {"sources": [{"kind": "local", "path": "films"}]}
    told = {"name": "small", "data": source, "baseline": {}, "store": {"root": store.root}}
    return StudyConfig.model_validate(told)


def study(store: TrackingStore) -> CarriedStudy:
    places = StudyPlaces(store.root, "small")
    places.data_record.mkdir(parents=True, exist_ok=True)
    (places.data_record / "manifest.json").write_text("{}")
    return CarriedStudy(config_of(store), places, MANIFEST, read_runs(places.folder))


def with_runs(store: TrackingStore, count: int) -> Path:
    folder = StudyPlaces(store.root, "small").folder
    for number in range(count):
        name = f"r-{number}" if number else "baseline"
        write_finished(folder, make_job(name=name, number=number))
    return folder


def names(store: TrackingStore) -> set[str]:
    return {str(run.info.run_name) for run in job_runs(store, "small").values()}


@contextmanager
def says(status: int) -> Iterator[str]:
    """Serve on loopback what answers all with one status, as a proxy does."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with served(Answers) as uri:
        yield uri


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((403, RefusedError), (413, RefusedError)),
        *((408, StoreError), (429, StoreError), (500, StoreError), (502, StoreError)),
    ],
)
def test_what_a_server_or_a_proxy_refuses_is_told_from_what_passes(
    status: int, kind: type[StoreError]
) -> None:
    with says(status) as uri:
        for asks in (
            augmented_raise_for_status,  # Of files.
            lambda answer: verify_rest_response(answer, "/api"),  # Of all else.
        ):
            with pytest.raises(StoreError, match="tracking store") as caught, refusing(uri):
                asks(requests.get(uri, timeout=10))
            assert type(caught.value) is kind


def test_a_file_that_may_not_be_read_or_written_is_no_outage(tmp_path: Path) -> None:
    for opens in (lambda: (tmp_path / "none").read_text(), tmp_path.read_text):
        with pytest.raises(RefusedError), refusing("sqlite:///a.db"):
            opens()
    with pytest.raises(RefusedError), refusing("sqlite:///a.db"):
        raise PermissionError(13, "not yours")
    with pytest.raises(StoreError) as caught, refusing("sqlite:///a.db"):
        raise ConnectionResetError("gone")
    assert not isinstance(caught.value, RefusedError)


Chokes = Callable[..., None]


@pytest.fixture
def chokes(store: TrackingStore, monkeypatch: pytest.MonkeyPatch) -> Chokes:
    """Let MLflow fail, as a server does, at each file of runs of such numbers."""
    whole, client = type(store.client).log_artifact, type(store.client)

    def choke(*numbers: int) -> None:
        def log_artifact(self: Any, run: str, path: str, *more: Any) -> None:
            if any(f"/{number:03d}-" in path for number in numbers):
                raise MlflowException("Internal Server Error")
            whole(self, run, path, *more)

        monkeypatch.setattr(client, "log_artifact", log_artifact)

    return choke


def test_a_run_that_the_store_chokes_on_ends_no_carrying_over(
    store: TrackingStore, chokes: Chokes, caplog: pytest.LogCaptureFixture
) -> None:
    runs = read_runs(with_runs(store, 4))
    parent = open_study_run(store, config_of(store), MANIFEST)
    chokes(1)
    with caplog.at_level(logging.WARNING):
        assert [run.name for run in carry_over(store, "small", parent, runs)] == ["r-1"]
    assert caplog.text.count("MLflow did not take 001-r-1: ") == 1
    assert names(store) == {"baseline", "r-1", "r-2", "r-3"}
    for number in (4, 5):
        write_finished(runs[0].folder.parent, make_job(name=f"r-{number}", number=number))
    runs = read_runs(runs[0].folder.parent)
    chokes(4, 5)
    with pytest.raises(StoreError):  # Two in a row: it is the store.
        carry_over(store, "small", parent, runs)
    chokes()
    assert carry_over(store, "small", parent, runs) == []


def test_a_failed_run_that_comes_late_is_told_as_which_it_was_tried_again(
    store: TrackingStore,
) -> None:
    folder = with_runs(store, 1)
    job = make_job(name="slow", number=1)
    failed = write_finished(folder, job, end="failed")
    append_event(failed, Again(run=job.id, reason="a better cable"))
    write_finished(folder, make_job(name="slow", number=2))
    parent = open_study_run(store, config_of(store), MANIFEST)
    assert carry_over(store, "small", parent, read_runs(folder)) == []
    tags = job_runs(store, "small")[job.id].data.tags
    assert tags["tried_again"] == "tried again as 002" and "Tried again as 002" in tags[NOTE]


def test_runs_behind_one_of_before_that_the_store_chokes_on_are_carried(
    store: TrackingStore,
    chokes: Chokes,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spineseg.carrier._FIRST_PAUSE_SECONDS", 0.05)
    with_runs(store, 4)
    chokes(0, 2)
    target, said = study(store), list[str]()
    carrier = Carrier(target, "MLflow", said.append)
    with caplog.at_level(logging.WARNING):
        carrier.start()
        assert sorted(carrier.close(30.0)) == ["baseline", "r-2"]
    assert {path.name for path in target.whole} == {"001-r-1", "003-r-3"}
    assert [caplog.text.count(f"not take {name}: ") for name in ("000-baseline", "002-r-2")] == [
        1,
        1,
    ]
    assert sum("does not take" in words for words in said) <= 1
    chokes()
    again = study(store)
    assert carrier_of(again).close(30.0) == [] and len(again.whole) == 4


def carrier_of(target: CarriedStudy) -> Carrier:
    carrier = Carrier(target, "MLflow", print)
    carrier.start()
    return carrier


def test_a_chore_that_the_store_chokes_on_holds_no_run_up(
    store: TrackingStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spineseg.carrier._FIRST_PAUSE_SECONDS", 0.05)
    with_runs(store, 3)

    def fails(*_: object) -> None:
        raise StoreError("Internal Server Error")

    monkeypatch.setattr("spineseg.tracking.carried_study.put_views", fails)
    target = study(store)
    with caplog.at_level(logging.WARNING):
        assert carrier_of(target).close(30.0) == [] and len(target.whole) == 3
    assert caplog.text.count("Internal Server Error") == 1


def test_what_another_store_had_whole_is_not_said_of_the_one_at_hand(store: TrackingStore) -> None:
    with_runs(store, 2)
    target = study(store)
    target.open()
    while target.idle():
        pass
    assert len(target.whole) == 2
    target.open()
    assert target.whole == set() and len(target.left) == 2
