"""The only door to Ultralytics' prediction: films in, masks at full resolution and levels out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from spineseg.decoding.decode import read_film
from spineseg.errors import WeightsError
from spineseg.files import shown
from spineseg.levels import CLASS_INDEX, CLASS_NAMES
from spineseg.metrics import MOST_DETECTIONS
from spineseg.prediction.box_masks import box_masks
from spineseg.prediction.detections import Detection, Prediction
from spineseg.prediction.network_file import load_network


class Predictor:
    """A loaded network. Its class names are mapped to the 24 levels by name."""

    def __init__(
        self,
        weights: Path,
        *,
        image_size_px: int,
        device: str = "cpu",
        confidence: float = 0.001,
        iou: float = 0.7,
        trust: bool = False,
        network: Any = None,
    ) -> None:
        """Load `weights`; `device` is 'cpu' or a CUDA device's number.

        With `trust`, a .pt file is loaded in full, and runs the code it holds. A `network` that is
        loaded already is taken over, and changed, instead of what lies there. Raises WeightsError
        for a file that is no segmentation network of vertebra levels.
        """
        import torch

        self._torch = torch
        self._device = torch.device("cpu" if device == "cpu" else f"cuda:{device}")
        model = load_network(weights, trust=trust) if network is None else network
        self._columns = _level_columns(model.names, weights)
        self.network = model.to(self._device).eval().fuse(verbose=False)
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

    def _predicted(self, films: list[tuple[Path, np.ndarray]]) -> list[Prediction]:
        images = [np.ascontiguousarray(pixels[..., ::-1]) for _, pixels in films]
        start = time.perf_counter()
        predictions = self._predict_batch(images)
        seconds = (time.perf_counter() - start) / len(films)
        return [
            Prediction(path, pixels.shape[0], pixels.shape[1], found, seconds)
            for (path, pixels), found in zip(films, predictions, strict=True)
        ]

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

    def _predict_batch(self, images: list[np.ndarray]) -> list[tuple[Detection, ...]]:
        from ultralytics.utils.nms import non_max_suppression

        torch = self._torch
        with torch.inference_mode():
            output = self.network(self.fitted(images))[0]
            raw, prototypes = output[0], output[1]
            kept, anchors = non_max_suppression(
                raw,
                self._confidence,
                self._iou,
                multi_label=True,
                max_det=MOST_DETECTIONS,
                nc=len(self._columns),
                max_time_img=10.0,
                return_idxs=True,
            )
            return [
                self._detections(
                    rows, raw[i][:, index.long()], index, prototypes[i], images[i].shape
                )
                for i, (rows, index) in enumerate(zip(kept, anchors, strict=True))
            ]

    def _detections(
        self, rows: Any, raw: Any, anchors: Any, prototypes: Any, shape: tuple[int, ...]
    ) -> tuple[Detection, ...]:
        """Return the detections of one film from its rows (n, 6 + 32) after suppression."""
        from ultralytics.utils.ops import scale_boxes

        torch = self._torch
        if not len(rows):
            return ()
        boxes = scale_boxes((self.image_size_px, self.image_size_px), rows[:, :4].clone(), shape)
        # One anchor may be kept under several levels: its mask is the same.
        _, first, which = np.unique(anchors.cpu().numpy(), return_index=True, return_inverse=True)
        logits = torch.einsum("nk,khw->nhw", rows[first, 6:], prototypes)
        masks = box_masks(
            logits.float().cpu().numpy(), boxes[first].cpu().numpy(), (shape[0], shape[1])
        )
        scores = np.zeros((len(rows), len(CLASS_NAMES)), np.float32)
        scores[:, self._columns] = raw[4 : 4 + len(self._columns)].T.cpu().numpy()
        found, at = rows.cpu().numpy(), boxes.cpu().numpy()
        return tuple(
            Detection(
                level=CLASS_NAMES[self._columns[int(found[i, 5])]],
                confidence=float(found[i, 4]),
                level_scores=scores[i],
                box=at[i],
                mask=masks[which[i]],
            )
            for i in range(len(rows))
        )


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
