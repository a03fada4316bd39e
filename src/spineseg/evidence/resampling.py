"""Patients drawn anew, all films of one together: how sure the score of a single training is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np


def draw_patients(patients: Sequence[str], resamples: int, seed: int) -> np.ndarray:
    """Return how often each film is drawn, (resamples, films), all films of a patient together.

    The same arguments give the same array, which is not to be written to.
    """
    return _drawn(tuple(patients), resamples, seed)


@lru_cache(maxsize=4)
def _drawn(patients: tuple[str, ...], resamples: int, seed: int) -> np.ndarray:
    names, owner = np.unique(np.array(patients), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return np.asarray(drawn[:, owner], dtype=np.float32)
