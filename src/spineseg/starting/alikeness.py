"""How much more alike films of one group look than films of different ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spineseg.data.likeness.descriptor import descriptors_of
from spineseg.data.likeness.waves import plain_waves

_LEAST_PAIRS = 20  # Of one group: fewer say nothing.


class Alike:
    """Correlations of films' waves, of those that were read, by their places among all films."""

    def __init__(self, hashes: Mapping[int, bytes]) -> None:
        """Describe films by their `film_hash`es; films that were not read are in none."""
        self._row = {place: row for row, place in enumerate(hashes)}
        content = np.frombuffer(b"".join(hashes.values()), np.uint8).reshape(len(hashes), -1)
        waves = plain_waves(descriptors_of(content).waves)
        self._likeness = waves @ waves.T  # (films, films) float32, -1..1

    def within(self, groups: Sequence[Sequence[int]]) -> float | None:
        """Return how often two films of one group are more alike than two of different ones.

        0.5 is chance, 1 always (the area under the ROC curve, Mann-Whitney's U over all pairs);
        none where too few pairs were read.
        """
        of = np.full(len(self._row), -1)
        for number, places in enumerate(groups):
            of[[self._row[place] for place in places if place in self._row]] = number
        rows, columns = np.triu_indices(len(of), 1)
        told = (of[rows] >= 0) & (of[columns] >= 0)
        likeness = self._likeness[rows[told], columns[told]]
        same = (of[rows] == of[columns])[told]
        inside, outside = likeness[same], np.sort(likeness[~same])
        if len(inside) < _LEAST_PAIRS or not len(outside):
            return None
        return float((np.searchsorted(outside, inside) / len(outside)).mean())
