"""What an evaluation says: the numbers of one set of weights on one part of a dataset."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from spineseg.config.model import Model
from spineseg.files import write_whole


class LevelScore(Model):
    """One level's part in an evaluation. A level without instances has no scores (None)."""

    instances: int
    box_ap50: float | None
    mask_ap50: float | None
    mask_ap50_95: float | None
    found: int = Field(description="Instances matched by a detection of any level.")
    right: int = Field(description="Of these, matched by a detection of the right level.")


class _Scores(Model):
    """Average precision, rates, kinds of error, and how well found outlines fit."""

    films: int
    instances: int
    scores: dict[str, float] = Field(description="Each metric of the table in spineseg/metrics.py.")
    missed: int
    invented: int = Field(description="Detections that meet no labelled vertebra.")
    doubled: int = Field(description="Detections of a level beyond the first on their film.")
    mean_dice: float | None = Field(description="Dice of found masks; None where none is found.")
    mean_boundary_px: float | None = Field(
        description="Mean distance between the outlines of found and labelled masks, both ways, "
        "px of the film; None where none is found."
    )
    outline_error: float | None = Field(
        None, description="The same distance as a share of the film's height."
    )
    cobb_error_deg: float | None = Field(
        None,
        description="Mean absolute error of the largest Cobb angle against the labels', degrees; "
        "None where no frontal film's true shape is known.",
    )
    centreline_error_deg: float | None = Field(
        None,
        description="The same of the centreline's angle, against the labels' largest Cobb angle: "
        "what coarse masks still tell.",
    )
    disc_ratio_error: float | None = Field(
        None,
        description="Mean absolute error of disc heights over the depth of the body above; None "
        "where no lateral film's true shape is known.",
    )
    not_measured: int = Field(
        0, description="Films that their labels measure and what was found does not."
    )

    def value(self, name: str) -> float:
        """Return a metric of the table, or another of the scalar scores, by its name.

        Raises AttributeError for a name that is neither.
        """
        return float(self.scores[name] if name in self.scores else getattr(self, name))

    def known(self, name: str) -> float | None:
        """Return the same, None for a scalar score that could not be measured."""
        is_there = name in self.scores or getattr(self, name) is not None
        return self.value(name) if is_there else None


class ViewScore(_Scores):
    """The part that films of one view have in an evaluation."""


class Evaluation(_Scores):
    """Scores by COCO's rules at full mask resolution, and what they say of numbering.

    Average precisions are means over the levels that occur. Numbering is counted at `confidence`,
    after class-agnostic matching at mask IoU 0.5.
    """

    any_level: dict[str, float] = Field(
        description="Each average precision once more, without regard to levels."
    )
    box_best_f1: float
    box_best_f1_confidence: float
    mask_best_f1: float
    mask_best_f1_confidence: float
    mask_precision: float = Field(description="At the confidence of the best mask F1.")
    mask_recall: float = Field(description="At the confidence of the best mask F1.")
    confidence: float = Field(description="Detections below it do not count for numbering.")
    seconds_per_film: float = Field(description="Prediction, median over the films.")
    levels: dict[str, LevelScore] = Field(description="By level, in anatomical order.")
    views: dict[str, ViewScore] = Field(description="By view, `frontal` and `lateral`.")
    f1_curve: dict[str, list[float]] = Field(
        description="'confidence' and, at each, precision, recall and F1: 'box_f1', "
        "'mask_precision', ..."
    )
    confusion: dict[str, dict[str, int]] = Field(
        description="true level or 'background' -> predicted level or 'missed' -> count; "
        "zero counts left out."
    )

    def metrics(self, prefix: str = "best") -> dict[str, float]:
        """Return the scalar scores under their tracking names, `best/...`; none that is None."""
        found = _scalars(self) | {f"{name}_any": value for name, value in self.any_level.items()}
        for view, scores in self.views.items():
            found |= {f"{view}/{key}": value for key, value in _scalars(scores).items()}
        return {f"{prefix}/{key}": value for key, value in found.items()}

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_whole(path, self.model_dump_json(indent=1))

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """Read what `save` wrote. Raises FileNotFoundError, pydantic.ValidationError."""
        return cls.model_validate_json(path.read_text())


def _scalars(scores: _Scores) -> dict[str, float]:
    """Return the numbers of an evaluation or a view; `confidence` is a setting and no score."""
    plain = {k: v for k, v in scores if isinstance(v, int | float) and k != "confidence"}
    return {key: float(value) for key, value in (scores.scores | plain).items()}
