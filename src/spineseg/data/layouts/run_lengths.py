"""COCO's run-length encoded masks -> outlines along their pixels' edges."""

from __future__ import annotations

from typing import Any

import contourpy
import numpy as np
import shapely

_MOST_PIECES = 500  # Of one vertebra: more is noise.
_SIMPLIFY_PX = 0.25  # A traced mask's steps; an outline keeps within this of them.


def traced(shape: dict[str, Any], size: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Return the rings of a mask, each (points, 2) as fractions of width and height.

    Raises ValueError for a mask of another size than its film, one that does not fill it, or an
    empty one.
    """
    height, width = (int(side) for side in shape["size"])
    if (width, height) != size:
        raise ValueError(f"its mask is {width}x{height}, its film {size[0]}x{size[1]}")
    counts = shape["counts"]
    runs = unpacked(counts) if isinstance(counts, str) else [int(run) for run in counts]
    if sum(runs) != width * height or min(runs, default=0) < 0:
        raise ValueError(f"its mask's counts do not fill the film, {width * height} px")
    pixels = (
        np.repeat((np.arange(len(runs)) % 2).astype(np.uint8), runs).reshape(width, height).T
    )  # Down, then right.
    across, down = np.flatnonzero(pixels.any(axis=0)), np.flatnonzero(pixels.any(axis=1))
    if not len(across):
        raise ValueError("its mask is empty")
    left, top = int(across[0]), int(down[0])
    mask = np.pad(pixels[top : down[-1] + 1, left : across[-1] + 1], 1)
    # One pixel of padding: the contour at 0.5 runs half a sample from each pixel's middle.
    lines = contourpy.contour_generator(z=mask.astype(float)).lines(0.5)
    if len(lines) > _MOST_PIECES:
        raise ValueError(f"its mask is in {len(lines)} pieces")
    rings = []
    for line in lines:
        ring = shapely.LinearRing(np.asarray(line) - 0.5 + [left, top]).simplify(_SIMPLIFY_PX)
        rings.append(np.array(ring.coords) / size)
    return tuple(rings)


def unpacked(text: str) -> list[int]:
    """Return the counts of a compressed mask; see `rleFrString` in COCO's own maskApi.c.

    Groups of five bits, the lowest first, a sixth bit for "more"; from the third count on it is
    the difference to the count two before. Raises ValueError for text that ends amid a count.
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"its mask's counts hold {letter!r}")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            if shift > 60:
                raise ValueError("its mask's counts are damaged")
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("its mask's counts are cut short")
    return counts
