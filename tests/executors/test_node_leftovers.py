"""What attempts left on a node: removed after a week, unless someone is at it."""

from __future__ import annotations

import os
from pathlib import Path

from spineseg.files import locked
from spineseg.places import DRIVER_LOCK, LOCK_FILE
from spineseg.training.executors.node_leftovers import KEPT_SECONDS, remove_leftovers

NOW = 1_700_000_000.0


def left(root: Path, study: str, attempt: str, age: float) -> Path:
    place = root / "studies" / study / attempt
    run = place / "000-baseline"
    run.mkdir(parents=True)
    for path in (place / DRIVER_LOCK, run / LOCK_FILE, run / "events.jsonl"):
        path.write_text("")
    for path in (place, run, *place.iterdir(), *run.iterdir()):
        os.utime(path, (NOW - age, NOW - age))
    return place


def test_what_is_old_goes_and_what_is_written_to_or_held_stays(tmp_path: Path) -> None:
    old = [left(tmp_path, study, "job-1", KEPT_SECONDS + 60) for study in ("one", "two")]
    young = left(tmp_path, "one", "job-2", KEPT_SECONDS - 60)
    written = left(tmp_path, "one", "job-3", KEPT_SECONDS + 60)
    os.utime(written / "000-baseline" / "events.jsonl", (NOW, NOW))
    heard = left(tmp_path, "one", "job-4", KEPT_SECONDS + 60)
    trained = left(tmp_path, "one", "job-5", KEPT_SECONDS + 60)
    held = (heard / DRIVER_LOCK, trained / "000-baseline" / LOCK_FILE)
    with locked(held[0]), locked(held[1]):
        for lock in held:
            os.utime(lock, (NOW - KEPT_SECONDS - 60,) * 2)
        assert remove_leftovers(tmp_path, NOW) == old
    assert not any(place.exists() for place in old)
    assert all(place.exists() for place in (young, written, heard, trained))
    assert remove_leftovers(tmp_path, NOW) == [heard, trained]
    assert remove_leftovers(tmp_path / "none", NOW) == []
