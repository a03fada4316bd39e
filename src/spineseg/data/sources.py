"""Turns a configured source into folders in export layout: made, found or downloaded."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from ..config import DataConfig, LocalSource, PhantomSource, RoboflowSource, Source
from ..errors import DataError

Progress = Callable[[str], None]


def source_folders(config: DataConfig, cache: Path, say: Progress) -> list[Path]:
    """Return the export folders of all sources, in order; `cache` keeps what is made or fetched.

    Raises DataError where a source cannot be had, with the remedy.
    """
    folders = []
    for source in config.sources:
        folders += _folders_of(source, config, cache, say)
    return folders


def _folders_of(source: Source, config: DataConfig, cache: Path, say: Progress) -> list[Path]:
    match source:
        case LocalSource(path=path):
            return [path.expanduser()]
        case PhantomSource():
            return _phantom(source, config, cache, say)
        case RoboflowSource():
            return [_roboflow(source, cache, say)]


def _phantom(source: PhantomSource, config: DataConfig, cache: Path, say: Progress) -> list[Path]:
    from .phantom import VERSION, write_datasets

    wanted = source.model_dump() | {
        "version": VERSION,
        "val_fraction": config.val_fraction,
        "test_fraction": config.test_fraction,
    }
    key = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:12]
    folder = cache / f"phantom-{key}"
    if not folder.is_dir():
        films = source.frontal_films + source.lateral_films
        say(f"making {films} synthetic X-rays of {source.film_size_px} px")
        write_datasets(
            folder,
            seed=source.seed,
            frontal_films=source.frontal_films,
            lateral_films=source.lateral_films,
            size_px=source.film_size_px,
            difficulty=source.difficulty,
            val_fraction=config.val_fraction,
            test_fraction=config.test_fraction,
            workers=len(os.sched_getaffinity(0)),
        )
    return [folder / "frontal", folder / "lateral"]


def _roboflow(source: RoboflowSource, cache: Path, say: Progress) -> Path:
    name = f"{source.workspace}/{source.project}"
    key = os.environ.get("ROBOFLOW_API_KEY")
    versions = sorted(cache.glob(f"roboflow-{source.workspace}-{source.project}-v*"))
    if source.version is not None:
        versions = [path for path in versions if path.name.endswith(f"-v{source.version}")]
    if versions:
        return versions[-1]
    if not key:
        raise DataError(
            f"{name}: downloading needs a Roboflow key; make one at app.roboflow.com (Settings, "
            "API Keys) and set ROBOFLOW_API_KEY, or use a downloaded export as a `local` source"
        )
    say(f"downloading {name} from Roboflow")
    from .roboflow_source import download

    return download(source, key, cache)
