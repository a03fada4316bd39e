"""What real trainings in the tests share: a few phantoms, and what starts children."""

from __future__ import annotations

import pytest

from spineseg.config.data import DataConfig
from spineseg.data.merge import Dataset, prepare_dataset
from spineseg.training.launcher import Launcher


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    phantom = {
        "kind": "phantom",
        "seed": 1,
        "frontal_films": 12,
        "lateral_films": 8,
        "film_size_px": 64,
        "difficulty": 0.1,
    }
    config = DataConfig.model_validate({"sources": [phantom]})
    return prepare_dataset(config, tmp_path_factory.mktemp("data"), say=lambda text: None)


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Launcher:
    return Launcher(tmp_path_factory.mktemp("cache"))
