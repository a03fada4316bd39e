"""Count planted leaks that the audit finds, and distinct films that it takes for copies.

python benchmarks/planted_leaks.py [--films 1000] [--each 40]     # about 5 minutes on 2 CPU cores

Makes distinct synthetic X-rays, audits them as they are (every film said to be alike another is a
false alarm), then adds copies of some, made in nine ways, under names that tell nothing, and audits
again.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from spineseg.config.data import DataConfig
from spineseg.data.audit import load_audit
from spineseg.data.merge import prepare_dataset
from spineseg.data.yolo import label_path, read_export
from spineseg.phantom.export import write_films

T = Image.Transpose
Copy = Callable[[Path, Path], None]


def redrawn(change: Callable[[Image.Image], Image.Image], quality: int = 92) -> Copy:
    """Return a way to copy a film that decodes, changes and encodes it."""

    def copy(film: Path, target: Path) -> None:
        change(Image.open(film)).save(target, format="JPEG", quality=quality)

    return copy


def brightened(factor: float) -> Copy:
    return redrawn(lambda film: film.point(lambda grey: min(255, grey * factor)))


WAYS: dict[str, Copy] = {
    "exact copy": lambda film, target: (shutil.copy(film, target), None)[1],
    "quality 60": redrawn(lambda film: film, quality=60),
    "resized to 70 %": redrawn(lambda f: f.resize((f.width * 7 // 10, f.height * 7 // 10))),
    "flipped left to right": redrawn(lambda film: film.transpose(T.FLIP_LEFT_RIGHT)),
    "flipped upside down": redrawn(lambda film: film.transpose(T.FLIP_TOP_BOTTOM)),
    "turned by 90°": redrawn(lambda film: film.transpose(T.ROTATE_270)),
    "brightness +10 %": brightened(1.1),
    "brightness -10 %": brightened(0.9),
    "cropped by 2 %": redrawn(
        lambda f: f.crop((f.width // 50, f.height // 50, f.width, f.height)), quality=85
    ),
}


def alike(folders: tuple[Path, ...], cache: Path) -> tuple[list[frozenset[str]], int]:
    """Return the pairs of films that the audit says are alike, and how many films there are."""
    sources = [{"kind": "local", "path": str(folder)} for folder in folders]
    config = DataConfig.model_validate({"sources": sources, "group_near_duplicates": False})
    dataset = prepare_dataset(config, cache, say=lambda text: None)
    pairs = [
        frozenset(finding.films)
        for finding in load_audit(dataset).findings
        if finding.kind in {"near-duplicates", "alike-in-one-part"}
    ]
    return pairs, len(dataset.manifest.entries)


def plant(folders: tuple[Path, ...], each: int, seed: int) -> dict[frozenset[str], str]:
    """Add copies of some films; return each pair of names and its way."""
    rng = np.random.default_rng(seed)
    films = [film.path for folder in folders for film in read_export(folder).films]
    chosen = rng.choice(len(films), size=each * len(WAYS), replace=False)
    planted = {}
    for number, place in enumerate(chosen):
        film, (way, copy) = films[place], list(WAYS.items())[number % len(WAYS)]
        target = film.with_name(f"visit-{number:04d}.jpg")
        copy(film, target)
        shutil.copy(label_path(film), label_path(target))
        planted[frozenset((film.name, target.name))] = way
    return planted


def main() -> None:
    """Print what was found of each way, and the false alarms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=1000)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--size-px", type=int, default=320)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folders = write_films(
            Path(name) / "phantom",
            seed=7,
            frontal_films=options.films // 2,
            lateral_films=options.films - options.films // 2,
            size_px=options.size_px,
            difficulty=0.5,
        )
        pairs, films = alike(folders, Path(name) / "cache")
        alarms = len({film for pair in pairs for film in pair})
        print(f"{films} distinct films: {alarms} taken for copies ({alarms / films:.2%})")
        planted = plant(folders, options.each, seed=1)
        found = set(alike(folders, Path(name) / "cache2")[0])
        counts = Counter(way for pair, way in planted.items() if pair in found)
        for way in WAYS:
            print(f"{way:<24}{counts[way]:4} of {options.each} found")
        print(f"{'all':<24}{counts.total():4} of {len(planted)} found")


if __name__ == "__main__":
    main()
