"""What the audit is known to see is on file: every kind of copy, on real and synthetic films."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.film_copies import WAYS
from spineseg.data.likeness import recall
from spineseg.data.likeness.recall import FalseAlarms, KnownRecall, Recall, known_recall

SETS = ("public radiographs (AASCE 2019)", "synthetic X-rays")


@pytest.mark.parametrize("films", SETS)
def test_every_kind_of_copy_was_measured_and_its_mark_met(films: str) -> None:
    rows = [row for row in known_recall().recalls if row.films == films]
    assert [row.way for row in rows] == [way.name for way in WAYS]
    assert [row.mark for row in rows] == [way.mark for way in WAYS]
    assert all(row.planted >= 50 and row.mark <= row.share <= 1 for row in rows)


def test_at_most_one_distinct_film_in_a_thousand_was_taken_for_a_copy() -> None:
    alarms = known_recall().alarms
    assert sorted(row.films for row in alarms) == sorted(SETS)
    for row in alarms:
        assert row.alarms <= row.distinct / 1000
        assert row.mistaken <= (row.distinct + row.copies) / 1000


def test_what_is_measured_anew_replaces_its_own_rows_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall, "_FILE", tmp_path / "recall.json")

    def measured(films: str, found: int) -> KnownRecall:
        row = Recall(way="inverted", films=films, planted=10, found=found, mark=0.9)
        alarms = FalseAlarms(films=films, distinct=9, alarms=0, same=0, copies=10, mistaken=0)
        return KnownRecall(recalls=(row,), alarms=(alarms,), date="2026-11-25", machine="2 cores")

    for films, found in (("a", 1), ("b", 2), ("a", 3)):
        recall.write_recall(measured(films, found))
    rows = known_recall()
    assert {row.films: row.found for row in rows.recalls} == {"a": 3, "b": 2}
    assert len(rows.recalls) == len(rows.alarms) == 2
