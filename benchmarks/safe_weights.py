"""What loading weights safely costs, and how far ONNX lies from torch, for networks n to x.

python benchmarks/safe_weights.py [n s m l x]

Each network is shipped one with random weights, saved in half precision as a training leaves it;
`n` is the bundled checkpoint. Seconds are of one thread, the least of three; ONNX is compared on
the films that `spineseg export model` makes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from spineseg.process_setup import prepare_environment


def least_seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def checkpoint(scale: str, folder: Path) -> Path:
    import torch
    from ultralytics.nn.tasks import SegmentationModel

    from spineseg.levels import CLASS_NAMES
    from spineseg.prediction.architectures import description
    from spineseg.training.weights import bundled_weights

    if scale == "n":
        return bundled_weights()
    shipped = description(f"yolo11{scale}-seg")
    assert shipped is not None
    network = SegmentationModel(shipped, nc=len(CLASS_NAMES), verbose=False).half()
    network.names = dict(enumerate(CLASS_NAMES))
    path = folder / f"{scale}.pt"
    torch.save({"model": network, "train_args": {"task": "segment", "imgsz": 640}}, path)
    return path


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare_environment(folder / "ultralytics")
        import torch

        from spineseg.export import _phantoms
        from spineseg.prediction.network_file import load_network, write_network
        from spineseg.prediction.onnx_file import agreement, write_onnx
        from spineseg.prediction.segmenter import load_segmenter

        torch.set_num_threads(1)
        films = _phantoms()
        for scale in sys.argv[1:] or ["n"]:
            pickled, safe = checkpoint(scale, folder), folder / f"{scale}.safetensors"
            write_network(pickled, safe)
            in_full = least_seconds(lambda path=pickled: load_network(path, trust=True))
            as_data = least_seconds(lambda path=pickled: load_network(path))
            from_safe = least_seconds(lambda path=safe: load_network(path))
            print(
                f"yolo11{scale}-seg: in full {in_full:.2f} s, .pt as data {as_data:.2f} s, "
                f".safetensors {from_safe:.2f} s"
            )
            segmenter = load_segmenter(safe, image_size_px=640)
            write_onnx(segmenter, folder / "w.onnx", {}, opset=17)
            print("  ONNX:", agreement(segmenter, folder / "w.onnx", films).text())


if __name__ == "__main__":
    main()
