"""A level that stands once on a film needs no matching: the first detection that meets it does."""

from __future__ import annotations

import numpy as np
import pytest

from spineseg.evaluation.by_level import _hits
from spineseg.evaluation.greedy import greedy_matches
from spineseg.evaluation.precision import IOU_THRESHOLDS


@pytest.mark.parametrize("detections", [1, 2, 5])
def test_one_label_is_met_as_by_the_matching_of_many(detections: int) -> None:
    rng = np.random.default_rng(detections)
    grid = np.concatenate([IOU_THRESHOLDS, [0.0, 0.3, 0.999, 1.0]])  # Ties and edges, too.
    for _ in range(300):
        overlap = rng.choice(grid, (detections, 1))
        matched = [greedy_matches(overlap, threshold) >= 0 for threshold in IOU_THRESHOLDS]
        assert np.array_equal(_hits(overlap), np.array(matched))
