"""Commands look for garbage seldom: records of many films are none, and it goes on after."""

from __future__ import annotations

import gc
import gzip
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pydantic
import pytest
from made_up_records import made_up_record

from spineseg.commands.ending import run_to_its_end
from spineseg.evaluation.records import load_records, save_records
from spineseg.films import LabelledFilm, Outline
from spineseg.levels import CLASS_NAMES

SQUARE = np.array([(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)])


@pytest.fixture
def as_before() -> Iterator[None]:
    """Let the search for garbage be as it was: a command changes it for its process."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("as_before")
def test_a_command_hardly_looks_for_garbage_while_it_reads_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outlines = tuple(Outline(level, SQUARE) for level in CLASS_NAMES)
    rng = np.random.default_rng(0)
    records = [
        made_up_record(LabelledFilm(Path(f"{number}.png"), outlines), 0.9, rng, 50)
        for number in range(8)
    ]
    path = tmp_path / "records.json.gz"
    save_records(path, records)
    searches: list[str] = []

    def heard(phase: str, info: dict[str, int]) -> None:
        searches.append(phase)

    @click.command()
    def read() -> None:
        gc.callbacks.append(heard)
        try:
            assert load_records(path) == records
        finally:
            gc.callbacks.remove(heard)

    monkeypatch.setattr("sys.argv", ["spineseg"])
    monkeypatch.setattr("spineseg.commands.ending._close_output", lambda: None)
    monkeypatch.setattr("spineseg.commands.ending.guard_terminal", lambda: None)
    run_to_its_end(read)
    during = len(searches)
    assert during <= 2  # A search begins and ends.
    gc.callbacks.append(heard)
    gc.collect()
    gc.callbacks.remove(heard)
    assert len(searches) > during
    assert gc.isenabled()


def test_a_damaged_file_leaves_the_search_on(tmp_path: Path) -> None:
    path = tmp_path / "records.json.gz"
    path.write_bytes(gzip.compress(b'[{"name": 1}]'))
    with pytest.raises(pydantic.ValidationError):
        load_records(path)
    assert gc.isenabled()
