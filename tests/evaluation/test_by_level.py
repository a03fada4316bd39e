"""All levels looked for at once give what each gives by itself, to the last digit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spineseg.evaluation.by_level import level_matches, matches_by_level
from spineseg.evaluation.records import FilmRecord, Found, Truth, matched_record
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.metrics import MOST_DETECTIONS, Kind

KINDS: tuple[Kind, ...] = ("mask", "box")
LEVELS = list(ANATOMICAL_ORDER[:5])
BOX = (0.0, 0.0, 1.0, 1.0)


def _film(rng: np.random.Generator, truths: list[str], detections: int) -> FilmRecord:
    """Return a film of such labels; confidences and overlaps are coarse, so that many are equal."""
    certain = sorted(rng.integers(1, 20, detections) / 20, reverse=True)
    there = [*LEVELS, ANATOMICAL_ORDER[7]]
    shape = (detections, len(truths))
    return matched_record(
        name=f"{rng.integers(10**9)}.png",
        height=10,
        width=10,
        seconds=0.0,
        truths=[Truth(level=level, box=BOX) for level in truths],
        found=[
            Found(
                level=there[rng.integers(len(there))],
                confidence=float(value),
                level_scores=(),
                box=BOX,
                polygon=(),
            )
            for value in certain
        ],
        box_iou=(rng.integers(0, 21, shape) / 20).tolist(),
        mask_iou=(rng.integers(0, 21, shape) / 20).tolist(),
    )


def _same(records: list[FilmRecord], levels: list[str]) -> int:
    """Hold all levels at once against each by itself; return how many hits were compared."""
    hits = 0
    for kind in KINDS:
        found = matches_by_level(records, levels, kind)
        assert len(found) == len(levels)
        for one, level in zip(found, levels, strict=True):
            wanted = level_matches(records, level, kind)
            for field in dataclasses.fields(wanted):
                ours, theirs = getattr(one, field.name), getattr(wanted, field.name)
                assert ours.dtype == theirs.dtype, (level, field.name)
                assert ours.shape == theirs.shape, (level, field.name)
                assert (ours == theirs).all(), (level, field.name)
            hits += int(wanted.hits.sum())
    return hits


@pytest.mark.parametrize("seed", range(6))
def test_all_at_once_is_each_by_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truths = [LEVELS, LEVELS[:3], [], [*LEVELS, LEVELS[1]], [LEVELS[0]] * 3, [ANATOMICAL_ORDER[9]]]
    records = [_film(rng, each, int(rng.integers(0, 60))) for each in truths * 3]
    assert _same(records, LEVELS) > 100


def test_of_a_level_no_more_detections_count_than_of_a_film() -> None:
    rng = np.random.default_rng(3)
    records = [_film(rng, LEVELS, 12 * MOST_DETECTIONS), _film(rng, LEVELS[:1] * 2, 40)]
    assert _same(records, LEVELS) > 100
    most = matches_by_level(records[:1], LEVELS, "mask")[0]
    assert len(most.confidences) == MOST_DETECTIONS


@pytest.mark.parametrize("detections", [0, 9])
def test_films_without_labels_or_detections_give_empty_matches(detections: int) -> None:
    rng = np.random.default_rng(1)
    assert _same([_film(rng, [], detections)], LEVELS) == 0
    assert _same([], LEVELS) == 0
