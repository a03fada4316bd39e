"""Which films are meant by files, folders and patterns, and what in them is no film."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from spineseg.data.film_source import IMAGE_SUFFIXES, suffix_of
from spineseg.data.layouts.listing import is_dicom, listed
from spineseg.decoding.decode import glance_at_film, read_film
from spineseg.errors import DataError
from spineseg.files import shown

PREDICTIONS_FILE, MEASURES_FILE = "predictions.json", "measures.json"
"""What marks a folder of predictions, and one of measures: those are no films to predict."""
_READ_FIRST = 64
"""So many named films are read whole before anything is written; of more, their heads."""
_MOST_REASONS = 6


@dataclass
class GivenFilms:
    """Films to predict, in order, and what was left out."""

    named: list[Path] = field(default_factory=list)  # Files that were named themselves.
    films: list[Path] = field(default_factory=list)  # All, those too, none twice.
    skipped: list[tuple[Path, str]] = field(default_factory=list)  # With the reason.
    named_twice: int = 0

    def reasons(self) -> dict[str, int]:
        """Return how many were skipped for each reason, the most frequent first."""
        return dict(Counter(reason for _, reason in self.skipped).most_common())

    def skipped_text(self) -> str:
        """Return in a line what was skipped."""
        reasons = self.reasons()
        told = ", ".join(f"{n} {why}" for why, n in list(reasons.items())[:_MOST_REASONS])
        rest = sum(list(reasons.values())[_MOST_REASONS:])
        return f"{told}{f', {rest} others' if rest else ''}"


def given_films(given: Iterable[str | Path]) -> GivenFilms:
    """Return the films that files, folders and patterns name, folders with all beneath them.

    Raises DataError for a file that is named and is no film, a pattern that nothing matches, and
    where there is no film at all; then in one line with what there is instead.
    """
    found = GivenFilms()
    known: set[Path] = set()
    places = list(given)
    for place in places:
        path = Path(place)
        if not path.exists() and glob.has_magic(str(place)):
            for match in _matches(str(place)):
                _take_any(found, known, match)
        elif path.is_dir():
            _take_folder(found, known, path)
        else:
            found.named.append(path)
            _take(found, known, path)
    check = read_film if len(found.named) <= _READ_FIRST else glance_at_film
    for path in found.named:
        check(path)
    if not found.films:
        what = ", ".join(shown(str(place)) for place in places[:3]) or "nothing"
        there = found.skipped_text()
        raise DataError(
            f"{what}: no film there{f' ({there})' if there else ''}; name PNG, JPEG, TIFF, BMP, "
            "WebP or DICOM files, or a folder of them"
        )
    return found


def _matches(pattern: str) -> list[Path]:
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 -- it may be absolute.
    if not found:
        raise DataError(f"{shown(pattern)}: matches no file; mend the pattern, or name a folder")
    return [Path(match) for match in found]


def _take_any(found: GivenFilms, known: set[Path], path: Path) -> None:
    """Take what a pattern matched: a file that is a film by its name or mark, or a folder."""
    suffix = suffix_of(path.name)
    if path.is_dir():
        _take_folder(found, known, path)
    elif path.is_file() and (suffix in IMAGE_SUFFIXES or is_dicom(path, suffix)):
        _take(found, known, path)
    else:
        found.skipped.append((path, _no_film(path.name) if path.is_file() else "no plain file"))


def _take_folder(found: GivenFilms, known: set[Path], folder: Path) -> None:
    there = listed(folder)
    ours = {
        name.rpartition("/")[0]
        for name in (*there.files, *there.litter)
        if name.rpartition("/")[2] in (PREDICTIONS_FILE, MEASURES_FILE)
    }
    for name in there.films:
        if _beneath(name, ours):
            found.skipped.append((there.path(name), "of earlier predictions"))
        elif name in there.odd:
            found.skipped.append((there.path(name), "no plain file"))
        else:
            _take(found, known, there.path(name))
    for name in (*there.files, *there.litter):
        reason = "of earlier predictions" if _beneath(name, ours) else _no_film(name)
        found.skipped.append((there.path(name), reason))
    found.skipped += [(left.path, left.reason) for left in there.left_out]


def _beneath(name: str, folders: set[str]) -> bool:
    parts = name.split("/")[:-1]
    return bool(folders) and any("/".join(parts[:n]) in folders for n in range(len(parts) + 1))


def _no_film(name: str) -> str:
    base, suffix = name.rpartition("/")[2], suffix_of(name)
    if base.startswith("."):
        return "hidden"
    return f"no film ({suffix})" if suffix and len(suffix) < 9 else "no film (without suffix)"


def _take(found: GivenFilms, known: set[Path], path: Path) -> None:
    place = path.resolve()
    if place in known:
        found.named_twice += 1
        return
    known.add(place)
    found.films.append(path)
