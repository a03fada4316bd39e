"""Outlines drawn on films: labels cover nothing, and every film keeps its size."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from made_up_films import column

from spineseg.films import Outline
from spineseg.overlay import Label, Shape, draw_overlay, draw_shapes


def shapes_of(outlines: tuple[Outline, ...]) -> list[Shape]:
    return [Shape(o, f"{o.level} {o.confidence:.2f}", (255, 0, 0)) for o in outlines]


def covers(a: Label, left: float, top: float, right: float, bottom: float) -> bool:
    return a.left < right and a.right > left and a.top < bottom and a.bottom > top


@pytest.mark.parametrize("size", [(128, 128), (224, 224), (640, 640), (2000, 740), (700, 2000)])
@pytest.mark.parametrize(("shift", "bend"), [(0.0, 0.0), (0.0, 0.2), (0.45, 0.0), (-0.2, 0.15)])
def test_labels_cover_no_label_and_no_body(
    size: tuple[int, int], shift: float, bend: float
) -> None:
    outlines = column(shift, bend=bend)
    canvas, labels = draw_shapes(np.zeros((*size, 3), np.uint8), shapes_of(outlines))
    height, width = canvas.shape[:2]
    factor = max(1.0, 640 / max(size))
    assert len(labels) == 17 and max(height, width) >= 640
    for a, b in itertools.combinations(labels, 2):
        assert not covers(a, b.left, b.top, b.right, b.bottom)
    for label, outline in itertools.product(labels, outlines):
        box = np.concatenate([outline.points.min(0), outline.points.max(0)])
        box *= np.tile([size[1] * factor, size[0] * factor], 2)
        assert not covers(label, *box)
    assert all(0 <= label.left < label.right <= width for label in labels)
    assert all(0 <= label.top < label.bottom <= height for label in labels)


def test_an_overlay_keeps_the_films_size() -> None:
    film = np.zeros((900, 700, 3), np.uint8)
    drawn = draw_overlay(film, column())
    assert drawn.shape == film.shape and drawn.dtype == np.uint8 and not film.any()
    assert drawn.any() and draw_overlay(film, ()).shape == film.shape


def test_a_grey_film_is_refused() -> None:
    with pytest.raises(ValueError, match=r"RGB film"):
        draw_overlay(np.zeros((10, 10), np.uint8), column())
