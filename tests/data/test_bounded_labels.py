"""Labels without measure end soon, and in words: scribbles, thousands of points or labels."""

from __future__ import annotations

import numpy as np
import pytest
from good_ends import no_longer_than

from spineseg.data.doubts import doubts_of
from spineseg.data.labels import CleanLabels, RawLabel, clean_labels

SQUARE = np.array([(0.2, 0.2), (0.6, 0.2), (0.6, 0.4), (0.2, 0.4)])


def cleaned(*rings: np.ndarray, name: str = "T1") -> CleanLabels:
    with no_longer_than(10):
        return clean_labels(
            RawLabel(name, f"a.txt:{n}", (ring,)) for n, ring in enumerate(rings, start=1)
        )


@pytest.mark.parametrize("points", [300, 600, 3000, 9999])
def test_a_scribble_is_damaged_and_takes_no_time(points: int) -> None:
    (note,) = cleaned(np.random.default_rng(0).random((points, 2))).notes
    assert note.kind == "damaged" and "crosses itself" in note.text


def test_an_outline_of_many_points_is_told() -> None:
    (note,) = cleaned(np.random.default_rng(0).random((20_000, 2))).notes
    assert note.kind == "damaged" and "20000 points, more than 10000" in note.text


def circle(points: int, noise: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    ring = 0.5 + 0.3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return ring + np.random.default_rng(1).normal(0, noise, ring.shape)


def test_a_trembling_line_is_mended_whatever_its_points() -> None:
    found = cleaned(circle(5000, 0.0005))
    assert [note.kind for note in found.notes] == ["self-crossing"]
    x, y = found.outlines[0].points.T
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    assert area == pytest.approx(np.pi * 0.09, rel=0.01)


def test_an_outline_drawn_round_twice_is_that_outline_and_a_star_is_none() -> None:
    twice = cleaned(np.vstack([SQUARE, SQUARE + 1e-5]))
    assert len(twice.outlines) == 1
    angle = np.arange(5) * 4 * np.pi / 5
    star = 0.5 + 0.3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert not cleaned(star).outlines


def test_more_labels_than_any_film_has_are_one_damage() -> None:
    found = cleaned(*(SQUARE + n * 1e-6 for n in range(20_000)))
    (note,) = found.notes
    assert note.kind == "damaged" and note.where == "a.txt:1" and not found.outlines
    assert "is one of 20000 labels on one film, more than 200" in note.text


def test_two_hundred_labels_of_one_level_are_compared_in_time() -> None:
    outlines = circle(300, 0) * 0.3
    found = cleaned(*(outlines + np.array([0.003 * n, 0.001 * n]) for n in range(200)))
    assert len(found.outlines) + len(found.notes) == 200


def test_doubts_about_very_many_labels_are_few_and_take_no_time() -> None:
    boxes = np.random.default_rng(0).random((5000, 4)) * 500
    with no_longer_than(10):
        found = doubts_of(["T1", "T3"] * 2500, boxes)
    assert {doubt.kind for doubt in found} == {"level-twice", "level-missing"}
