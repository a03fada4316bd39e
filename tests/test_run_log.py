"""A run's log read as far as it is asked: the same as read whole, as strict where it is used."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from run_folders import epoch, make_job, write_finished

from spineseg.errors import RecordError
from spineseg.events import EVENTS_FILE, Epoch, Failed, append_event, read_events
from spineseg.run_log import Mark, RunLog
from spineseg.runs import Run, read_run
from spineseg.tries import attempts, losses_in_words, split

OBJECTIVE = "mask_map50_95"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a finished run of three epochs."""
    return write_finished(tmp_path / "small", make_job())


def opened(folder: Path) -> RunLog:
    return RunLog(folder, make_job_id(folder), OBJECTIVE)


def make_job_id(folder: Path) -> str:
    return str(json.loads((folder / "job.json").read_text())["id"])


def rewritten(folder: Path, before: str, after: str) -> None:
    path = folder / EVENTS_FILE
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def test_all_that_a_log_tells_is_what_it_tells_read_whole(folder: Path) -> None:
    run = read_run(folder)
    whole = read_events(folder, run.job.id)
    epochs = [event for event in whole if isinstance(event, Epoch)]
    assert list(run.log) == whole and len(run.log) == len(whole) and run.log[-1] == whole[-1]
    assert run.epochs == epochs and run.epoch_count == 3
    assert run.marks == [Mark(e.time, e.epoch, e.score(OBJECTIVE)) for e in epochs]
    assert run.last_epoch == run.marks[-1] and run.last_time == whole[-1].time
    assert [each.time for each in run.brief()] == [event.time for event in whole]
    assert Run(folder, run.job, tuple(whole)).marks == run.marks


def test_scores_come_to_the_last_digit_by_both_ways(folder: Path) -> None:
    run, rng = read_run(folder), random.Random(1)
    for number in range(4, 200):
        figures = {f"valid/{OBJECTIVE}": rng.random() * 10 ** rng.randint(-300, 3), "x": 1.0}
        told = epoch(run.job, number).model_copy(update={"metrics": figures})
        with (folder / EVENTS_FILE).open("a") as log:
            log.write(json.dumps(told.model_dump()) + "\n")
    after = read_run(folder)
    exact = [json.loads(line) for line in (folder / EVENTS_FILE).read_text().splitlines()]
    scores = [e["metrics"][f"valid/{OBJECTIVE}"] for e in exact if e["type"] == "epoch"]
    assert [mark.score for mark in after.marks] == scores
    assert [event.score(OBJECTIVE) for event in after.epochs] == scores


def test_an_epoch_trained_twice_is_counted_once_and_as_it_went_last(folder: Path) -> None:
    run = read_run(folder)
    again = epoch(run.job, 2).model_copy(update={"metrics": {f"valid/{OBJECTIVE}": 0.9}})
    append_event(folder, again)
    after = read_run(folder)
    assert after.epoch_count == 3 and len(after.log) == 6
    assert [mark.score for mark in after.marks] == [0.1, 0.9, 0.3]
    assert after.last_epoch is not None and after.last_epoch.epoch == 3


@pytest.mark.parametrize("kind", ["nan", "inf", "-inf"])
def test_a_score_that_is_no_number_is_kept(folder: Path, kind: str) -> None:
    run = read_run(folder)
    lost = {f"valid/{OBJECTIVE}": float(kind)}
    append_event(folder, epoch(run.job, 4).model_copy(update={"metrics": lost}))
    after = read_run(folder)
    assert str(after.marks[-1].score) == kind and str(after.epochs[-1].score(OBJECTIVE)) == kind


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"epoch_seconds": 1.0', '"epoch_seconds": 1.0x'),
        ('"valid/mask_map50": 0.2', '"valid/mask_map50": "much"'),
        ('"epoch": 2', '"epoch": 0'),
    ],
)
def test_spoilt_figures_of_an_epoch_are_refused_where_they_are_used(
    folder: Path, before: str, after: str
) -> None:
    rewritten(folder, before, after)
    with pytest.raises(RecordError, match="holds a line that is no event of this version"):
        _ = read_run(folder).epochs


def test_a_spoilt_score_is_refused_where_marks_are_used(folder: Path) -> None:
    rewritten(folder, f'"valid/{OBJECTIVE}": 0.2', f'"valid/{OBJECTIVE}": 0.2.2')
    with pytest.raises(RecordError, match="holds a line that is no event of this version"):
        _ = read_run(folder).marks


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"type": "epoch", "epoch": 2', '"type": "epoxy", "epoch": 2', "is no event"),
        (f'"valid/{OBJECTIVE}": 0.2', '"valid/other": 0.2', f"an epoch without {OBJECTIVE}"),
        ('"validation_seconds": 0.2}', '"validation_seconds": 0.2', "is no event"),
    ],
)
def test_a_line_whose_frame_is_spoilt_is_refused_at_once(
    folder: Path, before: str, after: str, words: str
) -> None:
    path = folder / EVENTS_FILE
    lines = path.read_text().splitlines(keepends=True)
    assert before in lines[2]
    lines[2] = lines[2].replace(before, after)
    if "validation" in after:
        lines[2] = "[" + lines[2]  # Not as a killed writer leaves it.
    path.write_text("".join(lines))
    with pytest.raises(RecordError, match=words):
        read_run(folder)


def test_lines_of_another_shape_are_read_all_the_same(folder: Path) -> None:
    before = read_run(folder)
    path = folder / EVENTS_FILE
    told: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(dict(reversed(each.items()))) + "\n" for each in told))
    after = read_run(folder)
    assert list(after.log) == list(before.log) and after.marks == before.marks
    assert (after.epoch_count, after.last_epoch) == (3, before.last_epoch)


def test_a_path_that_is_no_text_is_kept_in_a_message(folder: Path) -> None:
    run = read_run(write_finished(folder.parent, make_job(number=1, name="odd"), end=None))
    append_event(run.folder, Failed(run=run.job.id, kind="bug", message="of \udcff"))
    failed = read_run(run.folder).failed
    assert failed is not None and failed.message == "of \udcff"


def test_what_is_written_later_is_not_part_of_a_log_that_is_open(folder: Path) -> None:
    run = read_run(folder)
    append_event(folder, epoch(run.job, 4))
    assert len(run.marks) == 3 and len(list(run.log)) == 5
    (folder / EVENTS_FILE).write_text("")
    with pytest.raises(RecordError, match="was changed while it was read"):
        _ = run.epochs


def test_attempts_and_losses_need_no_figure_of_an_epoch(folder: Path) -> None:
    rewritten(folder, '"epoch_seconds": 1.0', '"epoch_seconds": 1.0x')
    run = read_run(folder)
    assert (attempts(run), split(run), losses_in_words(run)) == (1, 1, [])
