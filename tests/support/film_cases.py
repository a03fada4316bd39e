"""Made-up films with labels and detections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pycocotools.mask as coco_mask

from spineseg.evaluation.records import FilmRecord, Found, Truth, matched_record
from spineseg.films import LabelledFilm, Outline
from spineseg.levels import CLASS_NAMES
from spineseg.prediction.detections import Detection, Prediction
from spineseg.prediction.film_mask import FilmMask

SIDE = 60


def blob(rng: np.random.Generator) -> np.ndarray:
    """Return an integer-cornered quadrilateral in pixels."""
    x, y = rng.integers(2, 36, 2)
    w, h = rng.integers(6, 20, 2)
    return np.array([[x, y], [x + w, y + 1], [x + w - 1, y + h], [x + 1, y + h - 1]], float)


def rle(polygon: np.ndarray) -> dict:
    return coco_mask.merge(coco_mask.frPyObjects([polygon.ravel().tolist()], SIDE, SIDE))


def mask(polygon: np.ndarray) -> FilmMask:
    return FilmMask.of(coco_mask.decode(rle(polygon)))


def film_case(
    name: str,
    truths: list[tuple[str, np.ndarray]],
    detections: list[tuple[str, float, np.ndarray]],
) -> tuple[LabelledFilm, Prediction]:
    """Return a film with labels and detections, polygons in pixels, most confident first."""
    found = [
        Detection(
            level, confidence, np.zeros(24, np.float32), np.array([*p.min(0), *p.max(0)]), mask(p)
        )
        for level, confidence, p in sorted(detections, key=lambda d: -d[1])
    ]
    outlines = tuple(Outline(level, polygon / SIDE) for level, polygon in truths)
    return (
        LabelledFilm(Path(name), outlines),
        Prediction(Path(name), SIDE, SIDE, tuple(found), 0.01),
    )


def random_case(seed: int) -> list[tuple[LabelledFilm, Prediction]]:
    """Return films with labels, and detections near them, elsewhere, doubled and tied."""
    rng = np.random.default_rng(seed)
    levels = CLASS_NAMES[: int(rng.integers(1, 5))]
    films = []
    for i in range(int(rng.integers(1, 7))):
        truths = [
            (levels[int(rng.integers(len(levels)))], blob(rng))
            for _ in range(int(rng.integers(i == 0, 5)))
        ]
        detections = []
        for level, polygon in truths:
            for _ in range(int(rng.integers(0, 3))):
                detections.append((level, polygon + rng.integers(-3, 4, 2)))
        for _ in range(int(rng.integers(0, 4))):
            detections.append((levels[int(rng.integers(len(levels)))], blob(rng)))
        found = [(level, float(rng.integers(1, 8)) / 8, p) for level, p in detections]
        films.append(film_case(f"film{i}.png", truths, found))
    return films


def record(
    truths: list[str],
    found: list[tuple[str, float, int | None]],
    iou: float = 0.9,
    box_iou: float = 0.9,
    boundary_px: float | None = None,
) -> FilmRecord:
    """Return a record; each detection overlaps the label of the given number, or none."""

    def overlap(value: float) -> list[list[float]]:
        return [[value if i == at else 0.0 for i in range(len(truths))] for _, _, at in found]

    return matched_record(
        name="x.png",
        height=10,
        width=10,
        seconds=0.02,
        truths=[Truth(level=level, box=(0, 0, 1, 1)) for level in truths],
        found=[
            Found(
                level=level,
                confidence=c,
                level_scores=(0.0,) * 24,
                box=(0, 0, 1, 1),
                polygon=(),
                boundary_px=None if at is None else boundary_px,
            )
            for level, c, at in found
        ],
        box_iou=overlap(box_iou),
        mask_iou=overlap(iou),
    )
