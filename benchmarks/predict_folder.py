"""Measure `predict` on a folder: films a second, what they take on disk, and the memory's growth.

python benchmarks/predict_folder.py [--films 1000] [--film-px 640] [--network-px 224] [--big 3]

Predicts synthetic films with the bundled weights: first `--films` files (of 20 pictures, each with
a grey value of its own), then the same call again, which keeps them all; then `--big` of 3000 px.
Some minutes on 2 CPU cores, if nothing else runs there.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from spineseg.chosen_model import Asked
from spineseg.inference.outcome import Step
from spineseg.inference.predict import predict_films
from spineseg.phantom.film import VIEWS, render_film

_PICTURES = 20
_BIG_PX = 3000


def main() -> None:
    """Print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=1000)
    parser.add_argument("--film-px", type=int, default=640)
    parser.add_argument("--network-px", type=int, default=224)
    parser.add_argument("--big", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        films, big = Path(home) / "films", Path(home) / "big"
        _write(films, asked.films, asked.film_px, asked.film_px)
        _write(big, asked.big, asked.film_px, _BIG_PX)
        for what, folder in (("predicted", films), ("kept", films), ("of 3000 px", big)):
            _measure(what, folder, asked.network_px, Path(home) / f"{folder.name}-out")


def _write(folder: Path, films: int, drawn_px: int, px: int) -> None:
    folder.mkdir()
    drawn = [
        render_film(VIEWS[seed % len(VIEWS)], drawn_px, seed).pixels
        for seed in range(min(films, _PICTURES))
    ]
    for number in range(films):
        pixels = np.array(drawn[number % len(drawn)])
        pixels[0, 0] = number // len(drawn) % 256  # No two films show the same picture.
        pixels[0, 1] = number // len(drawn) // 256
        image = Image.fromarray(pixels)
        (image if px == drawn_px else image.resize((px, px))).save(folder / f"{number:06d}.png")


def _measure(what: str, folder: Path, network_px: int, out: Path) -> None:
    process, memory = psutil.Process(), []
    begun: list[float] = []

    def each(step: Step) -> None:
        begun.append(time.perf_counter())
        memory.append(process.memory_info().rss / 2**20)

    start = time.perf_counter()
    choice = Asked(weights="bundled", image_size_px=network_px)
    done = predict_films([folder], choice, out=out, device="cpu", say=lambda text: None, each=each)
    end = time.perf_counter()
    rate = (done.done - 1) / (begun[-1] - begun[0]) if done.done > 1 else 0.0
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 2**20
    tenth = memory[len(memory) // 10]
    print(
        f"{what:12} {done.done} films ({done.kept} kept, {done.same} the same): {rate:.1f} films a "
        f"second; first after {begun[0] - start:.1f} s, pages in {end - begun[-1]:.1f} s; "
        f"memory {tenth:.0f} MiB after a tenth, {memory[-1]:.0f} at the end, "
        f"{max(memory):.0f} at most; {size / done.done:.2f} MiB a film on disk",
        flush=True,
    )


if __name__ == "__main__":
    main()
