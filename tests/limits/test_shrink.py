"""`store.keep: best`: what a run's folder is relieved of, which runs are, and what MLflow says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from run_folders import epoch, finished, make_job, write_finished
from told_runs import study

from spineseg.config.study import StudyConfig
from spineseg.errors import RecordError
from spineseg.events import Started, append_event
from spineseg.files import locked
from spineseg.limits.shrink import freed_bytes, shrink, shrinkable
from spineseg.limits.shrunk import SHRUNK_FILE, shrunk
from spineseg.places import LOCK_FILE, StudyPlaces
from spineseg.runs import Run, read_run, read_runs

NOW = 1_800_000_000.0


def scored(folder: Path, number: int, name: str, score: float, **changes: object) -> Run:
    """Write a completed run of a score; return it."""
    job = make_job(number=number, name=name, **changes)
    job.write(folder / job.folder_name)
    weights = folder / job.folder_name / "train" / "weights"
    weights.mkdir(parents=True)
    for file in ("best.pt", "last.pt"):
        (weights / file).write_bytes(b"weights")
    (weights.parent / "BoxPR_curve.png").write_bytes(b"png")
    (weights.parent / "results.csv").write_text("epoch\n")
    started = {"pid": 1, "device": "CPU", "parameters": 5, "resolved": {}, "environment": {}}
    end = finished(job, 1)
    end = end.model_copy(update={"metrics": end.metrics | {"best/mask_map50_95": score}})
    for event in (Started(run=job.id, **started), epoch(job, 1), end):  # type: ignore[arg-type]
        append_event(folder / job.folder_name, event)
    return read_run(folder / job.folder_name)


def keeping(tmp_path: Path, keep: str = "best", **changes: object) -> StudyConfig:
    return study(store={"root": tmp_path, "keep": keep}, **changes)


def named(config: StudyConfig) -> list[str]:
    """Return the names of the runs that may shrink as things stand."""
    here = StudyPlaces(config.store.root, config.name)
    return [run.name for run in shrinkable(config, read_runs(here.folder), here)]


def searched(tmp_path: Path, scores: list[float]) -> StudyConfig:
    """Write a baseline and searched runs of these scores."""
    config = keeping(tmp_path)
    folder = StudyPlaces(tmp_path, "small").folder
    scored(folder, 0, "baseline", 0.3)
    for number, score in enumerate(scores, start=1):
        scored(folder, number, f"search-{number:03d}", score, kind="search")
    return config


def test_by_default_no_folder_shrinks(tmp_path: Path) -> None:
    searched(tmp_path, [0.5, 0.1])
    assert named(keeping(tmp_path)) == ["search-002"]
    assert named(keeping(tmp_path, "all")) == []


def test_neither_baseline_nor_finalists_shrink_and_who_is_overtaken_does(tmp_path: Path) -> None:
    config = searched(tmp_path, [0.5, 0.1])  # confirm.top is 1.
    folder = StudyPlaces(tmp_path, "small").folder
    scored(folder, 3, "no-flips", 0.6)
    assert named(config) == ["search-001", "search-002"]
    assert named(keeping(tmp_path, confirm={"top": 2, "seeds": 2})) == ["search-002"]
    assert named(keeping(tmp_path, confirm=None)) == ["search-001", "search-002"]


def test_what_was_confirmed_or_promoted_keeps_all_and_so_does_a_fresh_seed(tmp_path: Path) -> None:
    config = searched(tmp_path, [0.1, 0.2, 0.25, 0.5])
    here = StudyPlaces(tmp_path, "small")
    scored(here.folder, 9, "search-001-seed-1", 0.1, kind="confirm", arm="search-001")
    lines = [
        {"study": "small", "run": "search-002"},
        {"study": "another", "run": "search-003"},
    ]
    here.promotions.write_text("".join(json.dumps(line) + "\n" for line in lines) + "torn {")
    assert named(config) == ["search-003"]
    here.verdict.write_text(json.dumps({"run": "search-003", "promoted": True}, indent=1))
    assert named(config) == []


def test_one_that_trains_and_one_that_failed(tmp_path: Path) -> None:
    config = keeping(tmp_path)
    folder = StudyPlaces(tmp_path, "small").folder
    write_finished(folder, make_job())
    write_finished(folder, make_job(number=1, name="no-flips"), end=None)
    write_finished(folder, make_job(number=2, name="other"), end="failed")
    assert named(config) == ["other"]


def test_what_went_is_written_down_and_the_record_stays(tmp_path: Path) -> None:
    config = searched(tmp_path, [0.5, 0.1])
    here = StudyPlaces(tmp_path, "small")
    run = shrinkable(config, read_runs(here.folder), here)[0]
    (run.folder / "train" / "weights" / "resume.pt").write_bytes(b"state")
    before = {str(p.relative_to(run.folder)) for p in run.folder.rglob("*") if p.is_file()}
    assert shrink(run, NOW) == len(b"weights") + len(b"png") + len(b"state")
    after = {str(p.relative_to(run.folder)) for p in run.folder.rglob("*") if p.is_file()}
    gone = {"train/weights/last.pt", "train/weights/resume.pt", "train/BoxPR_curve.png"}
    assert before - after == gone and after - before == {SHRUNK_FILE}
    told = shrunk(run.folder)
    assert told is not None and set(told.removed) == gone and told.time == NOW
    assert read_run(run.folder).best_weights.is_file() and freed_bytes([run]) == 15
    assert shrink(run, NOW + 1) == 0 and named(config) == []


def test_a_crash_between_the_list_and_the_files_is_gone_on_with(tmp_path: Path) -> None:
    config = searched(tmp_path, [0.5, 0.1])
    here = StudyPlaces(tmp_path, "small")
    run = shrinkable(config, read_runs(here.folder), here)[0]
    last = run.folder / "train" / "weights" / "last.pt"
    shrink(run, NOW)
    last.write_bytes(b"weights")  # As if the power had gone before it did.
    assert named(config) == ["search-002"]
    shrink(run, NOW + 5)
    told = shrunk(run.folder)
    assert not last.exists() and told is not None and len(told.removed) == 2


def test_a_folder_that_its_child_still_holds_is_left_alone(tmp_path: Path) -> None:
    searched(tmp_path, [0.5, 0.1])
    run = read_runs(StudyPlaces(tmp_path, "small").folder)[2]
    with locked(run.folder / LOCK_FILE):
        assert shrink(run, NOW) == 0
    assert shrink(run, NOW) > 0


def test_a_damaged_list_is_one_line(tmp_path: Path) -> None:
    searched(tmp_path, [0.5, 0.1])
    run = read_runs(StudyPlaces(tmp_path, "small").folder)[2]
    (run.folder / SHRUNK_FILE).write_text("{")
    with pytest.raises(RecordError, match=r"shrunk\.json: cannot be read, so it is not known what"):
        shrink(run, NOW)
    assert (run.folder / "train" / "weights" / "last.pt").exists()
