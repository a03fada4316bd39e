"""One training: every setting, with the reason of its bounds, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from spineseg.config.model import (
    Chosen,
    Degrees,
    Epochs,
    Fraction,
    OneOf,
    Pixels,
    Probability,
    Share,
    Unit,
)
from spineseg.config.networks import FAMILIES, MODELS, SIDES_PX, Family, KeyOf, family_of

_STUDYS_OWN = "baseline"  # What prompts a SAM, where the study's own baseline does.
_YOLO = KeyOf("yolo")
_MASK_RCNN = KeyOf("mask_rcnn")
_MASK2FORMER = KeyOf("mask2former")
_SAM = KeyOf("sam")
_NOT_YOLO = KeyOf("mask_rcnn", "mask2former", "sam")


class TrainConfig(Chosen):
    """One training. The defaults are Ultralytics' own, of yolo11n-seg and 250 epochs.

    What the original work ran is `configs/baseline.yaml`. A key that is marked by `KeyOf` is of
    some families of networks only: of no other can it be given, nor is it among what is dumped.
    """

    model: Annotated[str, AfterValidator(OneOf(MODELS))] = Field(
        "yolo11n-seg",
        description="Network: of YOLO, sizes n to x; a Mask R-CNN; a Mask2Former; SAM, which a "
        "YOLO network prompts. Which keys there are hangs on the family.",
    )
    weights: str = Field(
        "coco",
        description="Starting weights: 'coco' (the published checkpoint of the network), "
        "'bundled' (this project's synthetic checkpoint), 'random', or the path of a .pt or "
        ".safetensors file, of which nothing is run.",
    )
    image_size_px: Pixels = Field(
        640,
        ge=32,
        multiple_of=32,
        description="Side of the square input; Ultralytics' imgsz.",
    )
    batch: Annotated[int, Unit("films")] = Field(
        16, ge=1, description="Films per step, the batch size."
    )
    nominal_batch: Annotated[int, Unit("films")] = Field(
        64,
        ge=1,
        description="Films whose gradients are gathered before the weights change; a batch of as "
        "many or more changes them after each step. Ultralytics' nbs.",
    )
    epochs: Epochs = Field(250, ge=1, description="Passes over the training part.")
    patience_epochs: Epochs = Field(
        100,
        ge=0,
        description="Early stopping, after so many epochs without gain; 0 never. Ultralytics' "
        "patience.",
    )
    seed: int = Field(0, ge=0, description="Seed of initialisation, order and augmentation.")
    deterministic: bool = Field(True, description="Use deterministic kernels where there are any.")
    amp: bool = Field(True, description="Mixed precision; has an effect on CUDA devices only.")

    optimizer: Literal["auto", "SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSProp"] = Field(
        "auto",
        description="'auto' lets Ultralytics choose, and then ignores lr0 and momentum; other "
        "families have no such choice.",
    )
    lr0: float = Field(0.01, gt=0, le=1, description="Initial learning rate.")
    lrf: Share = Field(0.01, gt=0, le=1, description="Final learning rate as a fraction of lr0.")
    momentum: float = Field(0.937, ge=0, lt=1, description="SGD momentum, or beta1 of Adam.")
    weight_decay: float = Field(0.0005, ge=0, le=1, description="L2 regularisation.")
    warmup_epochs: Annotated[float, Unit("epochs")] = Field(
        3.0, ge=0, description="Epochs of learning-rate warm-up."
    )
    warmup_bias_lr: Annotated[float, _YOLO] = Field(
        0.1, ge=0, le=1, description="Rate of the biases at the start of warm-up; 'auto' takes 0."
    )
    cos_lr: bool = Field(False, description="Cosine instead of linear learning-rate schedule.")

    box_gain: Annotated[float, _YOLO] = Field(
        7.5, ge=0, description="Weight of the box loss; Ultralytics' box."
    )
    cls_gain: Annotated[float, _YOLO] = Field(
        0.5, ge=0, description="Weight of the class (level) loss; Ultralytics' cls."
    )
    dfl_gain: Annotated[float, _YOLO] = Field(
        1.5, ge=0, description="Weight of the distribution focal loss; Ultralytics' dfl."
    )
    class_weight_power: Annotated[float, Field(ge=0, le=1), _YOLO] = Field(
        0.0,
        description="Class weights: inverse frequency to this power; 0 off, 1 full. Ultralytics' "
        "cls_pw.",
    )

    hsv_h: Annotated[Fraction, _YOLO] = Field(0.015, description="Hue jitter, plus or minus.")
    hsv_s: Annotated[Fraction, _YOLO] = Field(0.7, description="Saturation jitter, plus or minus.")
    hsv_v: Fraction = Field(0.4, description="Brightness jitter, plus or minus.")
    degrees: Degrees = Field(0.0, ge=0, le=180, description="Rotation, plus or minus.")
    translate: Fraction = Field(0.1, description="Shift, plus or minus, of the side.")
    scale: Share = Field(0.5, ge=0, lt=1, description="Zoom, plus or minus.")
    shear: Degrees = Field(0.0, ge=0, le=90, description="Shear, plus or minus.")
    flipud: Probability = Field(0.0, description="Probability of a vertical flip.")
    fliplr: Probability = Field(0.5, description="Probability of a horizontal flip.")
    mosaic: Annotated[Probability, _YOLO] = Field(
        1.0, description="Probability of a four-image mosaic."
    )
    close_mosaic_epochs: Annotated[Epochs, _YOLO] = Field(
        10, ge=0, description="No mosaic in the last so many epochs; Ultralytics' close_mosaic."
    )
    mixup: Annotated[Probability, _YOLO] = Field(
        0.0, description="Probability of blending two images."
    )
    copy_paste: Annotated[Fraction, _YOLO] = Field(
        0.0, description="Share of the instances pasted elsewhere."
    )
    overlap_mask: Annotated[bool, _YOLO] = Field(
        True, description="Merge overlapping masks into one in training."
    )
    mask_ratio: Annotated[Literal[1, 2, 4], _YOLO] = Field(
        4, description="Downsampling of masks in training: 1 full size, 4 a quarter of the side."
    )

    clip_gradient: Annotated[float, _NOT_YOLO] = Field(
        1.0, ge=0, description="Largest norm of all gradients together; 0 never cuts them."
    )
    sampled_boxes: Annotated[int, Unit("boxes"), _MASK_RCNN] = Field(
        128,
        ge=8,
        le=1000,
        description="Proposed boxes of each film that the second stage learns from, at most; a "
        "quarter of them on bodies.",
    )
    points: Annotated[int, Unit("points"), _MASK2FORMER] = Field(
        3136,
        ge=16,
        description="Points of each mask that the loss looks at; transformers' train_num_points.",
    )
    no_object_weight: Annotated[float, _MASK2FORMER] = Field(
        0.1, gt=0, le=1, description="Weight of queries that are to find nothing."
    )
    prompts: Annotated[str, _SAM] = Field(
        _STUDYS_OWN,
        min_length=1,
        description="Whose boxes and levels SAM is prompted with: 'baseline' (the study's first "
        "training; on a fresh seed the baseline's on that seed), 'bundled', or the path of a YOLO "
        "network's weights.",
    )
    train_encoder: Annotated[bool, _SAM] = Field(
        False,
        description="Whether SAM's image encoder is trained too; else it stays as it begins, and "
        "only the mask decoder learns.",
    )
    sampled_prompts: Annotated[int, Unit("boxes"), _SAM] = Field(
        32,
        ge=1,
        le=1000,
        description="Bodies of each film that a step learns from, at most, drawn anew each time.",
    )
    prompt_jitter: Annotated[Fraction, _SAM] = Field(
        0.1, description="How far prompts are moved in training, plus or minus, of the box's side."
    )

    @property
    def family(self) -> Family:
        """The family of its network."""
        found = family_of(self.model)
        assert found is not None, self.model
        return found

    @property
    def is_prompted_by_baseline(self) -> bool:
        """Whether it cannot begin before its study's baseline is trained, which prompts it."""
        return self.family == "sam" and self.prompts == _STUDYS_OWN

    def with_(self, **changes: Any) -> TrainConfig:
        """Return this config with `changes`, checked again.

        What another family's network does not know is left behind. Raises pydantic.ValidationError
        where a change is unknown or breaks a rule.
        """
        return TrainConfig.model_validate(carried(self.model_dump(), changes))

    def difference(self, other: TrainConfig) -> dict[str, Any]:
        """Return the fields of `other` that differ from this config."""
        return {
            key: value for key, value in other.model_dump().items() if value != getattr(self, key)
        }

    @model_validator(mode="before")
    @classmethod
    def _has_keys_of_its_family(cls, given: Any) -> Any:
        model = given.get("model", MODELS[0]) if isinstance(given, Mapping) else None
        family = family_of(model) if isinstance(model, str) else None
        for key in given if family else ():
            owners = key_families().get(key, FAMILIES)
            if family not in owners:
                raise ValueError(
                    f"{key} is a key of {' and '.join(owners)}, and {model} is of {family}; leave "
                    "it out, or name another model"
                )
        return given

    @model_validator(mode="after")
    def _fits_its_network(self) -> TrainConfig:
        if self.optimizer == "auto" and self.family != "yolo":
            raise ValueError(
                f"optimizer 'auto' is Ultralytics' choice, which {self.model} does not have; name "
                "one, as AdamW, and its lr0"
            )
        if self.family == "mask_rcnn" and self.batch == 1:
            raise ValueError(
                f"batch 1 leaves {self.model} nothing to normalise over; take 2 or more"
            )
        side = SIDES_PX.get(self.model)
        if side is not None and self.image_size_px != side:
            raise ValueError(
                f"image_size_px {self.image_size_px}: {self.model} takes {side} px and no other"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_others_keys(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        family, owners = family_of(self.model), key_families()
        return {
            key: value for key, value in dump(self).items() if family in owners.get(key, FAMILIES)
        }


@cache
def key_families() -> dict[str, tuple[Family, ...]]:
    """Return the families of each key that is not known to all of them."""
    marked = {
        name: next((mark for mark in field.metadata if isinstance(mark, KeyOf)), None)
        for name, field in TrainConfig.model_fields.items()
    }
    return {name: mark.families for name, mark in marked.items() if mark is not None}


def carried(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a training with changes, as far as the changed network knows them.

    Where the changes name a network of another family, what that has no use for is left behind; a
    change is never.
    """
    model = changes.get("model", settings.get("model", MODELS[0]))
    family = family_of(model) if isinstance(model, str) else None
    owners = key_families()
    kept = {
        key: value
        for key, value in settings.items()
        if family is None or family in owners.get(key, FAMILIES)
    }
    return kept | dict(changes)
