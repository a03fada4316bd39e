"""`spineseg retry`, as a person types it: what it asks for, what it says next, what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from command import spineseg
from run_folders import make_job, write_finished
from told_runs import study

from spineseg.events import Again, append_event
from spineseg.files import locked
from spineseg.places import LOCK_FILE, StudyPlaces
from spineseg.runs import read_runs

FAILED = ("no-flips", "slow")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A study's records, and its config beside them: a baseline, two failed, one tried again."""
    folder = StudyPlaces(tmp_path, "small").folder
    write_finished(folder, make_job(number=0))
    write_finished(folder, make_job(number=1, name="no-flips"), end="failed")
    write_finished(folder, make_job(number=2, name="slow"), end="failed")
    write_finished(folder, make_job(number=3, name="big"), end="pruned")
    write_finished(folder, make_job(number=4, name="twice"), end="failed")
    write_finished(folder, make_job(number=5, name="asked"), end="failed")
    write_finished(folder, make_job(number=6, name="twice"))
    write_finished(folder, make_job(number=7, name="open"), end=None)
    for number in (4, 5):
        run = read_runs(folder)[number]
        append_event(run.folder, Again(run=run.job.id, reason="before"))
    (tmp_path / "small.yaml").write_text(study(store={"root": str(tmp_path)}).model_dump_json())
    return tmp_path


def asked(root: Path) -> dict[str, str]:
    """Return the reason of each run that is asked for again, by its folder's name."""
    runs = read_runs(StudyPlaces(root, "small").folder)
    return {run.folder.name: run.asked_again.reason for run in runs if run.asked_again}


def refused(root: Path, *words: str) -> list[str]:
    """Return the lines that a command was refused with; nothing on record is changed by it."""
    before = asked(root)
    done = spineseg("retry", *words, cwd=root)
    assert done.returncode == 2 and not done.stdout, done.stdout + done.stderr
    assert asked(root) == before
    lines = [line for line in done.stderr.strip().splitlines() if "no study.yaml" not in line]
    assert lines[0].startswith("spineseg: ")
    return lines


def retried(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = spineseg("retry", *words, cwd=root)
    assert done.returncode == 0, done.stderr
    return done


def test_failed_runs_are_asked_for_with_a_reason_and_the_next_command_is_told(root: Path) -> None:
    told = retried(root, "--config", "small.yaml", "no-flips", "002-slow", "--reason", "more\nRAM")
    assert "asked for again: small/no-flips, which failed as 001 (nan_loss: no number)" in (
        told.stdout
    )
    assert told.stdout.strip().endswith("spineseg run small.yaml")
    mine = {name: why for name, why in asked(root).items() if why != "before"}
    assert mine == {"001-no-flips": "more RAM", "002-slow": "more RAM"}
    (line,) = refused(root, "--config", "small.yaml", "slow")
    assert "small/slow: is asked for again already; `" in line and "run small" in line


@pytest.mark.wide
def test_all_are_asked_for_once_and_told_as_json(root: Path) -> None:
    with locked(StudyPlaces(root, "small").folder / "driver.lock"):
        (told,) = json.loads(retried(root, "--all", "small.yaml", "--json").stdout)
    assert [run["run"] for run in told["asked"]] == [*FAILED]
    assert told["holder"] is not None and told["next"].endswith("spineseg run small.yaml")
    assert all(run["reason"].startswith("asked for by ") for run in told["asked"])
    again = retried(root, "--all", "--config", "small.yaml")
    assert again.stdout == "study small: no failed run is left to be asked for again\n"


@pytest.mark.wide
def test_a_study_at_work_is_no_hindrance_and_is_told(root: Path) -> None:
    with locked(StudyPlaces(root, "small").folder / "driver.lock"):
        told = retried(root, "small.yaml/slow").stdout
    assert "has the study in hand: if it runs it, it trains this when" in told
    assert "002-slow" in asked(root)


@pytest.mark.wide
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name a failed run, as STUDY/NAME, or a study with --all; `spineseg status STUDY`"),
        (("--all",), "--all: name the STUDY; `spineseg studies` lists them"),
        (("--all", "small/slow"), "--all small/slow: takes a STUDY, and each failed run of it"),
        (("slow",), "slow: names no run; write STUDY/NAME, NAME with --config STUDY, or a STUDY"),
        (("small.yaml",), "small.yaml: names no run; write STUDY/NAME"),
        (("/slow",), "/slow: names no run"),
        (("smal/slow",), "smal: no study on record in mlruns"),
        (("small.yaml/slow", "--reason", " "), "--reason: says nothing; say why, or leave it out"),
        (("small.yaml/slwo",), "small/slwo: there is no such run; did you mean slow? failed: no-"),
        (("small.yaml/",), "small.yaml/: names no run"),
        (
            ("small.yaml/baseline",),
            "small/baseline: has completed, and did not fail; only a failed",
        ),
        (("small.yaml/big",), "small/big: was pruned, and did not fail; only a failed run is"),
        (
            ("small.yaml/open",),
            "small/open: was interrupted, and did not fail; `spineseg run small",
        ),
        (("small.yaml/asked",), "small/asked: is asked for again already; `spineseg run small"),
        (("small.yaml/4",), "small/4: 004 was tried again as 006; 006 stands for it (completed)"),
        (("small.yaml/twice",), "small/twice: has completed, and did not fail"),
        (("--config", "small.yaml", "other/slow"), "small/other/slow: there is no such run"),
        (("--config", "none.yaml", "slow"), "none.yaml: "),
        (("small.yaml/\x1b[1m",), "small/\\x1b[1m: there is no such run"),
    ],
)
def test_what_cannot_be_tried_again_is_refused_in_a_line_with_what_to_do(
    root: Path, words: tuple[str, ...], said: str
) -> None:
    (line,) = refused(root, *words)
    assert said in line.replace(".venv/bin/spineseg", "spineseg")


@pytest.mark.wide
def test_of_several_one_that_is_refused_leaves_all_as_they_are(root: Path) -> None:
    lines = refused(root, "small.yaml/slow", "small.yaml/big", "small.yaml/nothing")
    assert len(lines) == 2 and "small/big" in lines[0] and "small/nothing" in lines[1]


@pytest.mark.wide
def test_a_run_whose_process_has_not_ended_is_left_alone(root: Path) -> None:
    folder = StudyPlaces(root, "small").folder / "002-slow"
    with locked(folder / LOCK_FILE):
        (line,) = refused(root, "small.yaml/slow")
    assert "is at work in it; wait for it to end" in line


@pytest.mark.wide
def test_a_study_that_was_never_run_and_a_damaged_one_say_so(root: Path) -> None:
    config = study(name="other", store={"root": str(root)}).model_dump_json()
    (root / "other.yaml").write_text(config)
    (line,) = refused(root, "other.yaml/slow")
    assert "study 'other' has not been run yet; on record: small" in line
    (StudyPlaces(root, "small").folder / "001-no-flips" / "job.json").write_text("{")
    done = spineseg("retry", "small.yaml/slow", cwd=root)
    assert done.returncode == 2 and "001-no-flips" in done.stderr
