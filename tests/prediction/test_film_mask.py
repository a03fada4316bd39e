"""Masks in windows have the run-length codes that pycocotools gives the whole film."""

from __future__ import annotations

import numpy as np
import pycocotools.mask as coco_mask
import pytest

from spineseg.prediction.film_mask import FilmMask


def same(mask: np.ndarray, found: FilmMask) -> None:
    wanted = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    assert found.code == wanted
    assert (coco_mask.decode(found.code) == mask).all()


@pytest.mark.parametrize("seed", range(60))
def test_the_code_is_that_of_the_whole_film(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 40, 2)
    mask = np.zeros((height, width), np.uint8)
    top, bottom = sorted(rng.integers(0, height + 1, 2))
    left, right = sorted(rng.integers(0, width + 1, 2))
    mask[top:bottom, left:right] = rng.random((bottom - top, right - left)) < rng.choice([0.2, 0.9])
    same(mask, FilmMask.of(mask))
    box = mask[top:bottom, left:right]
    same(mask, FilmMask(box, int(left), int(top), (int(height), int(width))))


@pytest.mark.parametrize(
    "filled",
    [np.s_[:, :], np.s_[:, 2:5], np.s_[4:, 3:], np.s_[:3, :2], np.s_[9:, 7:], np.s_[0:0, 0:0]],
    ids=["all", "whole columns", "last corner", "first corner", "last pixel", "none"],
)
def test_runs_that_reach_the_film_s_edge_go_on_in_the_next_column(filled: tuple) -> None:
    mask = np.zeros((10, 8), np.uint8)
    mask[filled] = 1
    same(mask, FilmMask.of(mask))
    same(mask, FilmMask(mask, 0, 0, (10, 8)))
