"""Greedy matching by COCO's rules: each detection takes the free label that it overlaps most."""

from __future__ import annotations

import numpy as np


def greedy_matches(overlap: np.ndarray, threshold: float) -> np.ndarray:
    """Return the label that each detection matches, -1 for none; shape (detections,).

    `overlap` is (detections, labels), most confident detection first. Each detection takes the
    label still free that it overlaps most, the last of equals, as pycocotools does.
    """
    matched = np.full(len(overlap), -1)
    free = np.ones(overlap.shape[1], bool)
    least = min(threshold, 1 - 1e-10)
    if not overlap.size:
        return matched
    for i in np.flatnonzero(overlap.max(axis=1) >= least):  # Others meet no label at all.
        allowed = np.where(free, overlap[i], -1.0)
        best = len(allowed) - 1 - int(np.argmax(allowed[::-1]))
        if allowed[best] >= least:
            matched[i] = best
            free[best] = False
    return matched
