"""A run whose folder shrank fills an empty MLflow, without what went, and counts as whole there."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_folders import make_job, write_finished
from told_runs import study

from spineseg.data.manifest import Manifest, ManifestSource
from spineseg.errors import RecordError
from spineseg.limits.shrink import shrink
from spineseg.runs import Run, read_run
from spineseg.tracking.carry import not_carried
from spineseg.tracking.projection import RunProjection
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import job_runs, open_study_run

MANIFEST = Manifest(
    fingerprint="f" * 64,
    synthetic=True,
    sources=(ManifestSource(name="a", kind="local"),),
    entries=(),
)
NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrackingStore:
    return open_store(tmp_path_factory.mktemp("mlruns"), None)


def written(folder: Path, number: int, name: str) -> Run:
    return read_run(write_finished(folder / "small", make_job(number=number, name=name)))


def carry(store: TrackingStore, run: Run) -> None:
    def parent() -> str:
        return open_study_run(store, study(), MANIFEST)

    RunProjection(store, parent, run.folder, run.job).carry()


def artifacts(store: TrackingStore, run: Run) -> set[str]:
    found = job_runs(store, "small")[run.job.id].info.run_id
    folders = (None, "weights", "pictures")
    return {file.path for each in folders for file in store.client.list_artifacts(found, each)}


def test_a_run_that_shrank_after_it_was_carried_stays_whole(
    store: TrackingStore, tmp_path: Path
) -> None:
    run = written(tmp_path, 0, "baseline")
    carry(store, run)
    assert shrink(run, NOW) > 0
    assert not_carried(store, "small", [run]) == []
    assert {"weights/last.pt", "pictures/BoxPR_curve.png"} <= artifacts(store, run)


def test_a_shrunk_run_fills_an_empty_store_and_is_whole_there(
    store: TrackingStore, tmp_path: Path
) -> None:
    run = written(tmp_path, 1, "no-flips")
    assert shrink(run, NOW) > 0
    carry(store, run)
    assert not_carried(store, "small", [run]) == []
    there = artifacts(store, run)
    assert {"weights/best.pt", "shrunk.json", "job.json", "results.csv"} <= there
    assert "weights/last.pt" not in there and "pictures" not in there


def test_weights_that_are_gone_for_no_reason_are_still_missed(
    store: TrackingStore, tmp_path: Path
) -> None:
    run = written(tmp_path, 2, "other")
    (run.folder / "train" / "weights" / "last.pt").unlink()
    with pytest.raises(RecordError, match=r"last\.pt is gone"):
        carry(store, run)
    assert not_carried(store, "small", [run]) == [run]
