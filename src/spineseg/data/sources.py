"""Opens a configured source: made, found or downloaded, in whatever layout it lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spineseg.config.data import DataConfig, LocalSource, PhantomSource, RoboflowSource, Source
from spineseg.data.film_source import FilmSource, shown
from spineseg.data.layouts import read_folder
from spineseg.data.manifest import ManifestSource
from spineseg.data.yolo import read_export
from spineseg.workers import cores

Progress = Callable[[str], None]


@dataclass(frozen=True)
class OpenSource:
    """A source whose films are on this disk."""

    config: Source
    record: ManifestSource
    films: FilmSource

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.record.name


def open_sources(config: DataConfig, cache: Path, say: Progress) -> list[OpenSource]:
    """Return all sources, in order; `cache` keeps what is made or fetched.

    Raises DataError where a source cannot be had or read, with the remedy.
    """
    return [opened for source in config.sources for opened in _opened(source, config, cache, say)]


def _opened(source: Source, config: DataConfig, cache: Path, say: Progress) -> Iterator[OpenSource]:
    match source:
        case LocalSource(path=path):
            place = path.expanduser()
            record = ManifestSource(name=shown(place.resolve().name), kind="local")
            yield OpenSource(source, record, read_folder(place))
        case PhantomSource():
            for folder in _phantom(source, config, cache, say):
                record = ManifestSource(
                    name=f"phantom-{folder.name}", kind="phantom", version=_phantom_version()
                )
                yield OpenSource(source, record, read_export(folder))
        case RoboflowSource():
            from spineseg.data.roboflow_source import fetched

            folder, version = fetched(source, cache, say)
            record = ManifestSource(
                name=f"{source.workspace}/{source.project}", kind="roboflow", version=str(version)
            )
            yield OpenSource(source, record, read_export(folder))


def _phantom_version() -> str:
    from spineseg.phantom import VERSION

    return str(VERSION)


def _phantom(source: PhantomSource, config: DataConfig, cache: Path, say: Progress) -> list[Path]:
    from spineseg.phantom import VERSION, write_datasets

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
            workers=cores(),
        )
    return [folder / "frontal", folder / "lateral"]
