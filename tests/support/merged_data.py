"""Small datasets merged for the tests."""

from pathlib import Path

from spineseg.config.data import DataConfig
from spineseg.data.layouts import read_folder
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset


def prepare(tmp_path: Path, *folders: Path, **settings: object) -> Dataset:
    """Merge folders with their own split, unless `settings` say otherwise."""
    sources = [{"kind": "local", "path": str(folder)} for folder in folders]
    config = DataConfig.model_validate({"sources": sources, "split": "keep", **settings})
    return prepare_dataset(config, tmp_path / "cache", say=lambda text: None)


def first_film(export: Path, part: str = "train") -> Path:
    return next(film.path for film in read_folder(export).films if film.part == part)
