"""Out of memory ends an attempt and not its run; with batches in parts another one goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from short_memory import TRAINER
from stopped_training import CONFIG, log, write_job

from spineseg.data.merge import Dataset
from spineseg.events import Epoch, Event, Failed, Finished, Lost, Started
from spineseg.training.control import RESUME_FILE
from spineseg.training.devices import CPU
from spineseg.training.launcher import Launcher
from spineseg.training.orders import Orders
from spineseg.training.weights import bundled_weights

SHORT = CONFIG.with_(epochs=3, batch=8, nominal_batch=16)


def attempt(folder: Path, orders: Orders, films: int | None = None) -> list[Event]:
    """Let an attempt at the run end, on a device of so much memory; return what it said."""
    cache = folder.parent / "cache"
    launcher = Launcher(cache, TRAINER)
    if films is not None:
        (cache / "films-at-most").write_text(str(films))
    before = len(log(folder))
    child = launcher.start(folder, CPU, orders)
    child.wait(300)
    assert (child.is_alive(), child.ended_by) == (False, "exit code 0")
    return log(folder)[before:]


@pytest.mark.wide
def test_an_attempt_without_memory_is_lost_and_one_in_parts_goes_on_from_its_checkpoint(
    dataset: Dataset, tmp_path: Path
) -> None:
    whole, folder = tmp_path / "a" / "run", tmp_path / "b" / "run"
    for at in (whole, folder):
        at.parent.mkdir()
        write_job(at, dataset, SHORT, bundled_weights())
    attempt(whole, Orders())
    lost = attempt(folder, Orders(attempt=1), films=4)
    assert [type(event) for event in lost] == [Started, Lost]
    assert isinstance(lost[1], Lost) and "Tried to allocate" in lost[1].message
    assert (lost[1].attempt, lost[1].kind) == (1, "out_of_memory")
    again = attempt(folder, Orders(attempt=2, split=2), films=4)
    started, *_, finished = again
    assert isinstance(started, Started) and (started.attempt, started.split) == (2, 2)
    assert isinstance(finished, Finished) and (finished.batch, finished.epochs) == (8, 3)
    assert started.resolved["batch"] == 8
    rates = [
        [
            {k: v for k, v in e.metrics.items() if k.startswith("lr/")}
            for e in log(at)
            if is_epoch(e)
        ]
        for at in (whole, folder)
    ]
    assert rates[0] == rates[1] and len(rates[0]) == 3


def is_epoch(event: Event) -> bool:
    return isinstance(event, Epoch)


@pytest.mark.wide
def test_memory_that_the_system_refuses_is_out_of_memory_too(
    dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "no-more-memory").touch()
    folder = tmp_path / "run"
    write_job(folder, dataset, SHORT.with_(image_size_px=256), bundled_weights())
    events = attempt(folder, Orders(attempt=3))
    assert not any(isinstance(event, Failed) for event in events)
    lost = events[-1]
    assert isinstance(lost, Lost) and (lost.kind, lost.attempt) == ("out_of_memory", 3)
    assert not (folder / "train" / "weights" / RESUME_FILE).exists()
