"""All config models: what one training is, what data it reads, what a study runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from .levels import RANK

Numbering = Literal["argmax", "sequence"]
Probability = Annotated[float, Field(ge=0, le=1)]
SLUG = r"^[a-z0-9][a-z0-9_-]{0,60}$"


class Model(BaseModel):
    """Frozen, checked on creation, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class TrainConfig(Model):
    """One YOLO segmentation training. The defaults are Ultralytics' own, at size n and 250 epochs.

    What the original work ran is `configs/baseline.yaml`.
    """

    model: Literal["yolo11n-seg", "yolo11s-seg", "yolo11m-seg", "yolo11l-seg", "yolo11x-seg"] = (
        Field("yolo11n-seg", description="Architecture: YOLO11 segmentation, size n to x.")
    )
    weights: str = Field(
        "coco",
        description="Starting weights: 'coco' (the published checkpoint of the architecture), "
        "'bundled' (this project's synthetic checkpoint), 'random', or the path of a .pt file.",
    )
    image_size_px: int = Field(640, ge=32, multiple_of=32, description="Side of the square input.")
    batch: int = Field(16, ge=1, description="Images per step.")
    epochs: int = Field(250, ge=1, description="Passes over the training part.")
    patience_epochs: int = Field(
        100, ge=0, description="Stop after so many epochs without gain; 0 never."
    )
    seed: int = Field(0, ge=0, description="Seed of initialisation, order and augmentation.")
    deterministic: bool = Field(True, description="Use deterministic kernels where there are any.")
    amp: bool = Field(True, description="Mixed precision; has an effect on CUDA devices only.")

    optimizer: Literal["auto", "SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSProp"] = Field(
        "auto", description="'auto' lets Ultralytics choose, and then ignores lr0 and momentum."
    )
    lr0: float = Field(0.01, gt=0, le=1, description="Initial learning rate.")
    lrf: float = Field(0.01, gt=0, le=1, description="Final learning rate as a fraction of lr0.")
    momentum: float = Field(0.937, ge=0, lt=1, description="SGD momentum, or beta1 of Adam.")
    weight_decay: float = Field(0.0005, ge=0, le=1, description="L2 regularisation.")
    warmup_epochs: float = Field(3.0, ge=0, description="Epochs of learning-rate warm-up.")
    warmup_bias_lr: float = Field(
        0.1, ge=0, le=1, description="Rate of the biases at the start of warm-up; 'auto' takes 0."
    )
    cos_lr: bool = Field(False, description="Cosine instead of linear learning-rate schedule.")

    box_gain: float = Field(7.5, ge=0, description="Weight of the box loss.")
    cls_gain: float = Field(0.5, ge=0, description="Weight of the class loss.")
    dfl_gain: float = Field(1.5, ge=0, description="Weight of the distribution focal loss.")
    class_weight_power: Probability = Field(
        0.0, description="Class weights: inverse frequency to this power; 0 off, 1 full."
    )

    hsv_h: Probability = Field(0.015, description="Hue jitter, fraction.")
    hsv_s: Probability = Field(0.7, description="Saturation jitter, fraction.")
    hsv_v: Probability = Field(0.4, description="Brightness jitter, fraction.")
    degrees: float = Field(0.0, ge=0, le=180, description="Rotation, plus or minus degrees.")
    translate: Probability = Field(0.1, description="Shift, plus or minus fraction of the side.")
    scale: float = Field(0.5, ge=0, lt=1, description="Zoom, plus or minus fraction.")
    shear: float = Field(0.0, ge=0, le=90, description="Shear, plus or minus degrees.")
    flipud: Probability = Field(0.0, description="Probability of a vertical flip.")
    fliplr: Probability = Field(0.5, description="Probability of a horizontal flip.")
    mosaic: Probability = Field(1.0, description="Probability of a four-image mosaic.")
    close_mosaic_epochs: int = Field(10, ge=0, description="No mosaic in the last so many epochs.")
    mixup: Probability = Field(0.0, description="Probability of blending two images.")
    copy_paste: Probability = Field(0.0, description="Fraction of instances pasted elsewhere.")
    overlap_mask: bool = Field(True, description="Merge overlapping masks into one in training.")
    mask_ratio: Literal[1, 2, 4] = Field(4, description="Downsampling of masks in training.")

    def with_(self, **changes: Any) -> TrainConfig:
        """Return this config with `changes`, checked again.

        Raises pydantic.ValidationError where a change is unknown or breaks a rule.
        """
        return TrainConfig.model_validate({**self.model_dump(), **changes})

    def difference(self, other: TrainConfig) -> dict[str, Any]:
        """Return the fields of `other` that differ from this config."""
        mine = self.model_dump()
        return {key: value for key, value in other.model_dump().items() if value != mine[key]}


class PhantomSource(Model):
    """Synthetic X-rays, made on the spot and reproducible from the seed."""

    kind: Literal["phantom"]
    seed: int = Field(0, ge=0, description="The same seed gives the same bytes.")
    frontal_films: int = Field(ge=3, description="Frontal whole-spine films (T1..L5 labelled).")
    lateral_films: int = Field(ge=3, description="Lateral neck films (C1..C7 labelled).")
    film_size_px: int = Field(640, ge=64, le=2048, description="Side of the square films.")
    difficulty: Probability = Field(0.5, description="0 clean and straight, 1 noisy and curved.")


class LabelledSource(Model):
    """What every source of somebody's labels may say about their class names."""

    class_map: dict[str, str] = Field(
        default_factory=dict,
        description="Class name there -> level, for names that do not say it (T1, t-01, Th1 do).",
    )
    drop_classes: tuple[str, ...] = Field(
        (), description="Class names whose labels are left out: what is no vertebra, as 'sacrum'."
    )

    @field_validator("class_map")
    @classmethod
    def _onto_levels(cls, value: dict[str, str]) -> dict[str, str]:
        for name, level in value.items():
            if level not in RANK:
                raise ValueError(f"{name!r} must map to one of C1..C7, T1..T12, L1..L5")
        return value


class LocalSource(LabelledSource):
    """A folder of one's own: YOLO segmentation layout, or COCO JSON (instance segmentation)."""

    kind: Literal["local"]
    path: Path = Field(
        description="The folder that holds data.yaml or the COCO file, or that file; relative to "
        "the working folder."
    )


class RoboflowSource(LabelledSource):
    """A project on Roboflow, downloaded with the user's key."""

    kind: Literal["roboflow"]
    workspace: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="As in its address.")
    project: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="As in its address.")
    version: int | None = Field(
        None, ge=1, description="Version; none: the newest, looked up once and written down."
    )


Source = Annotated[PhantomSource | LocalSource | RoboflowSource, Field(discriminator="kind")]
Leak = Literal["near-duplicates", "shared-patients", "shared-radiographs"]


class DataConfig(Model):
    """Which sources are merged into the 24-level dataset, how they are mended and split."""

    sources: tuple[Source, ...] = Field(min_length=1)
    boxes: Literal["refuse", "rectangle"] = Field(
        "refuse", description="What becomes of a box among outlines: an error, or a rectangle."
    )
    damaged: Literal["refuse", "drop"] = Field(
        "refuse", description="What becomes of images and labels that nothing can mend."
    )
    split: Literal["patients", "keep"] = Field(
        "patients", description="'patients': split anew by patient; 'keep': the sources' own split."
    )
    val_fraction: float = Field(0.2, gt=0, lt=0.9, description="Share of patients for validation.")
    test_fraction: float = Field(
        0.0, ge=0, lt=0.9, description="Share of patients for the test part, which no search sees."
    )
    split_seed: int = Field(0, ge=0, description="Seed of the division by patient.")
    patient_pattern: str | None = Field(
        None,
        description="Regular expression; its first group, found in a file name, is the patient. "
        "None: each radiograph is a patient of its own.",
    )
    group_near_duplicates: bool = Field(
        True, description="Keep radiographs that look alike in one part, whatever their names."
    )
    accept_leaks: tuple[Leak, ...] = Field(
        (), description="Kinds of leak between parts that do not stop a study."
    )
    augmentation: Literal["none", "original"] = Field(
        "none", description="'original': flipped, turned and rotated copies of training images."
    )
    augmented_copies: int = Field(2, ge=1, le=10, description="Copies of each training image.")

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> DataConfig:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction must leave a part to train on")
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


class Variant(Model):
    """A named difference from the baseline, and the reason to try it."""

    name: str = Field(pattern=SLUG)
    hypothesis: str = Field(min_length=1, description="What the variant is expected to show.")
    changes: dict[str, Any] = Field(min_length=1, description="TrainConfig fields and new values.")


class FloatRange(Model):
    """A searched number: uniform, or log-uniform."""

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> FloatRange:
        if not self.low < self.high:
            raise ValueError(f"low must lie below high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log range must start above 0, got {self.low}")
        return self


class IntRange(Model):
    """A searched whole number."""

    low: int
    high: int
    step: int = Field(1, ge=1)
    integer: Literal[True]

    @model_validator(mode="after")
    def _ordered(self) -> IntRange:
        if not self.low < self.high:
            raise ValueError(f"low must lie below high, got {self.low} and {self.high}")
        return self


class Choices(Model):
    """A searched choice among named values."""

    choices: tuple[str | int | float | bool, ...] = Field(min_length=2)


def _axis_kind(value: Any) -> str:
    """Return which kind of axis a mapping is meant to be, so that errors speak of that one."""
    given = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    if "choices" in given:
        return "choice"
    return "integer" if "integer" in given else "number"


Axis = Annotated[
    Annotated[FloatRange, Tag("number")]
    | Annotated[IntRange, Tag("integer")]
    | Annotated[Choices, Tag("choice")],
    Discriminator(_axis_kind),
]


class PrunerConfig(Model):
    """When a searched trial is given up: its best epoch is not among the others' best share."""

    keep_percent: float = Field(
        50.0, gt=0, lt=100, description="Share of trials, best first, that go on: 50 the median."
    )
    startup_trials: int = Field(3, ge=0, description="Finished trials before any is pruned.")
    warmup_epochs: int = Field(3, ge=0, description="Epochs of each trial before it can be pruned.")


class SearchConfig(Model):
    """The searched part of a study: TPE over a space of TrainConfig fields."""

    trials: int = Field(0, ge=0, description="Trials beyond the baseline and the variants.")
    seed: int = Field(0, ge=0, description="Seed of the sampler.")
    startup_trials: int = Field(10, ge=1, description="Random trials before TPE models the space.")
    fixed: dict[str, Any] = Field(
        default_factory=dict, description="Fields that every searched trial sets alike."
    )
    space: dict[str, Axis] = Field(default_factory=dict)
    pruner: PrunerConfig | None = Field(default_factory=PrunerConfig)


def _number_as_text(value: Any) -> Any:
    """Let a lone CUDA device be written as YAML's number."""
    return str(value) if isinstance(value, int) else value


class ConfirmConfig(Model):
    """Finalists and baseline once more, on fresh seeds: what looked best may have been luck."""

    top: int = Field(3, ge=0, description="Best configurations to train again, by the objective.")
    seeds: int = Field(
        5, ge=2, description="Fresh seeds of each, and of the baseline; noise takes two at least."
    )


class DeviceConfig(Model):
    """Where trials run on this machine."""

    device: Annotated[str, BeforeValidator(_number_as_text)] = Field(
        "auto", description="'auto', 'cpu', or CUDA device numbers as '0' or '0,1'."
    )
    trials_per_device: int = Field(1, ge=1, description="Trainings at a time on each device.")


class StoreConfig(Model):
    """Where records are kept. One machine needs nothing but the folder."""

    root: Path = Field(Path("mlruns"), description="Folder of everything that is generated.")
    mlflow_uri: str | None = Field(None, description="An MLflow server instead of the own store.")
    optuna_url: str | None = Field(None, description="A database instead of the own SQLite file.")


class PromoteConfig(Model):
    """What the registry calls the model, and what a challenger must bring."""

    model_name: str = Field("spine-vertebrae", pattern=SLUG)
    min_gain: float = Field(0.0, ge=0, description="Objective gain over the champion or baseline.")
    max_slowdown: float = Field(
        3.0, gt=0, description="Highest seconds per image, as a multiple of the baseline's."
    )


class StudyConfig(Model):
    """A whole study: data, baseline, variants, search."""

    name: str = Field(pattern=SLUG)
    description: str = ""
    data: DataConfig
    baseline: TrainConfig
    variants: tuple[Variant, ...] = ()
    search: SearchConfig = Field(default_factory=SearchConfig)
    objective: Literal["mask_map50_95", "mask_map50", "box_map50_95", "box_map50"] = Field(
        "mask_map50_95", description="What the search maximises, on the validation part."
    )
    numbering: Numbering = Field(
        "sequence",
        description="How levels are given: 'sequence', whole columns; 'argmax', each detection's "
        "best. Runs are scored both ways; this one is compared, searched for and promoted.",
    )
    transitional: bool = Field(
        False, description="Whether 'sequence' allows for an extra level, T13 or L6."
    )
    confirm: ConfirmConfig | None = Field(
        default_factory=ConfirmConfig, description="Training again on fresh seeds; none: no claim."
    )
    devices: DeviceConfig = Field(default_factory=DeviceConfig)
    store: StoreConfig = Field(default_factory=StoreConfig)
    promote: PromoteConfig = Field(default_factory=PromoteConfig)

    @model_validator(mode="after")
    def _variant_names_are_unique(self) -> StudyConfig:
        names = [variant.name for variant in self.variants]
        for name in names:
            if names.count(name) > 1 or name == "baseline":
                raise ValueError(f"variants: the name {name!r} is taken twice; give each its own")
        return self

    @property
    def synthetic(self) -> bool:
        """Whether any part of the data is synthetic; then every result is called so."""
        return any(source.kind == "phantom" for source in self.data.sources)
