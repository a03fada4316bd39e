"""Training films as tensors: put into the network's square, moved and lit by seeded dice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pycocotools.mask as coco_mask
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Sampler

from spineseg.config.training import TrainConfig
from spineseg.decoding.decode import read_film
from spineseg.films import LabelledFilm
from spineseg.levels import CLASS_INDEX
from spineseg.prediction.square import film_in_square
from spineseg.training.seeded import FILM, EpochOrder, seed_of

_GREY = 114  # What surrounds a film in its square, as Ultralytics has it.
_LEAST_LEFT = 0.1  # Of a body's area: less of it in the square, and it is no longer labelled.
_LEAST_SIDE_PX = 1.0  # Of a body's box in the square.


class TrainingFilms(Dataset[dict[str, Any]]):
    """Labelled films, each moved and brightened by dice of its own in each pass.

    A key is a film's index plus its pass times the number of films; what it gives hangs on seed,
    pass and film alone. `lost` counts the labelled bodies that are too small in the square.
    """

    def __init__(self, films: Sequence[LabelledFilm], config: TrainConfig, *, keep: bool) -> None:
        """Prepare to read `films`; with `keep` each is decoded once and stays in memory."""
        self._films, self._config = films, config
        # Here, not as they are asked for: processes that load films share what is there already.
        self._kept = [self._read(film) for film in films] if keep else None
        self._corners = [_corners(film, config.image_size_px) for film in films]
        self.lost = sum(
            _box(corners, config.image_size_px) is None
            for bodies in self._corners
            for corners in bodies
        )

    def __len__(self) -> int:
        return len(self._films)

    def __getitem__(self, key: int) -> dict[str, Any]:
        """Return `pixels` (3, side, side) uint8 red first, `boxes` (n, 4) px, `levels` (n,),
        `masks` (n, side, side) uint8, and the film's index as `film`.
        """
        number, index = divmod(key, len(self))
        dice = np.random.default_rng(seed_of(self._config.seed, FILM, number, index))
        side = self._config.image_size_px
        film, bodies = self._square(index), self._corners[index]
        levels = [CLASS_INDEX[outline.level] for outline in self._films[index].outlines]
        move = _move(dice, self._config)
        kept = _kept(bodies, move, side)
        if bodies and not kept:  # Moved out of sight: a film without bodies teaches little.
            move = np.eye(3)
            kept = _kept(bodies, move, side)
        # The map is of points; a pixel lies half a step from its corner.
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        of_pixels = (np.linalg.inv(half) @ move @ half)[:2]
        pixels = cv2.warpAffine(film, of_pixels, (side, side), borderValue=(_GREY,) * 3)
        gain = 1 + dice.uniform(-1, 1) * self._config.hsv_v
        pixels = np.clip(pixels * gain, 0, 255).astype(np.uint8)
        masks = np.array([_filled(corners, side) for _, corners, _ in kept], np.uint8)
        return {
            "pixels": torch.from_numpy(pixels.transpose(2, 0, 1).copy()),
            "boxes": torch.tensor(np.array([box for _, _, box in kept]), dtype=torch.float32)
            if kept
            else torch.zeros(0, 4),
            "levels": torch.tensor([levels[place] for place, _, _ in kept], dtype=torch.int64),
            "masks": torch.from_numpy(masks.reshape(-1, side, side)),
            "film": index,
        }

    def _square(self, index: int) -> np.ndarray:
        return self._kept[index] if self._kept else self._read(self._films[index])

    def _read(self, film: LabelledFilm) -> np.ndarray:
        """Return a film (side, side, 3), red first, in the middle of its square, as predicted."""
        from ultralytics.data.augment import LetterBox

        fit = LetterBox(self._config.image_size_px, auto=False, stride=32)
        return np.ascontiguousarray(fit(image=read_film(film.path)))


def _corners(film: LabelledFilm, side: int) -> list[np.ndarray]:
    """Return the corners of a film's bodies, (n, 2) px of the square that the film is put in."""
    with Image.open(film.path) as image:
        low, high = film_in_square((image.height, image.width), side)
    return [outline.points * (high - low) + low for outline in film.outlines]


def _move(dice: np.random.Generator, config: TrainConfig) -> np.ndarray:
    """Return the map (3, 3) of a film's square onto itself: zoom, turn, shear, shift, flips."""
    side = config.image_size_px
    zoom = dice.uniform(1 - config.scale, 1 + config.scale)
    angle = dice.uniform(-config.degrees, config.degrees)
    shear = np.tan(np.radians(dice.uniform(-config.shear, config.shear, 2)))
    shift = dice.uniform(0.5 - config.translate, 0.5 + config.translate, 2) * side
    flips = dice.random(2) < [config.fliplr, config.flipud]
    to_middle, turn, slant, back = np.eye(3), np.eye(3), np.eye(3), np.eye(3)
    to_middle[:2, 2] = -side / 2
    turn[:2] = cv2.getRotationMatrix2D((0, 0), angle, zoom)
    slant[0, 1], slant[1, 0] = shear
    back[:2, 2] = shift
    mirror = np.diag([*(1 - 2 * flips), 1.0])
    mirror[:2, 2] = flips * side
    moved: np.ndarray = mirror @ back @ slant @ turn @ to_middle
    return moved


def _kept(
    bodies: Sequence[np.ndarray], move: np.ndarray, side: int
) -> list[tuple[int, np.ndarray, list[float]]]:
    """Return place, corners and box of the bodies that are still to be seen, moved."""
    kept = []
    for place, corners in enumerate(bodies):
        moved = corners @ move[:2, :2].T + move[:2, 2]
        box = _box(moved, side)
        whole = np.ptp(moved, axis=0).prod()
        if box is not None and (box[2] - box[0]) * (box[3] - box[1]) >= _LEAST_LEFT * whole:
            kept.append((place, np.clip(moved, 0, side), box))
    return kept


def _box(corners: np.ndarray, side: int) -> list[float] | None:
    """Return the box of corners in the square, left, top, right, bottom; None for one too small."""
    inside = np.clip(corners, 0, side)
    if np.ptp(inside, axis=0).min() < _LEAST_SIDE_PX:
        return None
    return [*inside.min(axis=0).tolist(), *inside.max(axis=0).tolist()]


def _filled(corners: np.ndarray, side: int) -> np.ndarray:
    """Return the mask (side, side), 0 or 1, of what lies inside corners (n, 2), as COCO fills it.

    As labels are scored; OpenCV fills each pixel that a polygon touches, and half a pixel on all
    sides is a tenth of a body on a small film.
    """
    code = coco_mask.merge(coco_mask.frPyObjects([corners.ravel().tolist()], side, side))
    mask: np.ndarray = coco_mask.decode(code)
    return mask


class Batches(Sampler[list[int]]):
    """The films of a pass in batches, each in `split` parts, one after the other.

    A lone film at the end joins the batch before it: there would be nothing to normalise over. No
    part has fewer than `least` films, where a batch has as many.
    """

    def __init__(self, order: EpochOrder, batch: int, split: int, least: int = 1) -> None:
        """Take the films in an order that hangs on the pass."""
        self._order, self._split, self._least = order, split, least
        films = len(order)
        edges = [*range(0, films, batch), films]
        if films > batch and films % batch == 1:
            del edges[-2]
        self._edges = edges

    def __len__(self) -> int:
        return sum(len(sizes) for sizes in self._sizes())

    def _sizes(self) -> Iterator[list[int]]:
        for first, end in pairwise(self._edges):
            films = end - first
            parts = max(1, min(self._split, films // self._least))
            cuts = [films * part // parts for part in range(parts + 1)]
            yield [b - a for a, b in pairwise(cuts)]

    def __iter__(self) -> Iterator[list[int]]:
        keys = iter(self._order)
        for sizes in self._sizes():
            for size in sizes:
                yield [next(keys) for _ in range(size)]


def loader(
    films: TrainingFilms, batches: Batches, workers: int
) -> DataLoader[list[dict[str, Any]]]:
    """Return what gives a pass's films batch by batch, on the CPU."""
    return DataLoader(films, batch_sampler=batches, num_workers=workers, collate_fn=_collated)


def _collated(films: list[dict[str, Any]]) -> dict[str, Any]:
    """Return films as a batch: `pixels` (n, 3, side, side) float 0..1, the rest a list of each."""
    pixels = torch.stack([film["pixels"] for film in films]).float() / 255
    targets = [{key: film[key] for key in ("boxes", "levels", "masks", "film")} for film in films]
    return {"pixels": pixels, "targets": targets}
