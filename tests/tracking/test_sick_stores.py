"""MLflow away, hanging, late or replaced while a study trains: nobody waits, nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow.entities import Run, ViewType
from mlflow_server import Server
from run_folders import epoch, finished, make_job, write_finished
from sick_servers import LateServer, hung_server, late_server

from spineseg.carrier import Carrier
from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.errors import StoreError
from spineseg.events import append_event
from spineseg.job import Job
from spineseg.places import StudyPlaces
from spineseg.runs import read_runs
from spineseg.tracking.carried_study import CarriedStudy
from spineseg.tracking.carry import carry_over, not_carried
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import job_runs

MANIFEST = Manifest(fingerprint="d" * 64, synthetic=True, sources=(), entries=())


class Following:
    """A study at work beside a store, its carrier and what was said."""

    def __init__(self, root: Path, uri: str) -> None:
        source = {"sources": [{"kind": "local", "path": "films"}]}
        store = {"root": root, "mlflow_uri": uri}
        told = {"name": "small", "data": source, "baseline": {}, "store": store}
        self.places = StudyPlaces(root, "small")
        self.places.data_record.mkdir(parents=True, exist_ok=True)
        (self.places.data_record / "manifest.json").write_text("{}")
        runs = read_runs(self.places.folder)
        self.target = CarriedStudy(StudyConfig.model_validate(told), self.places, MANIFEST, runs)
        self.said: list[str] = []
        self.carrier = Carrier(self.target, "MLflow", self.said.append, pace_seconds=0.1)
        self.carrier.start()

    def trains(self, job: Job, epochs: int = 3) -> None:
        """Let a training happen, each event told as it comes."""
        folder = write_finished(self.places.folder, job, epochs=0, end=None)
        for number in range(1, epochs + 1):
            append_event(folder, epoch(job, number))
            self.carrier.news(folder, job)
        append_event(folder, finished(job, epochs))
        self.carrier.news(folder, job, ended=True)

    def missed(self, uri: str) -> list[str]:
        """Return what a store misses of the runs on record."""
        runs = read_runs(self.places.folder)
        return [run.name for run in not_carried(open_store(self.places.root, uri), "small", runs)]


@pytest.fixture(autouse=True)
def _few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An MLflow server that is not up yet."""
    server = Server(tmp_path)
    yield server
    server.kill()


def until(what: Callable[[], object]) -> None:
    for _ in range(600):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


def histories(store: TrackingStore, key: str = "valid/mask_map50") -> dict[str, int]:
    runs = job_runs(store, "small").values()
    found = {r.info.run_name: store.client.get_metric_history(r.info.run_id, key) for r in runs}
    return {str(name): len(rows) for name, rows in found.items()}


def every_run(store: TrackingStore, view: str) -> list[Run]:
    found = store.client.get_experiment_by_name("small")
    return list(store.client.search_runs([found.experiment_id], run_view_type=view))


def histories_now(store: TrackingStore) -> dict[str, int]:
    return histories(store) if store.client.get_experiment_by_name("small") else {}


def test_a_server_that_hangs_is_told_in_a_line_and_named_are_the_runs_it_missed(
    tmp_path: Path,
) -> None:
    with hung_server() as uri:
        following = Following(tmp_path, uri.replace("//", "//ada:hush@"))
        for number in range(3):
            following.trains(make_job(name=f"run-{number}", number=number))
        assert following.said == []  # All were told before it could have answered.
        assert isinstance(following.carrier.first_answer(60.0), StoreError)
        assert following.carrier.close(0.5) == ["run-0", "run-1", "run-2"]
    (words,) = following.said
    assert "does not answer within 2 s" in words and "the trainings go on" in words
    assert "hush" not in words and "\n" not in words


def test_a_port_that_refuses_is_told_in_a_line(tmp_path: Path, server: Server) -> None:
    following = Following(tmp_path / "mlruns", server.uri)
    following.trains(make_job())
    assert isinstance(following.carrier.first_answer(60.0), StoreError)
    assert following.carrier.close(0.5) == ["baseline"]
    assert len(following.said) == 1 and "refuses connections" in following.said[0]


@pytest.mark.wide
def test_a_server_that_is_away_at_the_start_is_filled_when_it_comes(
    tmp_path: Path, server: Server
) -> None:
    root = tmp_path / "mlruns"
    write_finished(StudyPlaces(root, "small").folder, make_job())
    following = Following(root, server.uri)
    following.trains(make_job(name="no-flips", number=1))
    until(lambda: following.said)
    server.start()
    following.trains(make_job(name="large", number=2))
    assert following.carrier.close(60.0) == []
    assert following.missed(server.uri) == []
    assert len(following.said) == 2 and "takes the study's record again" in following.said[1]


@pytest.mark.wide
def test_a_server_killed_and_replaced_by_an_empty_one_is_filled_anew(
    tmp_path: Path, server: Server
) -> None:
    server.start()
    following = Following(tmp_path / "mlruns", server.uri)
    following.trains(make_job())
    job = make_job(name="no-flips", number=1)
    folder = write_finished(following.places.folder, job, end=None)
    following.carrier.news(folder, job)
    store = open_store(tmp_path / "mlruns", server.uri)
    until(lambda: histories_now(store).get("no-flips") == 3)
    server.kill()
    append_event(folder, epoch(job, 4))
    following.carrier.news(folder, job)
    until(lambda: following.said)
    for file in tmp_path.glob("server.db*"):
        file.unlink()
    server.start()
    append_event(folder, finished(job, 4))
    following.carrier.news(folder, job, ended=True)
    assert following.carrier.close(60.0) == []
    assert following.missed(server.uri) == []
    assert histories(store) == {"baseline": 3, "no-flips": 4}


@pytest.mark.wide
def test_at_half_a_second_an_answer_epochs_gather_and_nobody_waits(
    tmp_path: Path, server: Server
) -> None:
    server.start()
    late = LateServer(server.port)
    with late_server(late) as uri:
        late.delay_seconds = 0.5
        following = Following(tmp_path / "mlruns", uri)
        jobs = [make_job(name=f"run-{number}", number=number) for number in range(2)]
        for job in jobs:
            following.trains(job, epochs=120)
        asked = sum("log-batch" in path for path in late.asked)
        assert asked < 20  # The trainings are over, and the store has hardly begun.
        assert following.carrier.close(10.0, most_seconds=300.0) == []
        assert sum("log-batch" in path for path in late.asked) < 40
    assert following.said == [] and following.missed(server.uri) == []
    store = open_store(tmp_path / "mlruns", server.uri)
    assert histories(store) == {"run-0": 120, "run-1": 120}


@pytest.mark.wide
def test_runs_that_a_slow_server_makes_twice_are_one_in_the_end(
    tmp_path: Path, server: Server
) -> None:
    server.start()
    late = LateServer(server.port)
    root = tmp_path / "mlruns"
    with late_server(late) as uri:
        store = open_store(root, server.uri)
        # The client gives up after 2 s and asks anew, and then the server makes the first: of the
        # study, and of the job.
        late.held = {"runs/create": [8.0, 0.0, 8.0]}
        following = Following(root, uri)
        following.trains(make_job())
        until(lambda: histories_now(store).get("baseline") == 3)
        until(lambda: len(every_run(store, ViewType.ALL)) == 4)  # All that were asked for.
        following.carrier.note(lambda: following.target.note("So far."))
        assert following.carrier.close(20.0, most_seconds=200.0) == []
    again = Following(root, server.uri)  # As the next command.
    assert again.carrier.close(20.0, most_seconds=200.0) == []
    runs = every_run(store, ViewType.ACTIVE_ONLY)
    kinds = sorted("study" if "study_key" in run.data.tags else "job" for run in runs)
    assert kinds == ["job", "study"]
    assert histories(store) == {"baseline": 3}
    (job,) = job_runs(store, "small").values()
    (study,) = (run for run in runs if "study_key" in run.data.tags)
    assert job.info.status == "FINISHED" and study.data.tags["data"] == "d" * 12
    assert job.data.tags["mlflow.parentRunId"] == study.info.run_id


@pytest.mark.wide
def test_a_run_that_appears_after_all_was_sent_is_gone_at_the_runs_end(
    tmp_path: Path, server: Server
) -> None:
    server.start()
    following = Following(tmp_path / "mlruns", server.uri)
    job = make_job()
    folder = write_finished(following.places.folder, job, end=None)
    following.carrier.news(folder, job)
    store = open_store(tmp_path / "mlruns", server.uri)
    until(lambda: histories_now(store).get("baseline") == 3)
    (run,) = job_runs(store, "small").values()
    tags = {"job_id": job.id}
    store.client.create_run(run.info.experiment_id, start_time=run.info.start_time, tags=tags)
    append_event(folder, finished(job, 3))
    following.carrier.news(folder, job, ended=True)
    assert following.carrier.close(60.0) == []
    left = store.client.search_runs([run.info.experiment_id], "tags.job_id LIKE '%'")
    assert [(r.info.run_id, r.info.status) for r in left] == [(run.info.run_id, "FINISHED")]


@pytest.mark.wide
def test_a_command_gives_up_on_a_server_that_stops_answering_in_the_middle(
    tmp_path: Path, server: Server
) -> None:
    server.start()
    late = LateServer(server.port)
    with late_server(late) as uri:
        following = Following(tmp_path / "mlruns", uri)
        assert following.carrier.close(30.0) == []
        for number in range(5):
            write_finished(following.places.folder, make_job(name=f"r-{number}", number=number))
        store = open_store(tmp_path / "mlruns", uri)
        late.later = {"log-batch": [10.0] * 50}
        runs = read_runs(following.places.folder)
        with pytest.raises(StoreError, match="does not answer within 2 s"):
            carry_over(store, "small", following.target._parent, runs)
        assert sum("log-batch" in path for path in late.asked) <= 3  # Not once for each run.
