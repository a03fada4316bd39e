"""Time the search for films that show one picture, on up to 20,000 films that look much alike.

python benchmarks/likeness_scaling.py [--most 20000]      # about 10 minutes on 2 CPU cores

Films are phantoms, 20 of each phantom, bent each in its own way: every one is another picture, and
yet like the others in exposure, ribs and column. Told are the seconds of describing films (without
reading them), of the search, of laying thumbnails over each other and of comparing whole films,
how many there were of each, the memory that the search took, and the exponent by which the time
grows. Pairs that are found are false alarms.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil
from PIL import Image

from spineseg.data.likeness.descriptor import film_hash
from spineseg.data.likeness.pairs import Costs, same_pictures
from spineseg.decoding.decode import decode, film_content
from spineseg.phantom.film import render_film
from spineseg.workers import cores, on_all_cores, shared_workers

PER_PHANTOM = 20
SIZE_PX = 320


def bent(film: np.ndarray, rng: np.random.Generator, share: float = 0.05) -> np.ndarray:
    """Return a film (rows, columns) uint8 bent by some `share` of its side, each place its way."""
    rows, columns = film.shape
    steps = rng.normal(0, share, (2, 5, 5)).astype(np.float32)
    across, down = (
        cv2.resize(step, (columns, rows), interpolation=cv2.INTER_CUBIC) for step in steps
    )
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    border = cv2.BORDER_REFLECT
    return cv2.remap(film, x + across * columns, y + down * rows, cv2.INTER_LINEAR, None, border)


def make_family(folder: Path, number: int) -> None:
    """Write PER_PHANTOM films that are bent from one phantom."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(number)
    film = render_film("frontal" if number % 2 else "lateral", SIZE_PX, (3, number)).pixels
    for copy in range(PER_PHANTOM):
        picture = bent(film, rng) + rng.normal(0, 3, film.shape)
        picture = np.clip(picture * rng.uniform(0.8, 1.1), 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number:05d}-{copy:02d}.jpg", quality=90)


def described(path: Path) -> tuple[bytes, float]:
    """Return a film's descriptor and the seconds it took, without reading the film."""
    film = decode(film_content(path), path, least_px=128).image.convert("L")
    start = time.perf_counter()
    return film_hash(film).tobytes(), time.perf_counter() - start


def main() -> None:
    """Print the seconds of each step for 2,500 films and twice as many each time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=20_000)
    most = parser.parse_args().most
    with tempfile.TemporaryDirectory() as name, shared_workers():
        folder = Path(name)
        list(on_all_cores(partial(make_family, folder), range(most // PER_PHANTOM)))
        films = np.array(sorted(folder.iterdir()))
        np.random.default_rng(1).shuffle(films)
        told = list(on_all_cores(described, films))
        print(f"{cores()} cores; descriptor {np.mean([s for _, s in told]) * 1e3:.2f} ms a film")
        count, seconds = min(2500, most), 0.0
        while count <= most:
            costs = Costs()
            before, start = psutil.Process().memory_info().rss, time.perf_counter()
            pairs = same_pictures([h for h, _ in told[:count]], list(films[:count]), costs)
            last, seconds = seconds, time.perf_counter() - start
            more = (psutil.Process().memory_info().rss - before) / 1e6
            growth = f", time grew as n^{math.log2(seconds / last):.2f}" if last else ""
            print(
                f"{count:6} films: {seconds:6.1f} s: search {costs.search_seconds:.1f}; "
                f"{costs.thumbs} thumbnails ({costs.thumbs / count:.2f} a film) "
                f"{costs.thumbs_seconds:.1f}; {costs.films} films ({costs.films / count:.2f} a "
                f"film) {costs.films_seconds:.1f}; {more:+.0f} MB; {len(pairs)} pairs{growth}",
                flush=True,
            )
            count *= 2


if __name__ == "__main__":
    main()
