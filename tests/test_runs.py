"""Run folders as the record: what is read back, and what is refused in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from run_folders import epoch, make_job, write_finished

from spineseg.errors import RecordError, StoreError
from spineseg.events import Failed, Started, append_event
from spineseg.files import append_line, locked
from spineseg.job import Job
from spineseg.places import StudyPlaces
from spineseg.runs import outcome_now, read_run, read_runs
from spineseg.study_record import read_study


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The folder of a study with two finished runs."""
    folder = tmp_path / "mlruns" / "work" / "studies" / "small"
    folder.mkdir(parents=True)
    for number, name in enumerate(("baseline", "no-flips")):
        write_finished(folder, make_job(number=number, name=name))
    return folder


def test_a_run_is_read_back_as_it_was_asked_for_and_as_it_went(study: Path) -> None:
    baseline, no_flips = read_runs(study)
    assert (baseline.name, no_flips.name) == ("baseline", "no-flips")
    assert no_flips.job.key == "small/1" and no_flips.job.config.epochs == 3
    assert [epoch.epoch for epoch in no_flips.epochs] == [1, 2, 3]
    assert no_flips.outcome == "completed" and no_flips.value == 0.31
    assert no_flips.best_weights.read_bytes() == b"weights"


def test_an_epoch_trained_twice_counts_once_and_as_it_went_last(study: Path) -> None:
    run = read_runs(study)[0]
    again = run.epochs[1].model_copy(update={"metrics": {"valid/mask_map50_95": 0.9}})
    append_event(run.folder, again)
    assert [e.metrics["valid/mask_map50_95"] for e in read_run(run.folder).epochs] == [
        0.1,
        0.9,
        0.3,
    ]


def test_a_run_without_an_end_is_running(tmp_path: Path) -> None:
    job = make_job()
    job.write(tmp_path / job.folder_name)
    run = read_run(tmp_path / job.folder_name)
    assert run.outcome == "running" and run.end is None and run.epochs == []
    with pytest.raises(RecordError, match="has not finished; go on with"):
        _ = run.value


def refused(study: Path, words: str) -> None:
    """The study is refused in one line, and nothing in it is changed by that."""
    before = {p: p.read_bytes() for p in study.rglob("*") if p.is_file()}
    with pytest.raises(RecordError, match=words) as caught:
        read_runs(study)
    assert "\n" not in str(caught.value) and str(study) in str(caught.value)
    assert {p: p.read_bytes() for p in study.rglob("*") if p.is_file()} == before


def test_a_folder_without_a_job_is_refused(study: Path) -> None:
    (study / "001-no-flips" / "job.json").unlink()
    refused(study, r"001-no-flips: has no job\.json.*put the file back, or move")


@pytest.mark.parametrize("version", ["1", "3", '"x"', "null"])
def test_a_job_of_another_version_is_refused(study: Path, version: str) -> None:
    job = study / "000-baseline" / "job.json"
    job.write_text(job.read_text().replace('"format": 2', f'"format": {version}'))
    refused(study, "is of another version of this software")


def test_a_job_from_before_there_were_formats_is_refused(study: Path) -> None:
    (study / "000-baseline" / "job.json").write_text('{"config": {}, "dataset": "/data"}')
    refused(study, r"format 1, this one reads 2")


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"format": 2}'])
def test_a_damaged_job_is_refused(study: Path, content: str) -> None:
    (study / "000-baseline" / "job.json").write_text(content)
    refused(study, "000-baseline")


def test_two_folders_with_one_number_are_refused(study: Path) -> None:
    write_finished(study, make_job(number=1, name="twin"))
    refused(study, r"001-twin: has the number of 001-no-flips; move one of the two away")


def test_a_copied_folder_under_another_number_is_refused(study: Path) -> None:
    shutil.copytree(study / "001-no-flips", study / "002-no-flips")
    refused(study, "holds the run 001-no-flips of study 'small'; give the folder that name again")


def test_a_run_of_another_study_is_refused(study: Path) -> None:
    write_finished(study, make_job(number=2, name="slow", study="other"))
    refused(study, "is a run of study 'other', not of 'small'")


def test_a_log_with_events_of_another_run_is_refused(study: Path) -> None:
    shutil.copy(study / "000-baseline" / "events.jsonl", study / "001-no-flips" / "events.jsonl")
    refused(study, r"events\.jsonl: holds an event of another run")


def test_one_event_of_another_run_among_its_own_is_refused(study: Path) -> None:
    other = Failed(run="f" * 32, kind="bug", message="not mine")
    append_event(study / "001-no-flips", other)
    refused(study, "holds an event of another run")


def test_a_torn_line_is_passed_over_and_spoils_none_that_follows(study: Path) -> None:
    log = study / "000-baseline" / "events.jsonl"
    with log.open("a") as out:
        out.write('{"run": "0123", "ti')
    assert len(read_run(log.parent).log) == 5
    append_event(log.parent, epoch(read_run(log.parent).job, 4))
    assert len(read_run(log.parent).log) == 6


def test_a_whole_line_that_is_no_event_is_refused(study: Path) -> None:
    append_line(study / "000-baseline" / "events.jsonl", '{"type": "epoch", "epoch": 4}')
    refused(study, "holds a line that is no event of this version")


def test_a_job_is_written_with_its_folder_or_not_at_all(tmp_path: Path) -> None:
    job = make_job()
    folder = tmp_path / job.folder_name
    folder.mkdir()
    with pytest.raises(RecordError, match="is there already; move it away and run again"):
        job.write(folder)
    assert list(folder.iterdir()) == []


def test_a_job_that_differs_is_refused_with_both_values(tmp_path: Path) -> None:
    job = make_job()
    other = job.model_copy(update={"config": job.config.with_(lr0=0.0178)})
    with pytest.raises(RecordError, match=r"with config\.lr0 0\.01, now with 0\.0178; restore"):
        job.refuse_unlike(other, tmp_path)


def test_a_job_on_another_machine_is_the_same_job(tmp_path: Path) -> None:
    job = make_job()
    elsewhere = {"dataset": Path("/elsewhere"), "code_version": "9", "id": "0" * 32, "created": 1.0}
    job.refuse_unlike(job.model_copy(update=elsewhere), tmp_path)


def test_every_event_names_its_run(study: Path) -> None:
    run = read_runs(study)[0]
    assert {event.run for event in run.log} == {run.job.id}
    assert isinstance(run.started, Started)


def test_a_study_that_was_never_run_says_which_were(study: Path) -> None:
    root = study.parents[2]
    with pytest.raises(StoreError, match=r"'large' has not been run yet; on record: small; start"):
        read_study(StudyPlaces(root, "large"))


def test_a_study_without_the_record_of_its_data_says_so(study: Path) -> None:
    with pytest.raises(RecordError, match=r"manifest or the audit .* cannot be read"):
        read_study(StudyPlaces(study.parents[2], "small"))


def test_weights_that_are_gone_are_told(study: Path) -> None:
    (study / "000-baseline" / "train" / "weights" / "best.pt").unlink()
    with pytest.raises(RecordError, match=r"best\.pt: the run's weights are gone; put them back"):
        _ = read_runs(study)[0].best_weights


def test_a_job_says_all_that_it_was_made_from() -> None:
    told = Job.model_json_schema()["properties"].keys()
    assert {
        "study",
        "number",
        "kind",
        "name",
        "arm",
        "changes",
        "hypothesis",
        "config",
        "data_fingerprint",
        "dataset",
        "numbering",
        "code_version",
        "created",
    } <= told


def test_a_run_without_an_end_is_interrupted_where_nobody_is_at_work(tmp_path: Path) -> None:
    job = make_job(number=0, name="baseline")
    job.write(tmp_path / job.folder_name)
    run = read_run(tmp_path / job.folder_name)
    assert (run.outcome, outcome_now(run)) == ("running", "interrupted")
    with locked(run.folder / "lock"):
        assert outcome_now(run) == "running"


def test_what_a_run_was_asked_is_on_the_disk_before_its_folder_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut leaves a folder whose job is empty, and the study is refused."""
    folder, synced = tmp_path / "000-baseline", list[bool]()

    def look(path: Path) -> None:
        synced.append(json.loads(path.read_text())["name"] == "baseline" and not folder.exists())

    monkeypatch.setattr("spineseg.job.sync", look)
    make_job().write(folder)
    assert synced == [True] and folder.exists()
