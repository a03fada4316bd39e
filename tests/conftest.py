"""Fixtures: small exports, a small phantom, and a fake trainer that drives the study's tests."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # Two processes test side by side on two cores.

import numpy as np
import pytest
import yaml
from PIL import Image

from spineseg.levels import CERVICAL

LONGEST = ("test_end_to_end", "test_promotion", "test_training", "test_study", "test_cli")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files: two processes share them out, and neither waits at the end."""
    items.sort(key=lambda item: LONGEST.index(n) if (n := item.path.stem) in LONGEST else 99)


@pytest.fixture(scope="session", autouse=True)
def private_ultralytics(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep Ultralytics' settings of the user out of the tests."""
    from spineseg.process_setup import prepare_environment

    prepare_environment(tmp_path_factory.mktemp("ultralytics"))


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


@pytest.fixture(scope="session")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both stores, made once: their migrations take seconds."""
    import optuna

    from spineseg.tracking.store import open_store

    root = tmp_path_factory.mktemp("stores")
    open_store(root, None)
    optuna.storages.RDBStorage(f"sqlite:///{root / 'optuna.db'}")
    return root


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export with 6 training and 3 validation images of C1..C7."""
    return write_export(tmp_path / "export", {"train": 6, "valid": 3})
