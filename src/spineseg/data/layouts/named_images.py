"""Finds the film that an entry of a label file names, by a path of another machine or a name."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import takewhile

from spineseg.data.film_source import Listing, stem_of
from spineseg.data.layouts.folder_names import folded, holds_labels, key_of
from spineseg.errors import DataError
from spineseg.files import shown


class NamedImages:
    """The films of a listing, by their paths and by their names alone."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._films = {key_of(film): film for film in listing.films}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._stems = Counter(folded(stem_of(film)) for film in listing.films)
        for film in listing.films:
            self._by_name[folded(film.rpartition("/")[2])].append(film)

    def find(self, name: str, near: Sequence[str] = (), beside: str | None = None) -> str | None:
        """Return the film that is meant, None where there is none of its name.

        The whole of `name` is looked for in the folders `near`, in order. Else it is a path of
        another machine, and the film with most of its end is meant; where that is the name alone,
        the film `beside` it, if there is one. Raises DataError where several films are as likely.
        """
        text = key_of(name).replace("\\", "/")
        parts = [part for part in text.split("/") if part not in {"", ".", ".."}]
        if not parts:
            return None
        for folder in near:
            for inner in (text, "/".join(parts)):
                film = self._films.get(os.path.normpath(f"{folder or '.'}/{inner}"))
                if film is not None:
                    return film
        shared, found = self._with_most_of(parts)
        if beside is not None and (shared < 2 or beside in found):
            return beside
        if len(found) > 1:
            raise DataError(
                f"{shown(self._listing.folder)}: the film {shown(name)} may be {shown(found[0])} "
                f"or {shown(found[1])}; give each a name of its own, or the whole path"
            )
        return found[0] if found else None

    def has_namesakes(self, film: str) -> bool:
        """Return whether other pictures have its name, be it with another suffix."""
        return self._stems[folded(stem_of(film))] > 1

    def _with_most_of(self, parts: Sequence[str]) -> tuple[int, list[str]]:
        """Return how many last parts of a path the films nearest to it share, and these films.

        Capitals count where they make a difference.
        """
        ends = [
            (_shared(folded(film).split("/"), [folded(part) for part in parts]), film)
            for film in self._by_name.get(folded(parts[-1]), ())
        ]
        ends = [(shared, film) for shared, film in ends if shared > 1 or not holds_labels(film)]
        most = max((shared for shared, _ in ends), default=0)
        found = [film for shared, film in ends if shared == most]
        exact = [f for f in found if _shared(key_of(f).split("/"), parts) == most]
        return most, exact or found


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
