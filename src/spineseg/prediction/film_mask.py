"""A mask on a film, kept as the window that it lies in: a vertebra is a hundredth of its film."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pycocotools.mask as coco_mask


@dataclass(frozen=True, eq=False)
class FilmMask:
    """One mask; outside its window, nothing is inside."""

    window: np.ndarray  # (rows, columns) uint8, 0 or 1
    left: int  # of the window, px of the film
    top: int
    film: tuple[int, int]  # height, width in px

    @classmethod
    def of(cls, mask: np.ndarray) -> FilmMask:
        """Return a film-sized mask, (height, width) bool or 0 and 1, cut to where it is not 0."""
        height, width = mask.shape
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return cls(np.zeros((0, 0), np.uint8), 0, 0, (height, width))
        top, left = int(rows[0]), int(columns[0])
        window = mask[top : rows[-1] + 1, left : columns[-1] + 1]
        return cls(np.ascontiguousarray(window, np.uint8), left, top, (height, width))

    @cached_property
    def code(self) -> dict[str, Any]:
        """COCO's run-length code of the film-sized mask, as pycocotools would encode it."""
        rows, columns = self.window.shape
        height, width = self.film
        padded = np.zeros((columns, rows + 1), np.int8)  # A run ends with its column at the latest.
        padded[:, :rows] = self.window.T
        edges = np.flatnonzero(np.diff(padded.ravel(), prepend=0))
        column, row = np.divmod(edges, rows + 1)
        at = (self.left + column) * height + self.top + row
        joined = np.flatnonzero(at[1:] == at[:-1])  # At the film's foot it goes on at the next top.
        at = np.delete(at, np.concatenate([joined, joined + 1]))
        counts = np.diff(at, prepend=0, append=height * width)
        if len(counts) > 1 and not counts[-1]:
            counts = counts[:-1]
        code = {"counts": counts.tolist(), "size": [height, width]}
        return dict(coco_mask.frPyObjects(code, height, width))
