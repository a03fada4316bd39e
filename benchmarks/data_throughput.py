"""Time merge, audit and split of thousands of films against merely decoding them.

python benchmarks/data_throughput.py [--films 5000]      # about 6 minutes on 2 CPU cores

Films are synthetic, 640 px: a few hundred phantoms, each warped, bent and noised anew, so that
every one is another picture (merely warped, the audit would find them to be one). Reported are
films a second of both, on all cores and in one run; the peak memory of the merge at a quarter of
the films and at all; and the wall time of a second `spineseg data` with nothing changed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil
from likeness_scaling import bent
from PIL import Image

from spineseg.levels import CLASS_INDEX, CLASS_NAMES
from spineseg.phantom.film import render_film
from spineseg.workers import cores, on_all_cores

SIZE_PX = 640
PER_PHANTOM = 20


def make_family(folder: Path, number: int) -> None:
    """Write PER_PHANTOM films that are warped from one phantom, with their labels."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(number)
    film = render_film("frontal" if number % 2 else "lateral", SIZE_PX, number)
    for copy in range(PER_PHANTOM):
        middle = (SIZE_PX / 2, SIZE_PX / 2)
        warp = cv2.getRotationMatrix2D(middle, rng.uniform(-12, 12), rng.uniform(0.75, 1.0))
        warp[:, 2] += rng.uniform(-40, 40, 2)
        picture = cv2.warpAffine(film.pixels, warp, (SIZE_PX, SIZE_PX))
        picture = bent(picture, rng, 0.03).astype(np.int16)
        picture = np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
        lines = []
        for level, points in film.outlines.items():
            moved = (points * SIZE_PX @ warp[:, :2].T + warp[:, 2]) / SIZE_PX
            if moved.min() >= 0 and moved.max() <= 1:
                row = " ".join(f"{value:.6f}" for value in moved.ravel())
                lines.append(f"{CLASS_INDEX[level]} {row}\n")
        stem = f"patient-{number * PER_PHANTOM + copy:05d}"
        cv2.imwrite(str(folder / "images" / f"{stem}.jpg"), picture)
        (folder / "labels" / f"{stem}.txt").write_text("".join(lines))


def decoded(path: Path) -> int:
    """Decode one film and return its pixels."""
    with Image.open(path) as film:
        film.load()
        return film.width * film.height


def decode_rate(folder: Path) -> float:
    """Return films a second that all cores decode, starting them included."""
    films = sorted((folder / "images").iterdir())
    start = time.perf_counter()
    assert sum(on_all_cores(decoded, films)) == len(films) * SIZE_PX**2
    return len(films) / (time.perf_counter() - start)


def run_data(config: Path, home: Path) -> tuple[dict[str, object], float, float]:
    """Run `spineseg data` in `home`; return its answer, seconds, and peak memory in MB."""
    command = [sys.executable, "-m", "study.cli", "data", str(config), "--json"]
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, text=True)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(child.pid, peak), daemon=True)
    watcher.start()
    out, _ = child.communicate()
    seconds = time.perf_counter() - start
    if child.returncode:
        raise SystemExit(f"spineseg data ended with {child.returncode}")
    return json.loads(out), seconds, peak[0]


def _watch(pid: int, peak: list[float]) -> None:
    """Keep the most memory that a process and its children hold for themselves, in MB."""
    try:
        parent = psutil.Process(pid)
        while parent.is_running():
            total = 0
            for process in (parent, *parent.children(recursive=True)):
                try:
                    total += process.memory_full_info().uss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total / 1e6)
            time.sleep(0.1)
    except psutil.Error:
        return


def main() -> None:
    """Print the rates, the memory and the second run's time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=5000)
    films = parser.parse_args().films
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        peaks = {}
        for count in (films // 4, films):
            folder = home / f"films-{count}"
            for kind in ("images", "labels"):
                (folder / kind).mkdir(parents=True)
            (folder / "classes.txt").write_text("\n".join(CLASS_NAMES))
            list(on_all_cores(partial(make_family, folder), range(count // PER_PHANTOM)))
            config = home / f"{count}.yaml"
            config.write_text(
                f"sources: [{{kind: local, path: {folder}}}]\n"
                "patient_pattern: 'patient-(\\d+)'\ntest_fraction: 0.1\n"
            )
            os.sync()
            rate = decode_rate(folder)
            answer, seconds, peaks[count] = run_data(config, home)
            again, second, _ = run_data(config, home)
            assert again == answer
            print(
                f"{count} films of {SIZE_PX} px on {cores()} cores: decode {rate:.0f}/s; merge, "
                f"audit, split and page {count / seconds:.0f}/s ({seconds:.1f} s), "
                f"{count / seconds / rate:.0%} of it; peak {peaks[count]:.0f} MB; "
                f"second run {second:.2f} s; found {answer['findings']}",
                flush=True,
            )


if __name__ == "__main__":
    main()
