"""Merges sources into one dataset of the 24 levels: mended, split, audited and fingerprinted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from spineseg.config.data import DataConfig
from spineseg.data.accounting import make_account
from spineseg.data.auditing import make_audit
from spineseg.data.augment import write_copies
from spineseg.data.gather import gathered, left_out, named, refuse_damage
from spineseg.data.intake import GatheredFilm
from spineseg.data.known import keep_note, note_of, noted, put_in_place
from spineseg.data.likeness.pairs import same_pictures
from spineseg.data.manifest import (
    AUDIT_FILE,
    DATA_FILE,
    MANIFEST_FILE,
    Dataset,
    Manifest,
    ManifestEntry,
    data_yaml,
    fingerprint_of,
)
from spineseg.data.opened import OpenedSource
from spineseg.data.patients import Patient, kept_salt
from spineseg.data.sources import Say, open_sources
from spineseg.data.split import divided
from spineseg.errors import DataError
from spineseg.files import staging
from spineseg.films import Part
from spineseg.live_line import doing
from spineseg.measurement.aspect import known_aspect
from spineseg.workers import shared_workers


def prepare_dataset(config: DataConfig, cache: Path, say: Say = print) -> Dataset:
    """Return the merged dataset of `config`, made under `cache` unless it is there already.

    Films keep their bytes where the trainer can read them as they are. Raises DataError where a
    source is missing, damaged beyond mending, or changes meanwhile, or a name is no level; nothing
    half-written stays.
    """
    sources = open_sources(config, cache, say)
    cache.mkdir(parents=True, exist_ok=True)
    salt = kept_salt(cache) if config.patients_from.startswith("dicom") else b""
    note = note_of(config, sources, cache, salt)
    known = noted(note, cache)
    if known is not None:
        return known
    intakes = named(sources)
    say(f"reading, checking and merging {len(intakes)} films")
    doing("reading, checking and merging the films")
    with staging(cache, "merged") as folder, shared_workers():
        films = gathered(intakes, sources, config, folder, salt)
        if config.damaged == "refuse":
            refuse_damage(films, sources, cache / "refused.txt")
        manifest = merged(films, sources, config, folder)
        if note_of(config, open_sources(config, cache, say), cache, salt) != note:
            raise DataError(
                f"{', '.join(source.name for source in sources)}: changed while it was read; run "
                "again when nothing writes there"
            )
        dataset = put_in_place(folder, manifest, say)
    keep_note(note, dataset)
    return dataset


def merged(
    found: Sequence[GatheredFilm],
    sources: Sequence[OpenedSource],
    config: DataConfig,
    folder: Path,
) -> Manifest:
    """Split, record and audit what was gathered in `folder`; return its manifest."""
    films = sorted((f for f in found if not f.facts.problem), key=lambda film: film.facts.name)
    if not films:
        raise DataError("no film is left to train on; name sources whose films can be read")
    account = make_account(found, sources, config)
    files = [folder / film.facts.name for film in films]
    doing("looking for films that show the same picture")
    pairs = same_pictures([film.facts.hashes for film in films], files)
    groups, parts = divided(
        [film.whose for film in films],
        [film.intake.film.part for film in films],
        [(pair.first, pair.second) for pair in pairs],
        config,
    )
    doing("splitting by patient, writing the dataset")
    _move_to_parts(folder, films, parts)
    aspects = [source.true_aspects() for source in sources]
    entries = [
        _entry(film, group, part, aspects[film.intake.source_number])
        for film, group, part in zip(films, groups, parts, strict=True)
    ]
    recipe: str = config.augmentation
    if config.augmentation != "none":
        recipe = f"{config.augmentation} x {config.augmented_copies}, seed {config.split_seed}"
        entries += write_copies(folder, entries, config.augmented_copies, config.split_seed)
    manifest = Manifest(
        fingerprint=fingerprint_of(tuple(entries), recipe),
        augmentation=recipe,
        synthetic=any(source.config.kind == "phantom" for source in sources),
        sources=tuple(source.record for source in sources),
        entries=tuple(entries),
    )
    stems = [film.intake.radiograph for film in films]
    facts = [film.facts for film in films]
    doing("auditing the data")
    audit = make_audit(manifest, account, facts, pairs, stems, left_out(found, sources))
    (folder / DATA_FILE).write_text(data_yaml(manifest))
    (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=1))
    (folder / AUDIT_FILE).write_text(audit.model_dump_json(indent=1))
    return manifest


def _move_to_parts(folder: Path, films: Sequence[GatheredFilm], parts: Sequence[Part]) -> None:
    for part in dict.fromkeys(parts):
        for kind in ("images", "labels"):
            (folder / part / kind).mkdir(parents=True)
    for film, part in zip(films, parts, strict=True):
        name = film.facts.name
        label = Path(name).with_suffix(".txt").name
        for kind, file in (("images", name), ("labels", label)):
            (folder / file).replace(folder / part / kind / file)


def _entry(
    film: GatheredFilm, group: Patient, part: Part, aspects: Mapping[str, float]
) -> ManifestEntry:
    facts = film.facts
    spacing = facts.dicom.spacing if facts.dicom else None
    return ManifestEntry(
        name=facts.name,
        part=part,
        source=film.intake.source_number,
        patient=film.whose.patient.name,
        group=f"{group.source}:{group.name}",
        film_sha256=facts.film_sha256,
        labels_sha256=facts.labels_sha256,
        film_bytes=facts.film_bytes,
        labels_bytes=facts.labels_bytes,
        levels=facts.levels,
        content_sha256=facts.content_sha256,
        conversion=facts.conversion,
        spacing=spacing,
        aspect=known_aspect(
            film.intake.film.path.name,
            (facts.size_px[1], facts.size_px[0]),
            spacing,
            sizes=aspects,
            pixel_aspect=facts.dicom.pixel_aspect if facts.dicom else None,
        ),
    )
