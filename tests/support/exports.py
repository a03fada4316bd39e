"""Small exports in Roboflow's layout, drawn for the tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from spineseg.levels import CERVICAL


def write_export(
    folder: Path, parts: dict[str, int], *, names: tuple[str, ...] = CERVICAL, seed: int = 0
) -> Path:
    """Write an export in Roboflow's layout: noise with one rectangle a level, and labels."""
    rng = np.random.default_rng(seed)
    size = max(64, 8 * len(names) + 8)
    for part, count in parts.items():
        images, labels = folder / part / "images", folder / part / "labels"
        images.mkdir(parents=True)
        labels.mkdir()
        for number in range(count):
            stem = f"{part}{seed}{number:03d}_jpg.rf.{number:032x}"
            pixels = rng.integers(0, 60, (size, size), np.uint8)
            lines = []
            for i in range(len(names)):
                top, side = 4 + i * 8, int(rng.integers(10, 20))
                pixels[top : top + 6, side : side + 24] = 120 + 15 * (i % 8)
                box = np.array(
                    [[side, top], [side + 24, top], [side + 24, top + 6], [side, top + 6]]
                )
                lines.append(f"{i} " + " ".join(f"{v:.6f}" for v in (box / size).ravel()))
            Image.fromarray(pixels).save(images / f"{stem}.jpg", quality=90)
            (labels / f"{stem}.txt").write_text("\n".join(lines) + "\n")
    content = {
        "train": "../train/images",
        "val": "../valid/images",
        "nc": len(names),
        "names": list(names),
    }
    (folder / "data.yaml").write_text(yaml.safe_dump(content))
    return folder


def move_films(export: Path, part: str, to: str, count: int) -> None:
    """Move the first films of a part, with their labels, to another."""
    for kind in ("images", "labels"):
        for file in sorted((export / part / kind).iterdir())[:count]:
            shutil.move(file, export / to / kind / file.name)
