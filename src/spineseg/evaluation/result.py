"""What an evaluation says: the numbers of one set of weights on one part of a dataset."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from spineseg.config.model import Model


class LevelScore(Model):
    """One level's part in an evaluation. A level without instances has no scores (None)."""

    instances: int
    box_ap50: float | None
    mask_ap50: float | None
    mask_ap50_95: float | None
    found: int = Field(description="Instances matched by a detection of any level.")
    right: int = Field(description="Of these, matched by a detection of the right level.")


class _Rates(Model):
    """Counts of numbering, and how well found outlines fit."""

    found_rate: float = Field(description="Labelled vertebrae matched by any detection.")
    right_level_rate: float = Field(description="Labelled vertebrae matched with their level.")
    off_by_one_rate: float = Field(description="Labelled vertebrae matched one level up or down.")
    whole_column_right_rate: float = Field(
        description="Labelled films whose every labelled vertebra is found with its level."
    )
    missed: int
    invented: int = Field(description="Detections that match no labelled vertebra.")
    doubled: int = Field(description="Detections of a level beyond the first in their image.")
    mean_dice: float | None = Field(description="Dice of found masks; None where none is found.")
    mean_boundary_px: float | None = Field(
        description="Mean distance between the outlines of found and labelled masks, both ways, "
        "px of the film; None where none is found."
    )


class ViewScore(_Rates):
    """The part that films of one view have in an evaluation."""

    images: int
    instances: int
    box_map50: float
    box_map50_95: float
    mask_map50: float
    mask_map50_95: float


class Evaluation(_Rates):
    """Scores by COCO's rules at full mask resolution, and what they say of numbering.

    `*_map*` are means over the levels that occur. Numbering is counted at `confidence`,
    after class-agnostic matching at mask IoU 0.5.
    """

    images: int
    instances: int
    box_map50: float
    box_map50_95: float
    mask_map50: float
    mask_map50_95: float
    box_map50_any: float = Field(description="As box_map50, without regard to levels.")
    box_map50_95_any: float
    mask_map50_any: float
    mask_map50_95_any: float
    box_best_f1: float
    box_best_f1_confidence: float
    mask_best_f1: float
    mask_best_f1_confidence: float
    mask_precision: float = Field(description="At the confidence of the best mask F1.")
    mask_recall: float = Field(description="At the confidence of the best mask F1.")
    confidence: float = Field(description="Detections below it do not count for numbering.")
    seconds_per_image: float = Field(description="Prediction, median over the images.")
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
        skipped = {"levels", "f1_curve", "confusion", "confidence", "views"}
        found = self.model_dump(exclude=skipped)
        for view, scores in self.views.items():
            found |= {f"{view}/{key}": value for key, value in scores.model_dump().items()}
        return {f"{prefix}/{k}": float(v) for k, v in found.items() if v is not None}

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        part = path.with_name(path.name + ".part")
        part.write_text(self.model_dump_json(indent=1))
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Evaluation:
        """Read what `save` wrote. Raises FileNotFoundError, pydantic.ValidationError."""
        return cls.model_validate_json(path.read_text())
