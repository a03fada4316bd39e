"""A real training whose node is lost: on another one it ends as if it had never moved."""

from __future__ import annotations

from pathlib import Path

import pytest
from ray_here import Connect, Machines, epochs, slot_on, to_the_end, until
from stopped_training import CONFIG, differences, train, write_job

from spineseg.config.data import DataConfig
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.job import Job
from spineseg.runs import read_run
from spineseg.training.launcher import TRAINER, Launcher
from spineseg.training.orders import Orders
from spineseg.training.weights import bundled_weights

pytestmark = pytest.mark.wide


@pytest.fixture
def phantoms(tmp_path: Path) -> Dataset:
    phantom = {"kind": "phantom", "seed": 1, "frontal_films": 12, "lateral_films": 8}
    source = phantom | {"film_size_px": 64, "difficulty": 0.1}
    config = DataConfig.model_validate({"sources": [source]})
    return prepare_dataset(config, tmp_path / "data", say=lambda text: None)


def test_a_lost_node_changes_no_figure_and_no_weight(
    cluster: Machines, study: Path, phantoms: Dataset, connect: Connect, tmp_path: Path
) -> None:
    here, moved = tmp_path / "000-baseline", study / "000-baseline"
    for run in (here, moved):
        write_job(run, phantoms, CONFIG, bundled_weights())
    cluster.only("a", "b")
    executor = connect(TRAINER, checkpoint_epochs=1)
    attempt = executor.start(moved, Orders(), slot_on(executor, "a"))
    resume = moved / "train" / "weights" / "resume.pt"
    until(attempt, lambda: len(epochs(moved)) >= 3 and resume.exists(), 300)
    cluster.kill("a")
    to_the_end(attempt, seconds=300)
    assert attempt.lost and resume.with_name("best.pt").exists()
    to_the_end(executor.start(moved, Orders(attempt=2), slot_on(executor, "b")), seconds=300)
    run = read_run(moved)
    assert run.finished is not None and run.finished.epochs == 6
    assert epochs(moved) != [1], "it did not begin anew"
    assert run.started is not None and run.started.resumed_from_epoch > 0
    assert Job.read(moved).dataset == phantoms.folder.resolve(), "its places are this machine's"
    assert (moved / "train" / "weights" / "best.pt").exists() and not resume.exists()
    train(Launcher(tmp_path / "cache"), here)
    assert differences(here, moved) == {}
    assert {p.name for p in (moved / "films").iterdir()} == {
        p.name for p in (here / "films").iterdir()
    }
