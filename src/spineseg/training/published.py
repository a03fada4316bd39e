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
    ours, theirs = network.state_dict(), _tensors(published)
    prefix = "sam." if is_sam else ""
    wanted = [key for key in ours if not key.startswith(HEADS)]
    for key in wanted:
        found = theirs.get(key.removeprefix(prefix))
        if found is None or found.shape != ours[key].shape:
            raise WeightsError(f"{published}: is no published {model}: {key} is not in it")
        ours[key] = found
    network.load_state_dict(ours)
    write_built(network, target, side)
    return len(wanted)


def _tensors(path: Path) -> dict[str, Any]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(path))
    import torch

    return dict(torch.load(path, map_location="cpu", weights_only=True))


def _fetched(model: str, folder: Path) -> Path:
    from torch.hub import download_url_to_file

    address = PUBLISHED[model]
    file = folder / address.rpartition("/")[2]
    download_url_to_file(address, str(file), progress=False)
    return file


def main() -> int:
    """Fetch and write; 2 where that cannot be done."""
    model, target, *file = sys.argv[1:]
    try:
        with tempfile.TemporaryDirectory(prefix="spineseg-") as folder:
            published = Path(file[0]) if file else _fetched(model, Path(folder))
            put_into_network(model, published, Path(target))
    except (SpinesegError, OSError) as error:
        print(f"spineseg: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
