"""What training films say of columns: from where to where they are labelled, and how high."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from spineseg.films import LabelledFilm
from spineseg.levels import ANATOMICAL_ORDER, RANK
from spineseg.prediction.numbering.model import Columns

_MOST_SPANS = 8
_LEAST_FRAMED = 10  # Films that must show a level before its height is relied on.
_LEAST_FRAMING_SD = 0.01


def learnt_from(films: Iterable[LabelledFilm]) -> Columns:
    """Return what training films say of columns."""
    import numpy as np  # Here: every job that is read comes by this module.

    ends: Counter[str] = Counter()
    heights: dict[str, list[float]] = defaultdict(list)
    shown: Counter[str] = Counter()  # films by level
    for film in films:
        ranks = [RANK[outline.level] for outline in film.outlines]
        if ranks:
            ends[f"{ANATOMICAL_ORDER[min(ranks)]}-{ANATOMICAL_ORDER[max(ranks)]}"] += 1
        shown.update({outline.level for outline in film.outlines})
        for outline in film.outlines:
            edges = outline.points[:, 1].min(), outline.points[:, 1].max()
            heights[outline.level].append(float(np.mean(edges)))
    return Columns(
        spans={span: n / ends.total() for span, n in ends.most_common(_MOST_SPANS)},
        framing={
            level: (float(np.mean(values)), max(float(np.std(values)), _LEAST_FRAMING_SD))
            for level, values in heights.items()
            if shown[level] >= _LEAST_FRAMED
        },
    )
