"""`status`: complete, from the folders alone, beside whoever runs the study; and what ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import ENVIRONMENT, ROOT
from exports import write_export
from merged_data import prepare
from small_study import Ended, places, runs
from told_runs import EACH, job, story, study, whole

from spineseg.config.yaml_files import load_study
from spineseg.data.manifest import Dataset
from spineseg.errors import ConfigError
from spineseg.events import Event, Failed, append_event
from spineseg.files import locked
from spineseg.limits.shrink import shrink
from spineseg.places import LOCK_FILE
from spineseg.runs import read_run
from spineseg.status_model import StudyStatus
from spineseg.study_config import words_for
from spineseg.study_record import keep_data_record
from spineseg.study_status import finished_text, is_finished, study_status
from study.compare import compare_study


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Data of a few films, for the record of a study."""
    folder = tmp_path_factory.mktemp("data")
    return prepare(folder, write_export(folder / "export", {"train": 2, "valid": 1}))


@pytest.fixture
def half(tmp_path: Path, dataset: Dataset) -> Path:
    """A study's root with a baseline that completed and a variant in its second epoch."""
    config = study(store={"root": tmp_path})
    folder = places(config).folder
    _write(folder, 0, "baseline", story(job(0, "baseline"), live=0.3, scored=0.5))
    _write(folder, 1, "no-flips", story(job(1, "no-flips"), live=0.9)[:2])
    keep_data_record(places(config), dataset)
    return tmp_path


def _write(folder: Path, number: int, name: str, log: list[Event]) -> None:
    asked = job(number, name).model_copy(update={"id": log[0].run})
    asked.write(folder / asked.folder_name)
    for event in log:
        append_event(folder / asked.folder_name, event)


def test_both_scores_have_columns_of_their_own_with_the_baseline_beside(half: Path) -> None:
    status = study_status(study(store={"root": half}))
    baseline, variant, large = status.trials
    assert (baseline.live, baseline.scored) == (0.3, 0.5)
    assert (variant.live, variant.live_baseline) == pytest.approx((0.3, 0.1))
    assert (variant.state, variant.scored, variant.scored_baseline) == ("interrupted", None, None)
    assert (large.state, large.number) == ("waiting", None)
    assert (status.best, status.best_scored, status.baseline) == ("baseline", 0.5, 0.5)
    assert "live  baseline  scored  baseline" in status.text()


def test_attempts_and_batches_in_parts_are_noted(half: Path) -> None:
    config = study(store={"root": half})
    folder = places(config).folder / "001-no-flips"
    first = runs(config)[1].log[0]
    append_event(folder, first.model_copy(update={"attempt": 3, "split": 2}))
    assert study_status(config).trials[1].note == "3 attempts; batch in 2 parts"


def test_what_is_to_come_is_counted_and_timed(half: Path) -> None:
    status = study_status(study(store={"root": half}))
    assert (status.search_left, status.confirm_left, status.trainings_at_most) == (1, 4, 8)
    assert status.counts == {"completed": 1, "interrupted": 1} and not status.finished
    assert status.seconds_left is not None and status.seconds_left > 100
    assert status.time_left.startswith("about ") and ", at most " in status.time_left
    assert status.seconds_expected is not None and status.seconds_left is not None
    assert status.seconds_expected < status.seconds_left
    assert status.holder is None
    assert "1 searched, at most 4 on fresh seeds" in status.text()
    assert StudyStatus.model_validate_json(status.model_dump_json()) == status


def test_a_study_that_a_limit_ends_says_so_and_goes_on_with_what_has_begun(half: Path) -> None:
    config = study(store={"root": half}, limits={"trainings": 2})
    status = study_status(config)
    assert status.time_left == (
        "limits.trainings 2 is spent (2 begun); not trained: large, 1 searched training, at most 4 "
        "trainings on fresh seeds"
    )
    assert status.time_left in status.text() and not status.finished
    assert "spineseg run small" in status.next  # For the interrupted one.
    folder = places(config).folder / "001-no-flips"
    failed = Failed(run=read_run(folder).job.id, kind="bug", message="m")
    append_event(folder, failed)
    assert "spineseg compare small" in study_status(config).next
    past = study_status(study(store={"root": half}, limits={"deadline": "2020-01-01T00:00"}))
    assert past.time_left.startswith("limits.deadline 2020-01-01 00:00 is past; not trained: large")


def test_what_was_removed_from_folders_is_counted(half: Path) -> None:
    config = study(store={"root": half})
    assert study_status(config).freed_bytes == 0
    run = read_run(places(config).folder / "000-baseline")
    (run.folder / "train" / "weights").mkdir(parents=True)
    (run.folder / "train" / "weights" / "last.pt").write_bytes(bytes(5 * 2**20))
    shrink(run, 1_800_000_000.0)
    status = study_status(config)
    assert status.freed_bytes == 5 * 2**20
    assert "5 MiB removed from folders of ended runs" in status.text()


def test_the_next_command_finds_the_study_in_the_words_of_whoever_asks(
    half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = study(store={"root": half})
    found = ("small", "--set", f"store.root={half}")
    assert study_status(config).next.endswith(f"spineseg run {' '.join(found)}")
    file = half / "small.yaml"
    sets = ["search.trials=1"]
    asked = [str(file), "--set", *sets]
    assert words_for(config, file, sets) == asked  # There is no study.yaml on record.
    assert study_status(config, asked).next.endswith(f"spineseg run {' '.join(asked)}")
    places(config).config.write_text("name: small")
    assert words_for(config, file, sets) == [*found]
    monkeypatch.chdir(half)
    monkeypatch.setenv("MAKELEVEL", "1")
    (half / "Makefile").touch()
    assert study_status(config).next == f"make study STUDY=small SET=store.root={half}"


def test_what_runs_is_told_with_its_phase_its_holder_and_how_long_it_has_been_silent(
    half: Path,
) -> None:
    config = study(store={"root": half})
    run_folder = places(config).folder / "001-no-flips"
    begun = job(1, "no-flips").created
    with places(config).lock(), locked(run_folder / LOCK_FILE):
        soon = study_status(config, now=begun + 17)
        late = study_status(config, now=begun + 2500)
    assert (soon.trials[1].state, soon.trials[1].phase) == ("running", "training, epoch 2 of 3")
    assert soon.trials[1].silent_seconds == 17 - 2 - EACH and not soon.trials[1].note
    assert soon.holder == str(os.getpid()) and soon.held_since is not None
    assert f"held by process {os.getpid()} since" in soon.text()
    assert "spineseg status small" in soon.next
    assert "no event for 41 min: see" in late.text() and "train.log" in late.text()


def test_status_reads_without_any_of_the_slow_libraries(half: Path) -> None:
    code = (
        "import sys\nfrom study.cli import main\n"
        f"sys.argv = ['spineseg', 'status', {str(_config(half))!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('HEAVY', [m for m in ('torch', 'mlflow', 'optuna', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT
    )
    assert "study small" in done.stdout and "HEAVY []" in done.stdout, done.stdout + done.stderr


def _config(root: Path) -> Path:
    path = root / "small.yaml"
    path.write_text(study(store={"root": root}).model_dump_json())  # JSON is YAML.
    return path


@pytest.mark.wide
def test_a_finished_study_says_so_with_its_answer_and_its_page(ended: Ended) -> None:
    comparison = compare_study(ended.config)
    told = finished_text(ended.config) or ""
    assert told.startswith("study small is finished, nothing left to run: 9 trainings, 9 completed")
    assert str(comparison.page) in told and "fresh seeds" in told
    assert study_status(ended.config).finished
    assert "best: no-flips" in study_status(ended.config).text()
    assert "what fresh seeds say of it, `compare` tells" in study_status(ended.config).text()


def test_an_answer_older_than_a_training_is_not_told(half: Path) -> None:
    config = study(store={"root": half}, variants=[], search={"trials": 0}, confirm=None)
    (places(config).folder / "001-no-flips").rename(half / "away")
    places(config).answer.write_text("of before")
    os.utime(places(config).answer, (1, 1))
    assert "of before" not in (finished_text(config) or "of before")


@pytest.mark.wide
def test_a_study_with_work_left_or_another_config_does_not_say_that_it_is_finished(
    ended: Ended,
) -> None:
    more = ended.config.model_copy(
        update={"confirm": ended.config.confirm.model_copy(update={"seeds": 4})}  # type: ignore[union-attr]
    )
    assert finished_text(more) is None
    other = load_study(ended.path, ["baseline.epochs=9"])
    with pytest.raises(ConfigError, match=r"baseline.epochs 1, now 9"):
        finished_text(other)
    assert not is_finished(ended.config, runs(ended.config)[:-1])
    assert not is_finished(study(), [])
    assert is_finished(study(variants=[], search={}, confirm=None), [whole(job(0, "baseline"))])
