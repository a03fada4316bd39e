"""Ultralytics' own plots of a training and of its best weights, drawn beside the training."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from ultralytics.models.yolo.segment import SegmentationTrainer, SegmentationValidator
from ultralytics.utils.metrics import plot_mc_curve, plot_pr_curve
from ultralytics.utils.plotting import plot_labels, plot_results

from spineseg.training.drawing import Drawing


class PlottedTraining(SegmentationTrainer):
    """A training whose labels are drawn beside it, where it has a `drawing`."""

    drawing: Drawing | None = None

    def plot_training_labels(self) -> None:
        """Draw the labels' classes and sizes."""
        if self.drawing is None:
            return super().plot_training_labels()
        labels = self.train_loader.dataset.labels
        boxes, classes = (
            np.concatenate([each[key] for each in labels]) for key in ("bboxes", "cls")
        )
        self.drawing.draw("labels.jpg", _labels, boxes, classes.squeeze(), self.data["names"])
        return None

    def plot_metrics(self) -> None:
        """Draw no curves: a training's end does, however it ended."""


class PlottedValidator(SegmentationValidator):
    """A validation whose curves and matrices are drawn beside what follows it."""

    drawing: Drawing | None = None

    def get_stats(self) -> dict[str, Any]:
        """Return the scores, and have their curves drawn."""
        if self.drawing is None or not self.args.plots:
            return dict(super().get_stats())
        self.args.plots = False
        stats: dict[str, Any] = super().get_stats()
        self.args.plots = True
        for kind, of in (("Box", self.metrics.box), ("Mask", self.metrics.seg)):
            classes = enumerate(of.ap_class_index)
            names = {i: self.metrics.names[key] for i, key in classes if key in self.metrics.names}
            if not len(of.ap_class_index):
                continue
            file = f"{kind}PR_curve.png"
            self.drawing.draw(file, _precision, file, of.px, of.prec_values, of.all_ap, names)
            for word, label, curve in (
                ("F1", "F1", of.f1_curve),
                ("P", "Precision", of.p_curve),
                ("R", "Recall", of.r_curve),
            ):
                file = f"{kind}{word}_curve.png"
                self.drawing.draw(file, _curve, file, of.px, curve, names, label)
        return stats

    def finalize_metrics(self) -> None:
        """Have the confusion matrix drawn, in counts and in shares."""
        if self.drawing is None or not self.args.plots:
            return super().finalize_metrics()
        self.args.plots = False
        super().finalize_metrics()
        self.args.plots = True
        for shares in (True, False):
            name = "confusion_matrix_normalized.png" if shares else "confusion_matrix.png"
            self.drawing.draw(name, _confusion, self.confusion_matrix, shares)
        return None


def draw_results(drawing: Drawing, csv: Path) -> None:
    """Have the curves of a training that is over drawn."""
    drawing.draw("results.png", _results, csv)


# Each draws into a folder. What Ultralytics swallows of a failure is asked of what is within.


def _labels(folder: Path, boxes: np.ndarray, classes: np.ndarray, names: dict[int, str]) -> None:
    plot_labels.__wrapped__(boxes, classes, names=names, save_dir=folder)


def _precision(folder: Path, file: str, *given: Any) -> None:
    px, py, ap, names = given
    plot_pr_curve(px, py, ap, folder / file, names)


def _curve(folder: Path, file: str, *given: Any) -> None:
    px, py, names, label = given
    plot_mc_curve(px, py, folder / file, names, ylabel=label)


def _confusion(folder: Path, matrix: Any, shares: bool) -> None:
    type(matrix).plot.__wrapped__(matrix, normalize=shares, save_dir=folder)


def _results(folder: Path, csv: Path) -> None:
    copy = Path(shutil.copy(csv, folder))  # It draws beside the file that it is given.
    plot_results(file=copy)
    copy.unlink()
