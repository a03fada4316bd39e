"""A row of a YOLO label file: an outline, a box, or what it is in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spineseg.data.film_source import SourceFilm
from spineseg.data.labels import RawLabel, clean_labels
from spineseg.data.layouts import raw_labels_of
from spineseg.levels import CERVICAL

NAMES = dict(enumerate(CERVICAL))


def read(tmp_path: Path, text: str) -> list[RawLabel]:
    label = tmp_path / "a.txt"
    label.write_text(text)
    return list(raw_labels_of(SourceFilm(tmp_path / "a.jpg", None, label, NAMES)))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("0 0.5 0.5 0.2 0.1 0.93", "box with confidence,"),
        ("0 0.5 0.5 0.2 0.1 0.93 1", "box with confidence and number"),
        ("0 0.5 0.5 0.2 0.1 0.93 17", "box with confidence and number"),
        ("0 0.5 0.5 0.2 0.1 0.3 0.3 2", "YOLO pose"),
        ("0 0.5 0.5 0.2 0.1 0.3 0.3 1 0.4 0.4 2", "YOLO pose"),
        ("0 0.5 0.5 0.2 0.1 0.3 0.3 0 0.4 0.4 1 0.5 0.5 1", "YOLO pose"),
        ("0 0.5 0.5 0.2 0.1" + " 0.3 0.3 1" * 4, "YOLO pose"),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2 0.93", "a confidence at the end is none"),
        ("2.5 0.1 0.1 0.2 0.1 0.2 0.2", "something else than numbers"),
        ("7.0 0.1 0.1 0.2 0.1 0.2 0.2", "class 7 is out of range"),
    ],
)
def test_what_is_no_outline_is_told_for_what_it_is(tmp_path: Path, row: str, words: str) -> None:
    (label,) = read(tmp_path, row)
    assert label.problem is not None and words in label.problem
    assert label.where.endswith("a.txt:1") and not label.rings


@pytest.mark.parametrize(
    ("row", "name", "points"),
    [
        ("3.0 0.1 0.1 0.2 0.1 0.2 0.2", "C4", 3),
        ("0 0.1 0.1 0.2 0.1 0.3 0.9", "C1", 3),
        ("0 0.1 0.1 0.3 0.12 0.3 0.3 0.1 0.28", "C1", 4),  # YOLO OBB: four corners.
        ("0 0 0.1 1 0.2 0.5 0 0 0.4 0.2 1", "C1", 5),  # Along the film's edges, by chance 0 and 1.
    ],
)
def test_an_outline_keeps_its_points(tmp_path: Path, row: str, name: str, points: int) -> None:
    (label,) = read(tmp_path, row)
    assert (label.name, label.problem, len(label.rings[0])) == (name, None, points)
    assert np.array_equal(label.rings[0].ravel(), [float(v) for v in row.split()[1:]])


def test_a_label_file_that_is_gone_when_it_is_read_is_told(
    tmp_path: Path,
) -> None:
    film = SourceFilm(tmp_path / "a.jpg", None, tmp_path / "a.txt", NAMES)
    (note,) = clean_labels(raw_labels_of(film)).notes
    assert note.kind == "damaged" and "changed while it was read" in note.text


def test_a_film_without_a_label_file_has_none(tmp_path: Path) -> None:
    film = SourceFilm(tmp_path / "a.jpg", None, None, NAMES)
    assert not film.has_labels and not raw_labels_of(film)


def test_a_huge_label_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(30_000_000)
    film = SourceFilm(tmp_path / "a.jpg", None, tmp_path / "a.txt", NAMES)
    assert "too large" in str(raw_labels_of(film)[0].problem)
