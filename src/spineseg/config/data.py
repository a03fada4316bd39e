"""Which data: sources, and how they are mended, split and augmented."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from spineseg.config.model import PLAIN, Chosen, Fraction, Model, Pixels, Share, Unit, no_truth
from spineseg.levels import RANK

Films = Annotated[int, Unit("films")]


class PhantomSource(Model):
    """Synthetic X-rays, made on the spot and reproducible from the seed."""

    kind: Literal["phantom"] = Field(description="Synthetic films, made on the spot.")
    seed: int = Field(0, ge=0, description="The same seed gives the same bytes.")
    frontal_films: Films = Field(ge=3, description="Frontal whole-spine films (T1..L5 labelled).")
    lateral_films: Films = Field(ge=3, description="Lateral neck films (C1..C7 labelled).")
    film_size_px: Pixels = Field(640, ge=64, le=2048, description="Side of the square films.")
    difficulty: Fraction = Field(0.5, description="0 clean and straight, 1 noisy and curved.")

    # By their names: a validator of all fields cannot see the tag of a union.
    _numbers = field_validator(
        "seed", "frontal_films", "lateral_films", "film_size_px", "difficulty", mode="before"
    )(no_truth)


class LabelledSource(Model):
    """What every source of somebody's labels may say about their class names."""

    class_map: dict[str, str] = Field(
        default_factory=dict,
        description="Class name there -> level, for names that do not say it (T1, t-01, Th1 do).",
    )
    drop_classes: tuple[str, ...] = Field(
        (), description="Class names whose labels are left out: what is no vertebra, as 'sacrum'."
    )

    true_sizes: Path | None = Field(
        None,
        description="CSV with film, width_px and height_px: how large films were before they were "
        "squeezed to a square. Angles and heights are measured on films of known shape only.",
    )

    @field_validator("class_map")
    @classmethod
    def _onto_levels(cls, value: dict[str, str]) -> dict[str, str]:
        for name, level in value.items():
            if level not in RANK:
                raise ValueError(f"{name!r} must map to one of C1..C7, T1..T12, L1..L5")
        return value


class LocalSource(LabelledSource):
    """A folder of one's own: YOLO segmentation, Darknet, COCO, labelme or Label Studio's JSON."""

    kind: Literal["local"] = Field(description="A folder of one's own.")
    path: Path = Field(
        description="The folder that holds data.yaml or the annotations' JSON, or that file; "
        "relative to the working folder."
    )


class RoboflowSource(LabelledSource):
    """A project on Roboflow, downloaded with the user's key."""

    kind: Literal["roboflow"] = Field(description="A project on Roboflow.")
    workspace: str = Field(
        pattern=PLAIN, description="The first name in the project's address, after universe."
    )
    project: str = Field(pattern=PLAIN, description="The second name in its address.")
    version: int | None = Field(
        None, ge=1, description="Version; null: the newest, looked up once and written down."
    )

    _number = field_validator("version", mode="before")(no_truth)


Source = Annotated[PhantomSource | LocalSource | RoboflowSource, Field(discriminator="kind")]
Leak = Literal["near-duplicates", "shared-patients", "shared-radiographs"]


class DataConfig(Chosen):
    """Which sources are merged into the 24-level dataset, how they are mended and split."""

    sources: tuple[Source, ...] = Field(
        min_length=1, description="Where the films come from: one or several, merged."
    )
    boxes: Literal["refuse", "rectangle"] = Field(
        "refuse", description="What becomes of a box among outlines: an error, or a rectangle."
    )
    damaged: Literal["refuse", "drop"] = Field(
        "refuse", description="What becomes of films and labels that nothing can mend."
    )
    split: Literal["patients", "keep"] = Field(
        "patients", description="'patients': split anew by patient; 'keep': the sources' own split."
    )
    valid_fraction: Share = Field(
        0.2, gt=0, lt=0.9, description="Share of patients for validation."
    )
    test_fraction: Share = Field(
        0.0, ge=0, lt=0.9, description="Share of patients for the test part, which no search sees."
    )
    split_seed: int = Field(0, ge=0, description="Seed of the division by patient.")
    patient_pattern: str | None = Field(
        None,
        description="Regular expression; its first group, found in a file name, is the patient. "
        "null: each radiograph is a patient of its own.",
    )
    patients_from: Literal["names", "folders", "dicom-patient", "dicom-study"] = Field(
        "names",
        description="Who a film's patient is: by its file name; by the folder it lies in, the "
        "outermost within its source; or, for DICOM, by its PatientID or StudyInstanceUID "
        "(hashed). Films without one go by their names.",
    )
    group_near_duplicates: bool = Field(
        True, description="Keep radiographs that look alike in one part, whatever their names."
    )
    accept_leaks: tuple[Leak, ...] = Field(
        (), description="Kinds of leak between parts that do not stop a study."
    )
    augmentation: Literal["none", "original"] = Field(
        "none", description="'original': flipped, turned and rotated copies of training films."
    )
    augmented_copies: int = Field(2, ge=1, le=10, description="Copies of each training film.")

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> DataConfig:
        if self.valid_fraction + self.test_fraction >= 1:
            raise ValueError(
                f"valid_fraction {self.valid_fraction:g} and test_fraction {self.test_fraction:g} "
                "must leave a part to train on; lower one"
            )
        return self

    @model_validator(mode="after")
    def _only_parts_that_are_there_are_kept(self) -> DataConfig:
        if self.split == "keep" and any(source.kind == "phantom" for source in self.sources):
            raise ValueError(
                "split 'keep' takes the sources' own parts, and a phantom is drawn without any; "
                "set split: patients"
            )
        return self

    @field_validator("patient_pattern")
    @classmethod
    def _has_a_group(cls, value: str | None) -> str | None:
        try:
            if value is not None and not re.compile(value).groups:
                raise ValueError(f"must have a group, the patient, as (\\d+); {value!r} has none")
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression ({error})") from None
        return value
