"""Records of many films are read without a search for garbage, which goes on after."""

from __future__ import annotations

import gc
import gzip
from pathlib import Path

import numpy as np
import pydantic
import pytest
from made_up_records import made_up_record

from spineseg.evaluation.records import load_records, save_records
from spineseg.films import LabelledFilm, Outline
from spineseg.levels import CLASS_NAMES

SQUARE = np.array([(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)])


def test_no_garbage_is_looked_for_while_records_are_read(tmp_path: Path) -> None:
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

    gc.callbacks.append(heard)
    try:
        found = load_records(path)
        during = len(searches)
        gc.collect()
    finally:
        gc.callbacks.remove(heard)
    assert found == records
    assert during <= 2  # One may follow at once, when it is looked for again.
    assert len(searches) > during
    assert gc.isenabled()


def test_a_damaged_file_leaves_the_search_on(tmp_path: Path) -> None:
    path = tmp_path / "records.json.gz"
    path.write_bytes(gzip.compress(b'[{"name": 1}]'))
    with pytest.raises(pydantic.ValidationError):
        load_records(path)
    assert gc.isenabled()
