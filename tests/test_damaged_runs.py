"""Run folders that are damaged in finer ways: told in one line, and nothing in them is changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from run_folders import epoch, finished, make_job, write_finished

from spineseg.errors import RecordError
from spineseg.events import Failed, append_event
from spineseg.job import Job
from spineseg.runs import read_runs


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The folder of a study with two finished runs."""
    folder = tmp_path / "small"
    for number, name in enumerate(("baseline", "no-flips")):
        write_finished(folder, make_job(number=number, name=name))
    return folder


def refused(study: Path, words: str) -> None:
    before = {p: p.read_bytes() for p in study.rglob("*") if p.is_file()}
    with pytest.raises(RecordError, match=words) as caught:
        read_runs(study)
    assert "\n" not in str(caught.value)
    assert {p: p.read_bytes() for p in study.rglob("*") if p.is_file()} == before


def rewrite(study: Path, **changes: Any) -> None:
    path = study / "001-no-flips" / "job.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"changes": {"fliplr": 0.25}}, r"changes\.fliplr is 0\.25, and config has 0\.0"),
        ({"parameters": {"lr0": 0.01}}, r"parameters\.lr0 is 0\.01, which lies on no axis"),
        (
            {"parameters": {"lr0": 0.5}, "space": {"lr0": {"low": 0.001, "high": 0.01}}},
            r"parameters\.lr0 is 0\.5, which lies on no axis",
        ),
        ({"objective": "beauty"}, "objective 'beauty' is none of mask_map50_95"),
        ({"created": 1e300}, "created"),
        ({"created": float("nan")}, "created"),
        ({"number": -1}, "number"),
        ({"kind": "timing"}, "is no run of the study"),
        ({"more": 1}, "more"),
    ],
)
def test_a_job_that_contradicts_itself_is_refused(
    study: Path, changes: dict[str, Any], words: str
) -> None:
    rewrite(study, **changes)
    refused(study, words)


def test_two_runs_of_one_name_are_refused(study: Path) -> None:
    write_finished(study, make_job(number=2, name="no-flips"))
    refused(study, "has the name of 001-no-flips")


def test_one_run_under_two_numbers_is_refused(study: Path) -> None:
    shutil.copytree(study / "001-no-flips", study / "002-again")
    job = Job.read(study / "001-no-flips").model_copy(update={"number": 2, "name": "again"})
    (study / "002-again" / "job.json").write_text(job.model_dump_json())
    refused(study, "has the id of 001-no-flips")


@pytest.mark.parametrize("name", ["no-flips", "1-no-flips", "copy of 001-no-flips"])
def test_a_run_folder_that_was_renamed_is_refused_and_not_passed_over(
    study: Path, name: str
) -> None:
    (study / "001-no-flips").rename(study / name)
    refused(study, "holds the run 001-no-flips of study 'small'; give the folder that name again")


def test_a_file_in_a_run_folders_place_is_refused(study: Path) -> None:
    (study / "002-slow").write_text("")
    refused(study, "002-slow")


def test_a_link_that_leads_nowhere_in_a_run_folders_place_is_refused(study: Path) -> None:
    (study / "002-slow").symlink_to(study / "nowhere")
    refused(study, r"002-slow: has no job\.json")


def test_a_log_that_is_gone_is_refused_where_there_are_weights(study: Path) -> None:
    (study / "001-no-flips" / "events.jsonl").unlink()
    refused(study, "says nothing, and there are weights; put the run's own log back")


@pytest.mark.parametrize("line", [1, 2, -1])
def test_a_spoilt_line_is_refused_wherever_it_stands(study: Path, line: int) -> None:
    log = study / "001-no-flips" / "events.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    lines[line] = "x" + lines[line][1:]
    log.write_text("".join(lines))
    refused(study, "holds a line that is no event of this version")


def test_a_deep_line_is_refused_like_any_other(study: Path) -> None:
    with (study / "001-no-flips" / "events.jsonl").open("a") as log:
        log.write("[" * 100_000 + "]" * 100_000 + "\n")
    refused(study, "holds a line that is no event")


def test_a_second_end_is_refused(study: Path) -> None:
    run = read_runs(study)[1]
    append_event(run.folder, Failed(run=run.job.id, kind="bug", message="after all"))
    refused(study, "says twice that the run has ended")


def test_an_epoch_without_the_objective_is_refused(study: Path) -> None:
    run = read_runs(study)[1]
    append_event(run.folder, epoch(run.job, 4).model_copy(update={"metrics": {}}))
    refused(study, "has an epoch without mask_map50_95")


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_an_end_without_a_score_is_refused(tmp_path: Path, value: float | None) -> None:
    job = make_job()
    folder = write_finished(tmp_path / "small", job, end=None)
    end = finished(job, 3)
    metrics = {} if value is None else {"best/mask_map50_95": value}
    append_event(folder, end.model_copy(update={"metrics": metrics}))
    refused(tmp_path / "small", "says that the run finished, without mask_map50_95")


def test_an_end_without_an_epoch_is_refused(tmp_path: Path) -> None:
    write_finished(tmp_path / "small", make_job(), epochs=0)
    refused(tmp_path / "small", "finished, without an epoch")
