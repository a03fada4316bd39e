"""MLflow's server hangs, dawdles, refuses or is away: trainings never wait for it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_checks import problems
from fault_study import DONE, STOPPED, FaultStudy, Writes, begun, until
from mlflow_server import Server, free_port
from sick_servers import LateServer, hung_server, late_server

from spineseg.events import Started
from spineseg.runs import read_runs

pytestmark = pytest.mark.wide


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real server, not started yet."""
    real = Server(tmp_path)
    yield real
    real.kill()


def wrong(study: FaultStudy, server: Server) -> list[str]:
    return problems(study, server.folder / "server.db", server.folder / "served")


def asked(study: FaultStudy) -> list[tuple[str, str, dict[str, object]]]:
    return [(r.name, r.outcome, r.job.parameters) for r in read_runs(study.places.folder)]


def idle_share(study: FaultStudy) -> float:
    """Return the share of time that no training was at work, from the first one to the last."""
    runs = read_runs(study.places.folder)
    spans = [
        (min(e.time for e in run.log if isinstance(e, Started)), run.end.time)
        for run in runs
        if run.end
    ]
    whole = max(end for _, end in spans) - min(begin for begin, _ in spans)
    return 1 - sum(end - begin for begin, end in spans) / whole


def test_trainings_go_on_beside_a_hung_server_and_the_next_command_brings_them(
    written: Writes, server: Server
) -> None:
    alone = written("alone", epoch_seconds=0.3, trials=3, seed=3)
    assert begun(alone).wait(300) == DONE, alone.said
    with hung_server() as uri:
        study = written(mlflow_uri=uri, epoch_seconds=0.3, trials=3, seed=3)
        assert begun(study).wait(300) == DONE, study.said
    assert "MLflow does not take" in study.said and "with the next command" in study.said
    assert asked(study) == asked(alone)
    assert idle_share(study) < idle_share(alone) + 0.25
    server.port, server.uri = int(uri.rpartition(":")[2]), uri
    server.start()
    assert begun(study).wait(300) == DONE, study.said
    assert wrong(study, server) == []


def test_ctrl_c_is_obeyed_beside_a_hung_server(written: Writes) -> None:
    with hung_server() as uri:
        study = written(mlflow_uri=uri, epoch_seconds=1.0, trials=2, seed=4)
        driver = begun(study)
        until(study.children, 120, driver)
        driver.signal(signal.SIGINT)
        assert driver.wait(60) == STOPPED, study.said  # A request alone would hang for minutes.
    until(lambda: not study.processes(), 20)


def test_a_slow_server_slows_no_training_and_has_all_at_the_end(
    written: Writes, server: Server
) -> None:
    server.start()
    late = LateServer(server.port)
    late.delay_seconds = 0.5
    alone = written("alone", epoch_seconds=0.3, trials=3, seed=5)
    assert begun(alone).wait(300) == DONE, alone.said
    with late_server(late) as uri:
        study = written(mlflow_uri=uri, epoch_seconds=0.3, trials=3, seed=5)
        assert begun(study).wait(600) == DONE, study.said
    assert len(late.asked) > 20
    assert idle_share(study) < idle_share(alone) + 0.25
    assert wrong(study, server) == []


def test_a_server_that_is_away_the_whole_time_is_brought_all_of_it_by_the_next_command(
    written: Writes, server: Server
) -> None:
    study = written(mlflow_uri=server.uri, trials=2, seed=6)
    assert begun(study).wait(300) == DONE, study.said
    assert "MLflow" in study.said
    server.start()
    assert begun(study).wait(300) == DONE, study.said
    assert wrong(study, server) == []


def test_a_server_that_comes_back_while_the_study_runs_has_all_at_its_end(
    written: Writes, server: Server
) -> None:
    study = written(mlflow_uri=server.uri, epoch_seconds=1.0, epochs=6, trials=2, seed=7)
    driver = begun(study)
    until(lambda: any(study.places.folder.glob("*/train/weights/best.pt")), 200, driver)
    server.start()
    assert driver.wait(600) == DONE, study.said
    assert wrong(study, server) == []


def test_a_study_beside_a_server_that_refuses_comes_out_as_one_without(written: Writes) -> None:
    study = written(mlflow_uri=f"http://127.0.0.1:{free_port()}", trials=2, seed=8)
    alone = written("alone", trials=2, seed=8)
    for each in (study, alone):
        assert begun(each).wait(300) == DONE, each.said
    assert asked(study) == asked(alone)
