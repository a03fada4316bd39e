"""The distance between outlines, against a search through all pixels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from spineseg.prediction.film_mask import FilmMask
from spineseg.prediction.outlines import boundary_distance_px


def distance(mask: np.ndarray, other: np.ndarray) -> float:
    return boundary_distance_px(FilmMask.of(mask), FilmMask.of(other))


def edge(mask: np.ndarray) -> np.ndarray:
    """Return the pixels, (pixels, 2), of which one of the four neighbours is not in the mask."""
    rows, columns = mask.shape
    return np.array(
        [
            (y, x)
            for y, x in np.argwhere(mask)
            if not all(
                0 <= v < rows and 0 <= u < columns and mask[v, u]
                for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
            )
        ]
    )


def searched(mask: np.ndarray, other: np.ndarray) -> float:
    one, two = edge(mask), edge(other)
    there, back = cKDTree(two).query(one)[0], cKDTree(one).query(two)[0]
    return float(np.concatenate([there, back]).mean())


def rectangle(top: int, left: int, bottom: int, right: int, shape: tuple = (40, 50)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def patches(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks of one size: patches with holes, or single pixels strewn about."""
    shape = tuple(rng.integers(8, 70, 2))
    smooth = float(rng.choice([0.0, 1.0, 3.0]))
    fields = [gaussian_filter(rng.normal(size=shape), smooth) for _ in range(2)]
    one, two = (f > np.quantile(f, rng.uniform(0.3, 0.98)) for f in fields)
    return one, two


@pytest.mark.parametrize("seed", range(40))
def test_distance_is_that_of_a_search_through_all_outline_pixels(seed: int) -> None:
    one, two = patches(np.random.default_rng(seed))
    assert distance(one, two) == pytest.approx(searched(one, two), abs=1e-4)


@pytest.mark.parametrize("seed", range(10))
def test_distance_is_the_same_both_ways_and_none_to_itself(seed: int) -> None:
    one, two = patches(np.random.default_rng(seed))
    assert distance(one, two) == pytest.approx(distance(two, one), abs=1e-6)
    assert distance(one, one) == distance(two, two) == 0.0


@pytest.mark.parametrize(
    "sides",
    [(0, 0, 12, 9), (28, 41, 40, 50), (0, 30, 7, 50), (33, 0, 40, 8), (0, 0, 40, 50)],
    ids=["top left", "bottom right", "top right", "bottom left", "whole film"],
)
def test_the_film_s_edge_is_an_outline_too(sides: tuple[int, int, int, int]) -> None:
    one, two = rectangle(*sides), rectangle(15, 20, 26, 33)
    assert distance(one, two) == pytest.approx(searched(one, two), abs=1e-4)
    assert distance(one, one) == 0.0


def test_one_pixel_masks_are_as_far_apart_as_their_pixels() -> None:
    corner = rectangle(0, 0, 1, 1)
    assert distance(corner, corner) == 0.0
    assert distance(corner, rectangle(3, 4, 4, 5)) == pytest.approx(5.0, abs=1e-4)
    assert distance(corner, rectangle(39, 49, 40, 50)) == pytest.approx(np.hypot(39, 49), abs=1e-4)
    square = rectangle(10, 10, 13, 13)  # From its middle: 8 outline pixels, and 1 back.
    away = (4 * 1 + 4 * np.sqrt(2) + 1) / 9
    assert distance(square, rectangle(11, 11, 12, 12)) == pytest.approx(away, abs=1e-4)


def test_a_rectangle_grown_by_two_pixels_lies_about_two_pixels_away() -> None:
    inner, outer = rectangle(10, 10, 30, 40), rectangle(8, 8, 32, 42)
    assert 2.0 <= distance(inner, outer) < 2.1


def test_where_a_mask_lies_on_the_film_does_not_matter() -> None:
    near = distance(rectangle(0, 0, 9, 7), rectangle(2, 1, 10, 9))
    far = distance(rectangle(20, 30, 29, 37), rectangle(22, 31, 30, 39))
    assert near == pytest.approx(far, abs=1e-6)
