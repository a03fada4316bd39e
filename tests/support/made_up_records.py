"""Records of films as an evaluation leaves them, made up."""

from __future__ import annotations

import numpy as np

from spineseg.evaluation.records import FilmRecord, Found, Truth, matched_record
from spineseg.films import LabelledFilm
from spineseg.levels import CLASS_NAMES


def made_up_record(
    film: LabelledFilm, share: float, rng: np.random.Generator, doubtful: int = 0
) -> FilmRecord:
    """Return a film's record: `share` of its vertebrae found, outlined by 40 points each.

    `doubtful` more detections are too uncertain to count or to be drawn, as networks leave them.
    """
    levels = [outline.level for outline in film.outlines]
    boxes = {lv: (10.0, 10.0 + 20 * i, 50.0, 26.0 + 20 * i) for i, lv in enumerate(levels)}
    found, rows = [], []
    for place, level in enumerate(levels):
        if rng.uniform() > share:
            continue
        told = CLASS_NAMES[min(23, CLASS_NAMES.index(level) + int(rng.uniform() > share))]
        certain = float(rng.uniform(0.3, 0.95))
        found.append(
            Found(
                level=told,
                confidence=certain,
                level_scores=tuple(certain if name == told else 0.01 for name in CLASS_NAMES),
                box=boxes[level],
                polygon=tuple((x, y) for x, y in rng.uniform(0, 1, (40, 2)).round(5).tolist()),
                boundary_px=float(rng.uniform(0.5, 3)),
            )
        )
        overlap = float(rng.uniform(0.5, 0.95))
        rows.append([overlap if other == place else 0.0 for other in range(len(levels))])
    for _ in range(doubtful):
        level = levels[int(rng.integers(len(levels)))]
        certain = float(rng.uniform(0.001, 0.1))
        found.append(
            Found(
                level=level,
                confidence=certain,
                level_scores=tuple(rng.uniform(0, certain, len(CLASS_NAMES)).round(5).tolist()),
                box=boxes[level],
                polygon=(),
            )
        )
        rows.append(rng.uniform(0, 0.6, len(levels)).round(7).tolist())
    order = sorted(range(len(found)), key=lambda i: -found[i].confidence)
    return matched_record(
        name=film.path.name,
        height=600,
        width=100,
        seconds=0.01,
        truths=[Truth(level=level, box=boxes[level]) for level in levels],
        found=[found[i] for i in order],
        box_iou=[rows[i] for i in order],
        mask_iou=[rows[i] for i in order],
    )
