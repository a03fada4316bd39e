"""The one way from a film to what a network sees on it, whatever family the network is of.

Films come in, letterboxed to the network's square; boxes, masks at the film's own resolution and
the scores of all 24 levels go out. What differs between families is in a module for each.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from spineseg.decoding.decode import read_film
from spineseg.errors import WeightsError
from spineseg.files import shown
from spineseg.levels import CLASS_INDEX, CLASS_NAMES
from spineseg.prediction.built import room_of
from spineseg.prediction.detections import Detection, Prediction
from spineseg.prediction.film_mask import FilmMask
from spineseg.prediction.network_file import load_network


@dataclass(frozen=True)
class Rows:
    """What a network sees on one film, a row a detection, most confident first."""

    boxes: np.ndarray  # (n, 4) float: x1, y1, x2, y2 in px of the film
    classes: np.ndarray  # (n,) int, of the network's own
    confidence: np.ndarray  # (n,) float, 0..1
    scores: np.ndarray  # (n, classes) float, 0..1: of every class, of the one body
    masks: Sequence[FilmMask]  # n

    @classmethod
    def none(cls, classes: int) -> Rows:
        """Return no rows of a network of so many classes."""
        empty = np.zeros(0)
        return cls(np.zeros((0, 4)), empty.astype(int), empty, np.zeros((0, classes)), ())


class Segmenter(ABC):
    """A loaded network that outlines and names vertebrae.

    Its class names are mapped to the 24 levels by name.
    """

    def __init__(
        self,
        network: Any,
        weights: Path,
        *,
        image_size_px: int,
        device: str,
        confidence: float,
        iou: float,
    ) -> None:
        """Take over, and change, a network that `weights` names.

        Raises WeightsError where its classes are no levels of vertebrae.
        """
        import torch

        self._torch = torch
        self._device = torch.device("cpu" if device == "cpu" else f"cuda:{device}")
        self._columns = _level_columns(network.names, weights)
        self.network = self._prepared(network.to(self._device).eval())
        self.image_size_px = image_size_px
        self._confidence = confidence
        self._iou = iou

    def predict(self, path: Path) -> Prediction:
        """Return the detections on one film. Raises DataError for a file that is no film."""
        return self.predict_film(read_film(path), path)

    def predict_film(self, pixels: np.ndarray, path: Path) -> Prediction:
        """Return the detections on one decoded film, (height, width, 3) uint8 RGB.

        `path` names it. Alone, a film has the same answer wherever it is asked for; among others
        rounding differs, and now and then a pixel of a mask.
        """
        return self._predicted([(path, pixels)])[0]

    def predict_many(self, paths: Iterable[Path], batch: int = 16) -> Iterator[Prediction]:
        """Yield the detections on each film, in order, `batch` films at a time."""
        remaining = iter(paths)
        while group := list(islice(remaining, batch)):
            yield from self._predicted([(path, read_film(path)) for path in group])

    @property
    def exportable(self) -> bool:
        """Whether the network can be written for other runtimes, by `onnx_file`."""
        return False

    @property
    def levels(self) -> tuple[str, ...]:
        """The level of each of the network's classes."""
        return tuple(CLASS_NAMES[column] for column in self._columns)

    def fitted(self, images: list[np.ndarray]) -> Any:
        """Return what the network takes of films (height, width, 3; blue first): a tensor.

        (films, 3, side, side) float32, red first, 0..1, the film in the middle of grey 114/255.
        """
        from ultralytics.data.augment import LetterBox

        fit = LetterBox(self.image_size_px, auto=False, stride=32)
        stack = np.stack([fit(image=image) for image in images])[..., ::-1].transpose(0, 3, 1, 2)
        pixels = self._torch.from_numpy(np.ascontiguousarray(stack)).to(self._device)
        return pixels.float() / 255

    def _predicted(self, films: list[tuple[Path, np.ndarray]]) -> list[Prediction]:
        images = [np.ascontiguousarray(pixels[..., ::-1]) for _, pixels in films]
        start = time.perf_counter()
        with self._torch.inference_mode():
            rows = self._rows(images)
        found = [self._detections(each) for each in rows]
        seconds = (time.perf_counter() - start) / len(films)
        return [
            Prediction(path, pixels.shape[0], pixels.shape[1], detections, seconds)
            for (path, pixels), detections in zip(films, found, strict=True)
        ]

    def _detections(self, rows: Rows) -> tuple[Detection, ...]:
        scores = np.zeros((len(rows.boxes), len(CLASS_NAMES)), np.float32)
        scores[:, self._columns] = rows.scores
        return tuple(
            Detection(
                level=CLASS_NAMES[self._columns[int(rows.classes[i])]],
                confidence=float(rows.confidence[i]),
                level_scores=scores[i],
                box=rows.boxes[i],
                mask=rows.masks[i],
            )
            for i in range(len(rows.boxes))
        )

    def _on_film(self, boxes: Any, shape: tuple[int, int]) -> Any:
        """Return boxes (n, 4) of the network's square in px of a film of that shape, clipped."""
        from ultralytics.utils.ops import scale_boxes

        return scale_boxes((self.image_size_px, self.image_size_px), boxes.clone(), shape)

    def _prepared(self, network: Any) -> Any:
        """Return a network made ready to predict."""
        return network

    @abstractmethod
    def _rows(self, images: list[np.ndarray]) -> list[Rows]:
        """Return what the network sees on each film, (height, width, 3) uint8, blue first."""


def load_segmenter(
    weights: Path,
    *,
    image_size_px: int,
    device: str = "cpu",
    confidence: float = 0.001,
    iou: float = 0.7,
    trust: bool = False,
    network: Any = None,
) -> Segmenter:
    """Return the network in `weights`; `device` is 'cpu' or a CUDA device's number.

    Detections less certain than `confidence` are left out, and of those of one level that overlap
    by more than `iou` all but one. With `trust`, a .pt file is loaded in full, and runs the code it
    holds. A `network` that is loaded already is taken over, and changed, instead of what lies
    there. Raises WeightsError for a file that is no segmentation network of vertebra levels.
    """
    loaded = load_network(weights, trust=trust) if network is None else network
    made: Segmenter = room_of(getattr(loaded, "architecture", "")).FamilySegmenter(
        loaded,
        weights,
        image_size_px=image_size_px,
        device=device,
        confidence=confidence,
        iou=iou,
    )
    return made


def _level_columns(names: dict[int, str], weights: Path) -> list[int]:
    """Return the place among the 24 levels of each of the network's classes, each of its own."""
    ordered = [str(names[index]).strip() for index in sorted(names)]
    unknown = [shown(name[:40]) for name in ordered if name.upper() not in CLASS_INDEX]
    if unknown:
        raise WeightsError(
            f"{shown(weights)}: its classes ({', '.join(unknown[:5])}"
            f"{', ...' if len(unknown) > 5 else ''}) are no vertebra levels; name another file"
        )
    columns = [CLASS_INDEX[name.upper()] for name in ordered]
    twice = [
        name for name, column in zip(ordered, columns, strict=True) if columns.count(column) > 1
    ]
    if twice:
        raise WeightsError(
            f"{shown(weights)}: its classes give {twice[0].upper()} more than once; name another "
            "file"
        )
    return columns
