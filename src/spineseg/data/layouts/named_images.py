"""Finds the film that an entry of a label file names, by a path of another machine or a name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from spineseg.data.film_source import Listing
from spineseg.data.layouts.folder_names import folded, holds_labels, key_of
from spineseg.errors import DataError
from spineseg.files import shown


class NamedImages:
    """The films of a listing, by their paths and by their names alone."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._films = {key_of(film): film for film in listing.films}
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for film in listing.films:
            if not holds_labels(film):
                self._by_name[folded(film.rpartition("/")[2])].append(film)

    def find(self, name: str, near: Sequence[str] = ()) -> str | None:
        """Return the film that is meant, None where there is none of its name.

        It is looked for in the folders `near`, in order, then by any end of its path, then by its
        name wherever it is. Raises DataError where several films have that name.
        """
        parts = [p for p in key_of(name).replace("\\", "/").split("/") if p not in {"", ".", ".."}]
        if not parts:
            return None
        for folder in near:
            start = f"{folder}/" if folder else ""
            for inner in ("/".join(parts), parts[-1]):
                if start + inner in self._films:
                    return self._films[start + inner]
        for first in range(len(parts)):
            film = self._films.get("/".join(parts[first:]))
            if film is not None:
                return film
        found = self._by_name.get(folded(parts[-1]), [])
        exact = [film for film in found if key_of(film.rpartition("/")[2]) == parts[-1]]
        found = exact or found
        if len(found) > 1:
            raise DataError(
                f"{shown(self._listing.folder)}: the film {shown(name)} may be {shown(found[0])} "
                f"or {shown(found[1])}; give each a name of its own, or the whole path"
            )
        return found[0] if found else None
