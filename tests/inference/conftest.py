"""What prediction and evaluation are tried on: phantoms, labelled, and a champion."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from registry_cases import fresh_store, register_file

from spineseg.levels import CLASS_INDEX, CLASS_NAMES
from spineseg.phantom.film import render_film
from spineseg.tracking.store import TrackingStore
from spineseg.training.weights import bundled_weights


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with three phantoms."""
    folder = tmp_path_factory.mktemp("films")
    for kind in ("images", "labels"):
        (folder / "valid" / kind).mkdir(parents=True)
    for number in range(3):
        film = render_film("frontal", 224, number)
        Image.fromarray(film.pixels).save(folder / "valid" / "images" / f"film-{number}.png")
        rows = [
            f"{CLASS_INDEX[level]} " + " ".join(f"{v:.6f}" for v in np.ravel(points).clip(0, 1))
            for level, points in film.outlines.items()
        ]
        (folder / "valid" / "labels" / f"film-{number}.txt").write_text("\n".join(rows))
    (folder / "data.yaml").write_text(f"names: {json.dumps(CLASS_NAMES)}\nval: valid/images\n")
    return folder


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> TrackingStore:
    """A store whose champion is the bundled network, with made-up knowledge of columns."""
    store = fresh_store(tmp_path_factory.mktemp("stored") / "mlruns", empty_stores)
    register_file(store, bundled_weights(), image_size_px=224)
    return store


@pytest.fixture(autouse=True)
def nothing_falls_into_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
