"""What a network costs where it is used: seconds a film, one at a time, and memory.

python -m spineseg.prediction.measured CACHE WEIGHTS IMAGE_SIZE_PX FILM ...

In a process of its own, so that nothing else's memory is counted; prints JSON. On the first CUDA
device where there is one. CACHE is for Ultralytics' private settings.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from spineseg.decoding.decode import read_film
from spineseg.process_setup import prepare_environment

_MB = 1024.0  # ru_maxrss is in KiB.


def measured(weights: Path, image_size_px: int, films: list[Path]) -> dict[str, Any]:
    """Return seconds of each film and the most memory, in MB, that loading and predicting took.

    On a CPU: of the process, beyond what it had with all libraries imported. On a CUDA device: of
    the device, what torch reserved. The first film is predicted once more, and that counts.
    """
    import torch

    from spineseg.prediction.network_file import read_card
    from spineseg.prediction.segmenter import load_segmenter
    from spineseg.prediction.suffixes import SAFE

    on_cuda = torch.cuda.is_available()
    if weights.suffix == SAFE and "yolo" not in read_card(weights).architecture:
        import transformers  # noqa: F401 - what a family needs is no memory of its network's.
    import torchvision  # noqa: F401
    import ultralytics.nn.tasks  # noqa: F401

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    segmenter = load_segmenter(
        weights, image_size_px=image_size_px, device="0" if on_cuda else "cpu"
    )
    pixels = [read_film(film) for film in films]
    segmenter.predict_film(pixels[0], films[0])  # It warms up.
    seconds = []
    for film, path in zip(pixels, films, strict=True):
        start = time.perf_counter()
        segmenter.predict_film(film, path)
        seconds.append(time.perf_counter() - start)
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / _MB
    return {
        "seconds": seconds,
        "peak_mb": torch.cuda.max_memory_reserved() / 2**20 if on_cuda else taken,
        "device": torch.cuda.get_device_name() if on_cuda else "CPU",
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    """Measure what the command line names."""
    cache, weights, size, *films = sys.argv[1:]
    prepare_environment(Path(cache))
    print(json.dumps(measured(Path(weights), int(size), [Path(film) for film in films])))


if __name__ == "__main__":
    main()
