"""Brings grey values of any depth to 8 bits: by the range that they fill."""

from __future__ import annotations

import numpy as np

_TAIL = 0.05  # Per cent of the pixels at either end that may be hot, dead or a marker's.
_WIDER = 4  # So many times wider than what holds the rest, the tails would flatten the film.


def filled_range(values: np.ndarray) -> tuple[float, float, bool]:
    """Return the least and greatest value to show, and whether some values lie beyond.

    All of them, unless a few pixels (0.05 % at either end) leave the others less than a quarter of
    the scale: one hot pixel must not leave a 12-bit film in the lowest sixteen of 256 greys. Values
    that are no number do not count. Raises ValueError where there is no number at all.
    """
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if not known.size:
        raise ValueError("holds no number")
    least, greatest = float(known.min()), float(known.max())
    low, high = (float(v) for v in np.percentile(known, [_TAIL, 100 - _TAIL]))
    if high > low and greatest - least > _WIDER * (high - low):
        return low, high, True
    return least, greatest, False


def to_8_bits(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values of any type as uint8: `low` and what lies beyond it is 0, `high` 255.

    `low` may be the greater one: the values count from white. What is no number is 0.
    """
    scale = 255.0 / (high - low) if high != low else 0.0
    scaled = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
    return np.rint(np.clip((scaled - low) * scale, 0, 255)).astype(np.uint8)
