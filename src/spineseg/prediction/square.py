"""Where a film lies in the square that networks take, as Ultralytics' LetterBox puts it there."""

from __future__ import annotations

import numpy as np


def film_in_square(shape: tuple[int, int], side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the left top and the right bottom corner of a film (height, width): x, y in px."""
    size = np.array([shape[1], shape[0]])
    inside = np.rint(size * min(side / size))
    low = np.rint((side - inside) / 2 - 0.1)
    return low, low + inside
