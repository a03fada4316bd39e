"""One training: every setting, with the reason of its bounds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    Field,
)

from spineseg.config.model import Model, Probability


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
        "'bundled' (this project's synthetic checkpoint), 'random', or the path of a .pt or "
        ".safetensors file, of which nothing is run.",
    )
    image_size_px: int = Field(640, ge=32, multiple_of=32, description="Side of the square input.")
    batch: int = Field(16, ge=1, description="Images per step.")
    nominal_batch: int = Field(
        64,
        ge=1,
        description="Images whose gradients are gathered before the weights change; a batch of "
        "more, or as many, changes them after each step.",
    )
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
