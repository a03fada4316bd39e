"""One training: every setting, with the reason of its bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from spineseg.config.model import (
    Chosen,
    Degrees,
    Epochs,
    Fraction,
    Pixels,
    Probability,
    Share,
    Unit,
)


class TrainConfig(Chosen):
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
        "auto", description="'auto' lets Ultralytics choose, and then ignores lr0 and momentum."
    )
    lr0: float = Field(0.01, gt=0, le=1, description="Initial learning rate.")
    lrf: Share = Field(0.01, gt=0, le=1, description="Final learning rate as a fraction of lr0.")
    momentum: float = Field(0.937, ge=0, lt=1, description="SGD momentum, or beta1 of Adam.")
    weight_decay: float = Field(0.0005, ge=0, le=1, description="L2 regularisation.")
    warmup_epochs: Annotated[float, Unit("epochs")] = Field(
        3.0, ge=0, description="Epochs of learning-rate warm-up."
    )
    warmup_bias_lr: float = Field(
        0.1, ge=0, le=1, description="Rate of the biases at the start of warm-up; 'auto' takes 0."
    )
    cos_lr: bool = Field(False, description="Cosine instead of linear learning-rate schedule.")

    box_gain: float = Field(7.5, ge=0, description="Weight of the box loss; Ultralytics' box.")
    cls_gain: float = Field(
        0.5, ge=0, description="Weight of the class (level) loss; Ultralytics' cls."
    )
    dfl_gain: float = Field(
        1.5, ge=0, description="Weight of the distribution focal loss; Ultralytics' dfl."
    )
    class_weight_power: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0,
        description="Class weights: inverse frequency to this power; 0 off, 1 full. Ultralytics' "
        "cls_pw.",
    )

    hsv_h: Fraction = Field(0.015, description="Hue jitter, plus or minus.")
    hsv_s: Fraction = Field(0.7, description="Saturation jitter, plus or minus.")
    hsv_v: Fraction = Field(0.4, description="Brightness jitter, plus or minus.")
    degrees: Degrees = Field(0.0, ge=0, le=180, description="Rotation, plus or minus.")
    translate: Fraction = Field(0.1, description="Shift, plus or minus, of the side.")
    scale: Share = Field(0.5, ge=0, lt=1, description="Zoom, plus or minus.")
    shear: Degrees = Field(0.0, ge=0, le=90, description="Shear, plus or minus.")
    flipud: Probability = Field(0.0, description="Probability of a vertical flip.")
    fliplr: Probability = Field(0.5, description="Probability of a horizontal flip.")
    mosaic: Probability = Field(1.0, description="Probability of a four-image mosaic.")
    close_mosaic_epochs: Epochs = Field(
        10, ge=0, description="No mosaic in the last so many epochs; Ultralytics' close_mosaic."
    )
    mixup: Probability = Field(0.0, description="Probability of blending two images.")
    copy_paste: Fraction = Field(0.0, description="Share of the instances pasted elsewhere.")
    overlap_mask: bool = Field(True, description="Merge overlapping masks into one in training.")
    mask_ratio: Literal[1, 2, 4] = Field(
        4, description="Downsampling of masks in training: 1 full size, 4 a quarter of the side."
    )

    def with_(self, **changes: Any) -> TrainConfig:
        """Return this config with `changes`, checked again.

        Raises pydantic.ValidationError where a change is unknown or breaks a rule.
        """
        return TrainConfig.model_validate({**self.model_dump(), **changes})

    def difference(self, other: TrainConfig) -> dict[str, Any]:
        """Return the fields of `other` that differ from this config."""
        mine = self.model_dump()
        return {key: value for key, value in other.model_dump().items() if value != mine[key]}
