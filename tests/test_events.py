"""The event log: what a killed writer leaves, and what a reader makes of it."""

from pathlib import Path

from spineseg.events import EVENTS_FILE, Epoch, EventReader, Failed, append_event, read_events

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
