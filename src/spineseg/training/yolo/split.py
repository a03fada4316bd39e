"""A batch in parts, where memory does not do for it whole: their gradients add up to its own."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

_OF_OBJECTS = {"cls", "bboxes", "keypoints", "segments", "obb"}


def parts(batch: dict[str, Any], split: int, *, overlap_mask: bool) -> list[dict[str, Any]]:
    """Return a batch of Ultralytics' as so many of nearly equal size, or as many as it has films.

    With `overlap_mask` there is one mask a film, else one an object.
    """
    films = len(batch["im_file"])
    split = min(split, films)
    edges = [films * number // split for number in range(split + 1)]
    return [_films(batch, first, end, overlap_mask) for first, end in pairwise(edges)]


def _films(batch: dict[str, Any], first: int, end: int, overlap_mask: bool) -> dict[str, Any]:
    film = batch["batch_idx"]
    inside = (film >= first) & (film < end)
    chosen = {}
    for key, value in batch.items():
        if key == "batch_idx":
            chosen[key] = value[inside] - first
        elif key in _OF_OBJECTS or (key == "masks" and not overlap_mask):
            chosen[key] = value[inside]
        else:
            chosen[key] = value[first:end]
    return chosen


def whole_part(films: int, split: int) -> int:
    """Return how many films at a time, of batches of so many, cross no batch's border.

    About a `split`-th: films of one batch are padded to one shape, which other batches differ in.
    """
    most = max(1, films // split)
    return max(size for size in range(1, most + 1) if films % size == 0)
