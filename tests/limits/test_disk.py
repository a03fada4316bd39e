"""Room on the disk is looked at before a training begins: how much, where, and what to do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from run_folders import make_job, write_finished

from spineseg.errors import FullDiskError
from spineseg.events import Started, append_event
from spineseg.job import Job
from spineseg.limits.disk import RESERVE_BYTES, free_bytes, needed_bytes, refuse_full
from spineseg.places import StudyPlaces
from spineseg.runs import Run, read_run

MB = 2**20


def begun(study: Path, job: Job, parameters: int) -> Run:
    """Write a run that has begun; return it."""
    folder = study / job.folder_name
    job.write(folder)
    told = {"pid": 1, "device": "CPU", "resolved": {}, "environment": {}}
    append_event(folder, Started(run=job.id, parameters=parameters, **told))  # type: ignore[arg-type]
    return read_run(folder)


def places(tmp_path: Path) -> StudyPlaces:
    found = StudyPlaces(tmp_path, "small")
    found.folder.mkdir(parents=True)
    return found


def test_a_larger_network_needs_more_and_the_record_says_it_exactly(tmp_path: Path) -> None:
    small, large = make_job(), make_job(config=make_job().config.with_(model="yolo11x-seg"))
    assert 100 * MB < needed_bytes(small, []) < 400 * MB
    assert 2000 * MB < needed_bytes(large, []) < 6000 * MB
    run = begun(places(tmp_path).folder, small, 5_000_000)
    assert needed_bytes(small, [run]) > needed_bytes(small, [])
    assert needed_bytes(large, [run]) == needed_bytes(large, [])


def test_the_largest_folder_of_its_size_on_record_counts(tmp_path: Path) -> None:
    folder = write_finished(places(tmp_path).folder, make_job())
    before = needed_bytes(make_job(), [read_run(folder)])
    (folder / "train" / "train_batch0.jpg").write_bytes(bytes(3 * MB))
    with_pictures = needed_bytes(make_job(), [read_run(folder)])
    assert 5.9 * MB < with_pictures - before < 6.1 * MB  # Here, and in MLflow.
    assert needed_bytes(make_job(), [read_run(folder)], copied=False) < with_pictures - 3 * MB
    with (folder / "train" / "weights" / "odd.pt").open("wb") as file:
        file.truncate(900 * MB)
    assert needed_bytes(make_job(), [read_run(folder)]) > 900 * MB


def test_where_there_is_room_nothing_is_said(tmp_path: Path) -> None:
    here = places(tmp_path)
    if free_bytes(here.folder) < RESERVE_BYTES + 400 * MB:
        pytest.skip("this disk is all but full")
    refuse_full(make_job(), [], here)


def test_a_training_that_may_not_find_room_is_not_begun(tmp_path: Path) -> None:
    here, job = places(tmp_path), make_job()
    run = begun(here.folder, job, parameters=10**13)
    with pytest.raises(FullDiskError) as caught:
        refuse_full(make_job(number=1, name="large"), [run], here)
    said = str(caught.value)
    assert "\n" not in said and said.startswith(f"{here.folder}: ")
    assert "are free, and training large may need" in said and "512 MiB in reserve" in said
    assert "make room there" in said and "`spineseg run small` goes on" in said


def test_what_others_are_still_to_write_is_no_room(tmp_path: Path) -> None:
    here, job = places(tmp_path), make_job()
    whole = needed_bytes(make_job(), [begun(tmp_path, job, parameters=10**9)])
    most = round(10**9 * 0.7 * (free_bytes(here.folder) - RESERVE_BYTES) / whole)
    run = begun(here.folder, job, parameters=most)
    other = make_job(number=1, name="other")
    refuse_full(other, [run], here)
    with pytest.raises(FullDiskError):
        refuse_full(other, [run], here, under_way=[job])
    with (run.folder / "written.pt").open("wb") as file:
        file.truncate(2 * free_bytes(here.folder))  # It has written all that it may.
    refuse_full(other, [run], here, under_way=[job])


def test_a_disk_of_their_own_for_mlflows_artifacts_is_looked_at_too(tmp_path: Path) -> None:
    here = places(tmp_path)
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(artifacts)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        with pytest.raises(FullDiskError, match=r"artifacts: 8 MiB are free, and MLflow's copy of"):
            refuse_full(make_job(), [], here)
        refuse_full(make_job(), [], here, copied=False)  # A server has them.
    finally:
        subprocess.run(["umount", str(artifacts)], check=True)


def test_free_is_what_this_user_may_write(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    assert abs(free_bytes(tmp_path / "not" / "there") - found.f_bavail * found.f_frsize) < 2**30
