"""Pictures that a run leaves of a few films: which films, the same for all, and where they lie.

`films/FILM/epoch-0004.webp` of a run's folder shows what the network of epoch 4 sees,
`films/FILM/best.webp` what the best weights do. Training draws them, tracking carries them over.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from spineseg.data.manifest import Manifest, ManifestEntry
from spineseg.levels import view_of

FILMS_FOLDER = "films"
BEST_STEP = 0  # MLflow opens a grid of pictures at step 0, and compares runs at one step only.
_MOST_FILMS = 4
_EPOCH = re.compile(r"epoch-(\d+)")
_EXPORTED = re.compile(r"(_(png|jpe?g))?\.rf\..*")  # What Roboflow appends to a name.
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")  # MLflow gives +, %, ~ and # a meaning of their own.


class FilmPicture(NamedTuple):
    """One drawn film on disk."""

    film: str
    step: int  # The epoch, or BEST_STEP.
    path: Path


def shown_films(manifest: Manifest) -> list[ManifestEntry]:
    """Return the few validation films that every run on these data is shown by.

    They follow from the data alone: of each source and view in turn the first film, by the hash of
    its content, of a patient that is not shown yet; four at most. Augmented copies are left out.
    """
    kinds: dict[tuple[int, str], list[ManifestEntry]] = defaultdict(list)
    for entry in sorted(manifest.entries, key=lambda entry: (entry.content_sha256, entry.name)):
        if entry.part == "valid" and not entry.augmented:
            kinds[entry.source, view_of(entry.levels)].append(entry)
    chosen: list[ManifestEntry] = []
    while len(chosen) < _MOST_FILMS:
        before = len(chosen)
        for kind in sorted(kinds):
            seen = {entry.group for entry in chosen}
            fresh = next((entry for entry in kinds[kind] if entry.group not in seen), None)
            if fresh is not None:
                chosen.append(fresh)
        if len(chosen) == before:
            break
    return chosen[:_MOST_FILMS]


def picture_names(films: list[ManifestEntry]) -> list[str]:
    """Return what the films are called among pictures: short, of plain letters, each its own."""
    plain = [_UNSAFE.sub("-", _EXPORTED.sub("", Path(film.name).stem)) for film in films]
    return [
        name if plain.count(name) == 1 else f"{name}-{number}"
        for number, name in enumerate(plain, start=1)
    ]


def picture_file(run_folder: Path, film: str, step: int) -> Path:
    """Return where a film's picture lies; `step` is an epoch, or BEST_STEP."""
    name = "best" if step == BEST_STEP else f"epoch-{step:04d}"
    return run_folder / FILMS_FOLDER / film / f"{name}.webp"


def pictures_of(run_folder: Path) -> list[FilmPicture]:
    """Return the pictures in a run's folder, by film and step; other files are passed over."""
    found = []
    for path in run_folder.glob(f"{FILMS_FOLDER}/*/*.webp"):
        epoch = _EPOCH.fullmatch(path.stem)
        if epoch or path.stem == "best":
            step = int(epoch[1]) if epoch else BEST_STEP
            found.append(FilmPicture(path.parent.name, step, path))
    return sorted(found)
