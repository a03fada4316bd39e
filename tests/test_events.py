"""The event log: what a killed writer leaves, and what a reader makes of it."""

import json
from pathlib import Path

import pytest

from spineseg.errors import RecordError
from spineseg.events import (
    EVENTS_FILE,
    Epoch,
    Event,
    EventReader,
    Failed,
    Started,
    append_event,
    end_last_line,
    read_events,
)
from spineseg.run_log import RunLog

RUN = "r" * 32


def epoch(number: int) -> Epoch:
    return Epoch(
        run=RUN,
        epoch=number,
        metrics={"valid/mask_map50": 0.1},
        epoch_seconds=1.0,
        validation_seconds=0.1,
    )


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    written = [epoch(1), epoch(2), Failed(run=RUN, kind="killed", message="gone")]
    for event in written:
        append_event(tmp_path, event)
    assert read_events(tmp_path, RUN) == written


def test_a_reader_goes_on_where_it_was_left(tmp_path: Path) -> None:
    reader = EventReader(tmp_path, RUN)
    assert list(reader.new_events()) == []
    append_event(tmp_path, epoch(1))
    assert [e.epoch for e in reader.new_events() if isinstance(e, Epoch)] == [1]
    append_event(tmp_path, epoch(2))
    assert [e.epoch for e in reader.new_events() if isinstance(e, Epoch)] == [2]


def test_a_line_torn_by_a_kill_is_passed_over_and_nothing_else_is_lost(tmp_path: Path) -> None:
    append_event(tmp_path, epoch(1))
    with (tmp_path / EVENTS_FILE).open("ab") as log:
        log.write(b'{"run": "rrrr", "time": 17')
    reader = EventReader(tmp_path, RUN)
    assert len(list(reader.new_events())) == 1
    append_event(tmp_path, epoch(2))
    assert [e.epoch for e in reader.new_events() if isinstance(e, Epoch)] == [2]
    assert len(read_events(tmp_path, RUN)) == 2


def test_scores_that_are_no_numbers_survive_the_log(tmp_path: Path) -> None:
    lost = epoch(1).model_copy(update={"metrics": {"train/box_loss": float("nan")}})
    append_event(tmp_path, lost)
    (back,) = read_events(tmp_path, RUN)
    assert isinstance(back, Epoch) and back.metrics["train/box_loss"] != 0


STARTED = Started(run=RUN, pid=1, device="CPU", parameters=3, resolved={"a": 1}, environment={})


@pytest.mark.parametrize(
    "event", [epoch(1), STARTED, Failed(run=RUN, kind="bug", message='a "{}" b')]
)
def test_a_line_torn_at_any_byte_is_passed_over_by_every_reader(
    tmp_path: Path, event: Event
) -> None:
    """Behind a brace within it, too: there it looks as if it were whole."""
    log, whole = tmp_path / EVENTS_FILE, json.dumps(event.model_dump())
    following = json.dumps(epoch(2).model_dump()) + "\n"
    for end in range(1, len(whole)):
        log.write_text(f"{whole[:end]}\n{following}")
        assert len(read_events(tmp_path, RUN)) == 1, whole[:end]
        assert [mark.epoch for mark in RunLog(tmp_path, RUN, "mask_map50").marks()] == [2]


def test_zeros_of_a_power_cut_are_passed_over_and_a_spoilt_line_is_not(tmp_path: Path) -> None:
    log, following = tmp_path / EVENTS_FILE, json.dumps(epoch(2).model_dump())
    for torn in ("\0" * 40, '{"run": "rrrr", "ti' + "\0" * 40):
        log.write_text(f"{torn}\n{following}\n")
        assert len(read_events(tmp_path, RUN)) == len(RunLog(tmp_path, RUN, "mask_map50")) == 1
    for spoilt in (following.replace("epoch", "\0poch"), following.replace(": 2", ": 2 2")):
        log.write_text(f"{spoilt}\n{following}\n")
        with pytest.raises(RecordError, match="no event"):
            read_events(tmp_path, RUN)
        with pytest.raises(RecordError, match="no event"):
            list(RunLog(tmp_path, RUN, "mask_map50"))


def test_a_line_that_lacks_only_its_end_is_ended_and_a_torn_one_is_not(tmp_path: Path) -> None:
    assert not end_last_line(tmp_path)
    append_event(tmp_path, epoch(1))
    log = tmp_path / EVENTS_FILE
    whole = log.read_bytes()
    for text, ended in ((whole, False), (whole[:-1], True), (whole[:-2], False)):
        log.write_bytes(text)
        assert end_last_line(tmp_path) is ended
        assert log.read_bytes() == (whole if ended else text)
