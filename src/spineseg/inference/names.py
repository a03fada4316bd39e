"""What a film's files are called: by its own name, each unlike all others, fit for any disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

_MOST_LETTERS = 80  # A disk takes 255 bytes a name; a letter may have four, a suffix follows.
_UNFIT = set('/\\:*?"<>|#%')


def file_names(films: Sequence[Path], taken: Iterable[str] = ()) -> list[str]:
    """Return a stem for each film's files; films of one name are numbered by their place.

    None is in `taken`, and no two differ by capitals only.
    """
    stems = [_fit(film.stem) for film in films]
    reserved = {name.casefold() for name in taken}
    often = Counter(stem.casefold() for stem in stems)
    used = {s.casefold() for s in stems if often[s.casefold()] == 1} | reserved
    names = []
    for number, stem in enumerate(stems, start=1):
        name = stem
        if often[stem.casefold()] > 1 or stem.casefold() in reserved:
            name = f"{stem}-{number}"
            while name.casefold() in used:
                name += "-x"
            used.add(name.casefold())
        names.append(name)
    return names


def _fit(stem: str) -> str:
    plain = "".join("_" if c in _UNFIT or not c.isprintable() else c for c in stem)
    return plain.strip(" .")[:_MOST_LETTERS] or "film"
