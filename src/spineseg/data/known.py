"""Finds a merged dataset that was made before, of just these files, whole; or puts it there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from spineseg.config.data import DataConfig
from spineseg.data.checked import Recorded, check_files, keep_stamps, stamps_of
from spineseg.data.manifest import (
    AUDIT_FILE,
    DATA_FILE,
    MANIFEST_FILE,
    Dataset,
    Manifest,
    data_yaml,
    fingerprint_of,
    load_manifest,
)
from spineseg.data.opened import OpenedSource
from spineseg.errors import DataError
from spineseg.files import write_whole

_CHECKED_FILE = "checked.json"
_OF_ITS_SOURCES = (MANIFEST_FILE, AUDIT_FILE)
_FORMAT = 9  # Raise it with any change of what a merged dataset holds.


def note_of(config: DataConfig, sources: Sequence[OpenedSource], cache: Path, salt: bytes) -> Path:
    """Return where it is noted which dataset was made of `sources` by `config` with `salt`.

    Its name is a digest of the config and of every file's name, size and time.
    """
    digest = hashlib.sha256(f"{_FORMAT}".encode() + salt)
    digest.update(str(Path.cwd()).encode())  # Paths may be relative.
    digest.update(config.model_dump_json(exclude={"accept_leaks"}).encode())
    for source in sources:
        files = [*source.films.files, *source.films.orphans]
        files += [file.path for file in source.films.left_out]
        files += [film.path for film in source.films.films]
        files += [film.labels for film in source.films.films if isinstance(film.labels, Path)]
        files += [source.sizes_file] if source.sizes_file else []
        for file in files:
            try:
                status = file.stat()
                row = [str(file), status.st_size, status.st_mtime_ns, status.st_ctime_ns]
            except OSError:  # Absent, or a link in a circle; its reader says so.
                row = [str(file), -1]
            digest.update(json.dumps(row).encode())
    return cache / "prepared" / f"{digest.hexdigest()[:32]}.txt"


def keep_note(note: Path, dataset: Dataset) -> None:
    """Note which dataset was made, with its manifest and audit: other sources may give the same."""
    note.parent.mkdir(exist_ok=True)
    for name in _OF_ITS_SOURCES:
        write_whole(note.with_suffix(f".{name}"), (dataset.folder / name).read_bytes())
    write_whole(note, dataset.folder.name)


def noted(note: Path, cache: Path) -> Dataset | None:
    """Return the dataset that `note` names, if there is one and it is whole.

    Its manifest and audit are those of the note's own sources, put back where others' lie.
    """
    try:
        folder = cache / note.read_text().strip()
        for name in _OF_ITS_SOURCES:
            content = note.with_suffix(f".{name}").read_bytes()
            if (folder / name).read_bytes() != content:
                write_whole(folder / name, content)
    except OSError:
        return None
    return whole(folder)


def whole(folder: Path) -> Dataset | None:
    """Return the dataset in `folder` if everything is there as it is recorded."""
    try:
        manifest = load_manifest(folder)
    except (OSError, DataError):
        return None
    if manifest.fingerprint != fingerprint_of(manifest.entries, manifest.augmentation):
        return None
    return None if _faults(folder, manifest) else Dataset(folder, manifest)


def _faults(folder: Path, manifest: Manifest) -> dict[str, str]:
    """Return what is wrong with films, labels and data.yaml, by their paths in the dataset."""
    faults = check_files(folder, _recorded(manifest), folder / _CHECKED_FILE, _is_read).faults
    names = folder / DATA_FILE
    if not names.is_file() or names.read_text(errors="replace") != data_yaml(manifest):
        faults[DATA_FILE] = "is changed"
    return faults


def _is_read(name: str) -> bool:
    """Return whether a trainer may read a file, by its path in the dataset: it looks in folders."""
    return name.count("/") > 1 and not name.endswith(".cache")


def refuse_unwhole(folder: Path) -> None:
    """Raise DataError where a merged dataset lacks a file, or one of them is changed."""
    if whole(folder) is None:
        raise DataError(
            f"{folder}: a film or a label is missing or changed; `spineseg run` with the study's "
            "config mends it and goes on"
        )


def put_in_place(staged: Path, manifest: Manifest, say: Callable[[str], None]) -> Dataset:
    """Give the merged dataset its place, by its fingerprint, unless it is there already.

    Where it is there but not whole, what is missing or changed is mended file by file, each in one
    step: a study may be reading it.
    """
    folder = staged.with_name(f"merged-{manifest.fingerprint[:12]}")
    if not folder.is_dir():
        try:
            staged.replace(folder)
            keep_stamps(folder / _CHECKED_FILE, stamps_of(folder))
            return Dataset(folder, manifest)
        except OSError:
            if not folder.is_dir():
                raise  # Else another process has made the same meanwhile.
    mended = _mended(staged, folder, manifest)
    if mended:
        say(f"{folder}: {mended} files were missing, changed or foreign, and were mended")
    for name in (DATA_FILE, MANIFEST_FILE, AUDIT_FILE):
        (staged / name).replace(folder / name)
    return Dataset(folder, manifest)


def _mended(staged: Path, folder: Path, manifest: Manifest) -> int:
    """Bring the films and labels of `folder` to those of `staged`; return how many it took."""
    faults = _faults(folder, manifest)
    for name, fault in faults.items():
        if fault == "was added":
            (folder / name).unlink()
        elif name != DATA_FILE:  # That is put there in any case.
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
            for place in ((folder / name).parent.parent, (folder / name).parent):
                if place.is_symlink() or not place.is_dir():
                    place.unlink(missing_ok=True)
                    place.mkdir()
            (staged / name).replace(folder / name)
    return len(faults)


def _recorded(manifest: Manifest) -> dict[str, Recorded]:
    """Return what is on record of every film and label file, by its path in the dataset."""
    files = {}
    for entry in manifest.entries:
        label = Path(entry.name).with_suffix(".txt").name
        films = f"{entry.part}/images/{entry.name}"
        files[films] = Recorded(entry.film_bytes, entry.film_sha256)
        labels = f"{entry.part}/labels/{label}"
        files[labels] = Recorded(entry.labels_bytes, entry.labels_sha256)
    return files
