"""Published weights of the families beside YOLO, fetched and put into a network of 24 levels.

python -m spineseg.training.published MODEL TARGET [FILE]

Run in a process of its own, since it imports torch. What hangs on the published classes is drawn
anew by each training that starts from it (`HEADS`).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from spineseg.config.networks import SIDES_PX, family_of
from spineseg.errors import SpinesegError, WeightsError
from spineseg.levels import CLASS_NAMES

_HUB = "https://huggingface.co/facebook/{}/resolve/main/model.safetensors"
PUBLISHED = {
    "maskrcnn-resnet50": "https://download.pytorch.org/models/"
    "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
    "mask2former-swin-t": _HUB.format("mask2former-swin-tiny-coco-instance"),
    "sam-vit-b": _HUB.format("sam-vit-base"),
}
"""Where the weights of a network lie: of COCO, and of SA-1B for SAM."""
HEADS = (
    *("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits."),
    *("class_predictor.", "criterion.empty_weight"),
)
"""How the names of tensors begin that hang on the classes."""
NO_WEIGHTS = "yolo12"
"""How the names of YOLO's networks begin of which Ultralytics publishes none that segment."""
ANOTHER = 3
"""How the process ends that was given something else than it asked for."""
_SIDE_PX = 640  # A file says a size; each training has its own.


def put_into_network(model: str, published: Path, target: Path) -> int:
    """Write published weights as those of a network of 24 levels; return how many tensors it took.

    Raises WeightsError where they are not those of `model`: all but the heads must fit.
    """
    from spineseg.prediction.built import named
    from spineseg.prediction.network_file import write_built

    is_sam = family_of(model) == "sam"
    side = SIDES_PX.get(model, _SIDE_PX)
    network = named(model, CLASS_NAMES, **({"image_size_px": side} if is_sam else {}))
    part = network.sam if is_sam else network
    filled = _by_torchvision if family_of(model) == "mask_rcnn" else _by_transformers
    missing = {key for key in filled(part, published) if not key.startswith(HEADS)}
    if missing:
        some = min(missing)
        raise WeightsError(f"{published}: is no published {model}: {some} is not in it")
    write_built(network, target, side)
    return sum(not key.startswith(HEADS) for key in network.state_dict())


def _by_torchvision(network: Any, published: Path) -> set[str]:
    """Fill a network with the tensors of a file that fit; return the names of those that lack."""
    import torch

    if published.suffix == ".safetensors":
        from safetensors.torch import load_file

        theirs = load_file(published)
    else:
        theirs = torch.load(published, map_location="cpu", weights_only=True)
    ours = network.state_dict()
    fits = {key for key in ours if key in theirs and theirs[key].shape == ours[key].shape}
    network.load_state_dict({**ours, **{key: theirs[key] for key in fits}})
    return set(ours) - fits


def _by_transformers(network: Any, published: Path) -> set[str]:
    """Fill a network as transformers does, which knows by which names its parts went before.

    Return the names of the tensors that lack, or are of another shape.
    """
    with tempfile.TemporaryDirectory(prefix="spineseg-") as folder:
        (Path(folder) / "model.safetensors").symlink_to(published.resolve())
        read, told = type(network).from_pretrained(
            folder,
            config=network.config,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            local_files_only=True,
        )
    lacking = {*told["missing_keys"], *(key for key, *_ in told["mismatched_keys"])}
    ours = network.state_dict()
    kept = {key: value for key, value in read.state_dict().items() if key not in lacking}
    network.load_state_dict({**ours, **kept})
    return lacking


def _fetched(model: str, folder: Path) -> Path:
    from torch.hub import download_url_to_file

    address = PUBLISHED[model]
    file = folder / address.rpartition("/")[2]
    download_url_to_file(address, str(file), progress=False)
    return file


def main() -> int:
    """Fetch and write; 2 where that cannot be done, ANOTHER where it is something else."""
    model, target, *file = sys.argv[1:]
    try:
        with tempfile.TemporaryDirectory(prefix="spineseg-") as folder:
            published = Path(file[0]) if file else _fetched(model, Path(folder))
            put_into_network(model, published, Path(target))
    except (SpinesegError, OSError) as error:
        print(f"spineseg: {error}", file=sys.stderr)
        return ANOTHER if isinstance(error, SpinesegError) else 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
