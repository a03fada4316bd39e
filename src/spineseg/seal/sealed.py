"""Films that lie in a study's test part, and are met where somebody scores a network on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spineseg.data.manifest import MANIFEST_FILE, Manifest, load_manifest
from spineseg.errors import DataError, StoreError
from spineseg.files import sha256_of, shown
from spineseg.places import StudyPlaces, studies_on_record
from spineseg.seal.known import opened_films, tested_films
from spineseg.seal.ledger import enter, read_ledger, refuse_problems
from spineseg.seal.looks import looks_of
from spineseg.seal.opening import PART, OpenedFilm, Opening
from spineseg.seal.overlap import same_films, seen_before


def enter_look(
    root: Path, folder: Path, films: Sequence[Path], weights: tuple[str, str], reason: str | None
) -> str | None:
    """Enter that weights are to be scored on films of which some lie in a study's test part.

    `folder` is what the films were read from, `weights` a name and the file's SHA-256. Returns in
    words what was entered, None where no film is sealed. Raises StoreError where one is and no
    `reason` is given.
    """
    sealed = _sealed(root, folder, films)
    if not sealed:
        return None
    ledger = read_ledger(root)
    whose = ", ".join(sorted({study for _, study in sealed.values()}))
    before = seen_before([film for film, _ in sealed.values()], "", ledger.entries)
    told = f"{len(sealed)} of {len(films)} films are sealed: they lie in the test part of {whose}"
    if before.by:
        told += f"; {before.text()}"
    reason = (reason or "").strip()
    if not reason:
        raise StoreError(
            f"{told}; to score them is an opening, and makes each later claim on them worth less: "
            "say why with --reason, or choose other films"
        )
    refuse_problems(ledger, reason)
    name, sha = weights
    enter(
        root,
        None,
        Opening(
            time="",
            study=f"evaluate {shown(folder)}",
            films=tuple(film for film, _ in sealed.values()),
            weights={name: sha},
            runs=[name],
            reason=reason,
            accepted=ledger.undecided,
        ),
    )
    return f"{told}; entered as an opening in {shown(ledger.file)}"


def _sealed(root: Path, folder: Path, films: Sequence[Path]) -> dict[Path, tuple[OpenedFilm, str]]:
    """Return those of some films that lie in a test part, and whose."""
    own = load_manifest(folder) if (folder / MANIFEST_FILE).is_file() else None
    if own is not None:
        tested = {entry.name: entry for entry in own.entries if entry.part == PART}
        met = [path for path in films if path.name in tested and path.parts[-3] == PART]
        known = opened_films(own, folder, [tested[path.name] for path in met])
        return {path: (film, "these data") for path, film in zip(met, known, strict=True)}
    studies = dict(_test_parts(root))
    if not studies:
        return {}
    looks = looks_of(films)
    asked = [
        OpenedFilm(content=sha256_of(path), look=look)
        for path, look in zip(films, looks, strict=True)
    ]
    found: dict[Path, tuple[OpenedFilm, str]] = {}
    for study, theirs in studies.items():
        for path, film, is_met in zip(films, asked, same_films(asked, theirs), strict=True):
            if is_met:
                found[path] = film, f"study {study!r}"
    return found


def _test_parts(root: Path) -> list[tuple[str, tuple[OpenedFilm, ...]]]:
    """Return the test films of each study of a root; without a look where they are not here."""
    found = []
    for study in studies_on_record(root):
        places = StudyPlaces(root, study)
        try:
            manifest = load_manifest(places.data_record)
        except (OSError, DataError):  # Never run, or damaged, which its own commands say.
            continue
        found.append((study, _test_films(places, manifest)))
    return found


def _test_films(places: StudyPlaces, manifest: Manifest) -> tuple[OpenedFilm, ...]:
    folder = places.data / f"merged-{manifest.fingerprint[:12]}"
    try:
        return tested_films(manifest, folder)
    except (OSError, DataError):
        return tested_films(manifest, None)
