"""Merges sources into one dataset of the 24 levels: mended, split, audited and fingerprinted."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil
import yaml
from PIL import Image

from spineseg.config.data import DataConfig
from spineseg.data.audit import Audit, Finding, make_audit
from spineseg.data.augment import encoded, pose_of, posed_film, posed_outlines
from spineseg.data.film_source import shown
from spineseg.data.intake import FilmFacts, Intake, decode, label_text, take_in
from spineseg.data.labels import clean_labels
from spineseg.data.likeness import (
    MAYBE_BITS,
    SAME_DETAIL,
    SURE_BITS,
    Pair,
    Pose,
    alike_pairs,
    same_detail,
)
from spineseg.data.manifest import (
    AUDIT_FILE,
    MANIFEST_FILE,
    Dataset,
    Manifest,
    ManifestEntry,
    fingerprint_of,
    load_manifest,
)
from spineseg.data.sources import OpenSource, Progress, open_sources
from spineseg.data.split import Patient, assign_parts, check_parts, grouped, patient_of, source_stem
from spineseg.data.yolo import label_path, raw_labels
from spineseg.errors import DataError
from spineseg.films import PARTS
from spineseg.levels import CLASS_NAMES
from spineseg.workers import on_all_cores, shared_workers

_FORMAT = 4  # Raise it with any change of what a merged dataset holds.
_NAMES = dict(enumerate(CLASS_NAMES))
_LONGEST_NAME = 200  # Bytes; file systems take 255, and prefixes come before it.
_FEW = 100


@dataclass(frozen=True)
class _Film:
    """One film of the merge: where it came from, and what was found."""

    intake: Intake
    facts: FilmFacts
    source: int
    patient: str


def prepare_dataset(config: DataConfig, cache: Path, say: Progress = print) -> Dataset:
    """Return the merged dataset of `config`, made under `cache` unless it is there already.

    Images keep their bytes. Raises DataError where a source is missing or damaged beyond mending,
    or a name is no level; nothing half-written stays.
    """
    sources = open_sources(config, cache, say)
    note = cache / "prepared" / f"{_state(config, sources)}.txt"
    known = _known(note, cache)
    if known is not None:
        return known
    films = _intakes(sources)
    say(f"reading, checking and merging {len(films)} films")
    with _staging(cache) as staging, shared_workers():
        facts = list(take_in([film for _, film in films], staging, boxes=config.boxes))
        found = [
            _Film(intake, fact, number, patient_of(intake.film.image, config.patient_pattern))
            for (number, intake), fact in zip(films, facts, strict=True)
        ]
        left_out = _left_out(found, sources, config, cache)
        dataset = _finish(found, sources, config, cache, staging, left_out)
    note.parent.mkdir(exist_ok=True)
    note.write_text(dataset.folder.name)
    return dataset


def load_audit(dataset: Dataset) -> Audit:
    """Return the audit that was made with a dataset."""
    return Audit.model_validate_json((dataset.folder / AUDIT_FILE).read_bytes())


def _state(config: DataConfig, sources: Sequence[OpenSource]) -> str:
    """Return a digest of the config and of every file's name, size and time."""
    digest = hashlib.sha256(f"{_FORMAT}".encode())
    digest.update(str(Path.cwd()).encode())  # Paths may be relative.
    digest.update(config.model_dump_json(exclude={"accept_leaks"}).encode())
    for source in sources:
        files = [*source.films.files, *source.films.orphans]
        files += [film.image for film in source.films.films]
        files += [film.labels for film in source.films.films if isinstance(film.labels, Path)]
        for file in files:
            try:
                status = file.stat()
                row = [str(file), status.st_size, status.st_mtime_ns]
            except OSError:  # Absent, or a link in a circle; its reader says so.
                row = [str(file), -1]
            digest.update(json.dumps(row).encode())
    return digest.hexdigest()[:32]


def _known(note: Path, cache: Path) -> Dataset | None:
    """Return the dataset that was made of just these files, if it is whole."""
    if not note.is_file():
        return None
    return _whole(cache / note.read_text().strip())


def _whole(folder: Path) -> Dataset | None:
    """Return the dataset in `folder` if every file is there in its size."""
    try:
        manifest = load_manifest(folder)
        wanted, there = {}, {}
        for entry in manifest.entries:
            wanted[entry.part, "images", entry.name] = entry.image_bytes
            label = Path(entry.name).with_suffix(".txt").name
            wanted[entry.part, "labels", label] = entry.labels_bytes
        for part in PARTS:
            for kind in ("images", "labels"):
                if manifest.count(part):
                    with os.scandir(folder / part / kind) as files:
                        there.update({(part, kind, f.name): f.stat().st_size for f in files})
    except (OSError, ValueError):
        return None
    there = {key: size for key, size in there.items() if not key[2].endswith(".cache")}
    return Dataset(folder, manifest) if there == wanted else None


def _intakes(sources: Sequence[OpenSource]) -> list[tuple[int, Intake]]:
    """Return every film with its source's number and the name it will have."""
    films = [(number, film) for number, s in enumerate(sources) for film in s.films.films]
    clean = [_clean_name(film.image.name) for _, film in films]
    count = Counter(Path(name).stem.casefold() for name in clean)
    named = []
    for (number, film), name in zip(films, clean, strict=True):
        if count[Path(name).stem.casefold()] > 1:
            name = f"s{number + 1}-{film.part or 'films'}-{name}"
        named.append((number, Intake(film, sources[number].config, name)))
    again = Counter(Path(intake.name).stem.casefold() for _, intake in named)
    for _, intake in named:
        if again[Path(intake.name).stem.casefold()] > 1:
            raise DataError(
                f"{shown(intake.film.image)}: another image has this name, but for its suffix or "
                "capitals, and so the same labels; rename one with its labels"
            )
    return named


def _clean_name(name: str) -> str:
    """Return a file name without control characters and not too long, still its own."""
    clean = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff/\\]", "_", name)
    if clean == name and len(name.encode()) <= _LONGEST_NAME:
        return name
    mark = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    suffix = Path(clean).suffix
    stem = Path(clean).stem.encode()[: _LONGEST_NAME - 20].decode(errors="ignore")
    return f"{stem}-{mark}{suffix}"


def _left_out(
    films: Sequence[_Film], sources: Sequence[OpenSource], config: DataConfig, cache: Path
) -> list[Finding]:
    """Return what is left out and orphaned. Raises DataError where that may not be."""
    for number, source in enumerate(sources):
        unmapped = {name: 0 for f in films if f.source == number for name in f.facts.unmapped}
        if unmapped:
            raise DataError(
                f"{source.name}: classes {', '.join(sorted(unmapped))} are none of the 24 levels "
                "C1..C7, T1..T12, L1..L5; map them by the source's class_map, or leave them out "
                "by its drop_classes"
            )
    broken = [film.facts.problem for film in films if film.facts.problem]
    labels = [
        f"{note.where}: {note.text}"
        for film in films
        for note in film.facts.notes
        if note.kind == "damaged"
    ]
    if config.damaged == "refuse" and (broken or labels):
        raise DataError(_refusal([*broken, *labels], cache))
    findings = [
        Finding(kind="film-dropped", severity="mended", films=(film.intake.name,), detail=problem)
        for film in films
        if (problem := film.facts.problem)
    ]
    for source in sources:
        findings += [
            Finding(
                kind="labels-without-film",
                severity="doubt",
                films=(path.name,),
                detail=f"{shown(path)}: there is no image of this name",
            )
            for path in source.films.orphans
        ]
    return findings


def _refusal(problems: list[str], cache: Path) -> str:
    if len(problems) == 1:
        return f"{problems[0]} (or set data.damaged: drop)"
    cache.mkdir(parents=True, exist_ok=True)
    whole = cache / "refused.txt"
    whole.write_text("\n".join(problems) + "\n")
    return (
        f"{problems[0]} (and {len(problems) - 1} more, listed in {whole}; mend them, or set "
        "data.damaged: drop)"
    )


def _finish(
    films: Sequence[_Film],
    sources: Sequence[OpenSource],
    config: DataConfig,
    cache: Path,
    staging: Path,
    left_out: list[Finding],
) -> Dataset:
    """Split, record and audit what was taken in, and put it in its place."""
    films = sorted((f for f in films if not f.facts.problem), key=lambda film: film.intake.name)
    if not films:
        raise DataError("no film is left to train on; name sources whose images can be read")
    hashes = np.frombuffer(b"".join(f.facts.hashes for f in films), np.uint64).reshape(-1, 8, 4)
    pairs = _alike(films, hashes, staging)
    groups, parts = _split(films, pairs, config)
    for part in dict.fromkeys(parts):
        for kind in ("images", "labels"):
            (staging / part / kind).mkdir(parents=True)
    for film, part in zip(films, parts, strict=True):
        _put(staging, part, film.intake.name)
    entries = [
        _entry(film, group, part) for film, group, part in zip(films, groups, parts, strict=True)
    ]
    recipe: str = config.augmentation
    if config.augmentation != "none":
        recipe = f"{config.augmentation} x {config.augmented_copies}, seed {config.split_seed}"
        entries += _augmented(staging, entries, config)
    manifest = Manifest(
        fingerprint=fingerprint_of(tuple(entries), recipe),
        synthetic=any(source.config.kind == "phantom" for source in sources),
        sources=tuple(source.record for source in sources),
        entries=tuple(entries),
    )
    stems = [source_stem(film.intake.film.image) for film in films]
    audit = make_audit(manifest, [film.facts for film in films], pairs, stems, left_out)
    (staging / "data.yaml").write_text(_data_yaml(manifest))
    (staging / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=1))
    (staging / AUDIT_FILE).write_text(audit.model_dump_json(indent=1))
    folder = cache / f"merged-{manifest.fingerprint[:12]}"
    there = _whole(folder)
    if there is not None:
        (staging / AUDIT_FILE).replace(folder / AUDIT_FILE)
        return there
    shutil.rmtree(folder, ignore_errors=True)
    try:
        staging.replace(folder)
    except OSError:
        there = _whole(folder)  # Another process may have made the same meanwhile.
        if there is None:
            raise
        return there
    return Dataset(folder, manifest)


def _alike(films: Sequence[_Film], hashes: np.ndarray, staging: Path) -> list[Pair]:
    """Return the pairs of films that show one picture; the doubtful are laid over each other."""
    maybe = list(alike_pairs(hashes, MAYBE_BITS))
    doubtful = [pair for pair in maybe if pair.bits > SURE_BITS]
    names = [(films[p.first].intake.name, films[p.second].intake.name, p.pose) for p in doubtful]
    agreements = on_all_cores(partial(_agreement, staging), names, few=_FEW)
    same = {pair for pair, r in zip(doubtful, agreements, strict=True) if r >= SAME_DETAIL}
    return [pair for pair in maybe if pair.bits <= SURE_BITS or pair in same]


def _agreement(staging: Path, names: tuple[str, str, Pose]) -> float:
    cv2.setNumThreads(1)
    with Image.open(staging / names[0]) as first, Image.open(staging / names[1]) as second:
        return same_detail(first, second, names[2])


def _split(
    films: Sequence[_Film], pairs: Sequence[Pair], config: DataConfig
) -> tuple[list[Patient], list[str]]:
    """Return the group and the part of each film."""
    patients = [(film.source, film.patient) for film in films]
    if config.split == "keep":
        parts = [film.intake.film.part for film in films]
        if None in parts or not {"train", "valid"} <= set(parts):
            raise DataError(
                "split: keep needs sources with a training and a validation part of their own; "
                "use data.split: patients"
            )
        return patients, [part for part in parts if part]
    together = [(p.first, p.second) for p in pairs] if config.group_near_duplicates else []
    groups = grouped(patients, together)
    part_of = assign_parts(
        dict.fromkeys(groups),
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
        seed=config.split_seed,
    )
    parts_found = [part_of[group] for group in groups]
    check_parts(parts_found, config.test_fraction)
    return groups, parts_found


def _put(staging: Path, part: str, name: str) -> None:
    """Move a film that was taken in to its part."""
    label = Path(name).with_suffix(".txt").name
    for kind, file in (("images", name), ("labels", label)):
        (staging / file).replace(staging / part / kind / file)


def _entry(film: _Film, group: Patient, part: str) -> ManifestEntry:
    facts = film.facts
    return ManifestEntry(
        name=film.intake.name,
        part=part,
        source=film.source,
        patient=film.patient,
        group=f"{group[0]}:{group[1]}",
        image_sha256=facts.image_sha256,
        labels_sha256=facts.labels_sha256,
        image_bytes=facts.image_bytes,
        labels_bytes=facts.labels_bytes,
        levels=facts.levels,
    )


def _augmented(
    staging: Path, entries: Sequence[ManifestEntry], config: DataConfig
) -> list[ManifestEntry]:
    """Write the augmented copies of the training films, and return their entries."""
    films = [entry for entry in entries if entry.part == "train"]
    write = partial(_write_copies, staging, copies=config.augmented_copies, seed=config.split_seed)
    return [copy for copies in on_all_cores(write, films, few=_FEW) for copy in copies]


def _write_copies(
    staging: Path, entry: ManifestEntry, *, copies: int, seed: int
) -> list[ManifestEntry]:
    image = staging / "train" / "images" / entry.name
    film = decode(image.read_bytes(), image)
    outlines = clean_labels(raw_labels(label_path(image), _NAMES)).outlines
    made = []
    for copy in range(1, copies + 1):
        pose = pose_of(entry.image_sha256, copy, seed)
        posed = posed_outlines(outlines, pose, film.size)
        content, text = encoded(posed_film(film, pose)), label_text(posed).encode()
        target = image.with_name(f"{image.stem}-augmented{copy}.jpg")
        target.write_bytes(content)
        label_path(target).write_bytes(text)
        made.append(
            entry.model_copy(
                update={
                    "name": target.name,
                    "image_sha256": hashlib.sha256(content).hexdigest(),
                    "labels_sha256": hashlib.sha256(text).hexdigest(),
                    "image_bytes": len(content),
                    "labels_bytes": len(text),
                    "levels": tuple(outline.level for outline in posed),
                    "augmented": True,
                }
            )
        )
    return made


@contextmanager
def _staging(cache: Path) -> Iterator[Path]:
    """Give a folder to write in; what a killed process left of its own is removed."""
    cache.mkdir(parents=True, exist_ok=True)
    for left in cache.glob(".merging-*"):
        process = left.name.removeprefix(".merging-")
        if not process.isdigit() or not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    folder = cache / f".merging-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _data_yaml(manifest: Manifest) -> str:
    parts = {
        "val" if part == "valid" else part: f"{part}/images"
        for part in PARTS
        if manifest.count(part)
    }
    names = {"nc": len(CLASS_NAMES), "names": list(CLASS_NAMES)}
    return yaml.safe_dump(parts | names, sort_keys=False)
