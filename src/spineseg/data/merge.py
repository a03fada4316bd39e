"""Merges exports into one dataset of the 24 levels, checked, split and fingerprinted."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import Field

from ..config import DataConfig, Model
from ..errors import DataError
from ..films import Outline
from ..levels import CLASS_INDEX, CLASS_NAMES
from .export import PARTS, Export, check_image, label_path, read_export, read_outlines
from .sources import Progress, source_folders
from .split import assign_parts, patient_of

MANIFEST_FILE = "manifest.json"


class ManifestEntry(Model):
    """One image of the merged dataset."""

    name: str = Field(description="File name in the merged dataset.")
    part: str
    source: str
    patient: str
    image_sha256: str
    labels_sha256: str
    levels: tuple[str, ...]


class Manifest(Model):
    """Everything that makes two datasets the same, or not."""

    fingerprint: str = Field(description="SHA-256 over all entries; the same on any machine.")
    synthetic: bool
    sources: tuple[str, ...]
    entries: tuple[ManifestEntry, ...]

    def count(self, part: str) -> int:
        """Return the images of one part."""
        return sum(entry.part == part for entry in self.entries)

    def instances(self, part: str) -> Counter[str]:
        """Return the labelled vertebrae of one part by level."""
        return Counter(
            level for entry in self.entries if entry.part == part for level in entry.levels
        )


@dataclass(frozen=True)
class Dataset:
    """A merged dataset on disk, ready to train on."""

    folder: Path
    manifest: Manifest

    @property
    def fingerprint(self) -> str:
        """What identifies the data."""
        return self.manifest.fingerprint


@dataclass(frozen=True)
class _Film:
    source: Export
    image: Path
    part: str
    outlines: tuple[Outline, ...]


def prepare_dataset(config: DataConfig, cache: Path, say: Progress = print) -> Dataset:
    """Return the merged dataset of `config`, made under `cache` unless it is there already.

    Images keep their bytes. Raises DataError where a source is missing or damaged; nothing
    half-written stays.
    """
    exports = [read_export(folder) for folder in source_folders(config, cache, say)]
    films = [film for export in exports for film in _films(export, config)]
    names = _unique_names(films)
    manifest = _manifest(films, names, config, exports)
    folder = cache / f"merged-{manifest.fingerprint[:12]}"
    if not folder.is_dir():
        say(f"checking and merging {len(films)} images")
        _write(films, names, manifest, folder)
    return Dataset(folder, manifest)


def _films(export: Export, config: DataConfig) -> Iterator[_Film]:
    if "valid" in export.images:
        parts = {image: part for part, images in export.images.items() for image in images}
    else:
        parts = assign_parts(
            export.images["train"],
            pattern=config.patient_pattern,
            val_fraction=config.val_fraction,
            test_fraction=0 if "test" in export.images else config.test_fraction,
            seed=config.split_seed,
        ) | dict.fromkeys(export.images.get("test", ()), "test")
    for image in sorted(parts):
        outlines = read_outlines(label_path(image), export.levels)
        yield _Film(export, image, parts[image], outlines)


def _unique_names(films: list[_Film]) -> list[str]:
    """Return a file name for each film: its own, or its source's in front where two are alike."""
    count = Counter(film.image.stem for film in films)
    names = [
        film.image.name
        if count[film.image.stem] == 1
        else f"{film.source.folder.name}-{film.part}-{film.image.name}"
        for film in films
    ]
    twice = [
        name for name, times in Counter(Path(name).stem for name in names).items() if times > 1
    ]
    if twice:
        raise DataError(f"{twice[0]}: two images of one name; rename one of them")
    return names


def _manifest(
    films: list[_Film], names: list[str], config: DataConfig, exports: list[Export]
) -> Manifest:
    entries = tuple(
        ManifestEntry(
            name=name,
            part=film.part,
            source=film.source.folder.name,
            patient=patient_of(film.image, config.patient_pattern),
            image_sha256=hashlib.sha256(film.image.read_bytes()).hexdigest(),
            labels_sha256=hashlib.sha256(_label_text(film).encode()).hexdigest(),
            levels=tuple(outline.level for outline in film.outlines),
        )
        for film, name in sorted(zip(films, names, strict=True), key=lambda pair: pair[1])
    )
    content = json.dumps([entry.model_dump(exclude={"source"}) for entry in entries])
    return Manifest(
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        synthetic=any(source.kind == "phantom" for source in config.sources),
        sources=tuple(export.folder.name for export in exports),
        entries=entries,
    )


def _label_text(film: _Film) -> str:
    return "".join(
        f"{CLASS_INDEX[outline.level]} "
        + " ".join(f"{value:.6f}" for value in outline.points.ravel())
        + "\n"
        for outline in film.outlines
    )


def _write(films: list[_Film], names: list[str], manifest: Manifest, folder: Path) -> None:
    part_folder = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        for part in PARTS:
            if manifest.count(part):
                (part_folder / part / "images").mkdir(parents=True)
                (part_folder / part / "labels").mkdir(parents=True)
        for film, name in zip(films, names, strict=True):
            check_image(film.image)
            image = part_folder / film.part / "images" / name
            # A copy, not a link: the trainer rewrites JPEGs that lack an end marker.
            shutil.copyfile(film.image, image)
            label_path(image).write_text(_label_text(film))
        (part_folder / "data.yaml").write_text(_data_yaml(manifest))
        (part_folder / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=1))
        part_folder.replace(folder)
    finally:
        shutil.rmtree(part_folder, ignore_errors=True)


def _data_yaml(manifest: Manifest) -> str:
    parts = {
        "val" if part == "valid" else part: f"{part}/images"
        for part in PARTS
        if manifest.count(part)
    }
    names = {"nc": len(CLASS_NAMES), "names": list(CLASS_NAMES)}
    return yaml.safe_dump(parts | names, sort_keys=False)
