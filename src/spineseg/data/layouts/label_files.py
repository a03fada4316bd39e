"""Finds each film's own label file: in the folder that mirrors it, beside it, or in one below."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from spineseg.data.film_source import Listing, stem_of
from spineseg.data.layouts.folder_names import (
    IMAGE_FOLDERS,
    LABEL_FOLDERS,
    NO_LABELS,
    folded,
    folders_of,
    is_film_folder,
    key_of,
)
from spineseg.errors import DataError
from spineseg.files import shown


def has_label_texts(listing: Listing) -> bool:
    """Return whether a listing holds any text that may be a label."""
    names = (name for name in listing.files if name.lower().endswith(".txt"))
    return any(name.rpartition("/")[2].lower() not in NO_LABELS for name in names)


class LabelFiles:
    """The label files of a listing, by folder and stem; capitals of folders do not count."""

    def __init__(self, listing: Listing, suffix: str, besides: Iterable[str] = ()) -> None:
        """Index all files of one suffix (`.txt`) but those of `besides`, which are no labels."""
        self._listing = listing
        self._exact: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._folded: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._stems = {stem_of(film) for film in listing.films}
        self._mirrors: dict[str, list[str]] = {}
        no_labels = set(besides)
        for name in listing.files:
            base = name.rpartition("/")[2]
            if not name.lower().endswith(suffix) or name in no_labels or base.lower() in NO_LABELS:
                continue
            place, stem = folded(name[: -len(base)]), base[: -len(suffix)]
            self._exact[place, key_of(stem)].append(name)
            self._folded[place, folded(stem)].append(name)

    def all(self) -> Iterator[str]:
        """Yield every file that may be a label."""
        for names in self._exact.values():
            yield from names

    def of(self, film: str) -> str | None:
        """Return a film's label file: `a.txt` or `a.jpg.txt`, as `a.jpg` is labelled.

        Raises DataError where there are two.
        """
        base = film.rpartition("/")[2]
        stems = [stem_of(base)] + ([base] if base not in self._stems else [])
        folder = film[: -len(base)]
        places = self._mirrors.get(folder)
        if places is None:
            places = self._mirrors[folder] = list(mirrors(film))
        for index, key in ((self._exact, key_of), (self._folded, folded)):
            found = [
                name
                for place in places
                for stem in stems
                for name in index.get((place, key(stem)), ())
            ]
            if len(found) > 1:
                raise DataError(
                    f"{shown(self._listing.path(film))}: has two label files, {shown(found[0])} "
                    f"and {shown(found[1])}; keep the right one"
                )
            if found:
                return found[0]
        return None


def mirrors(film: str) -> Iterator[str]:
    """Yield the folders, folded and ending in `/`, in which a film's label file may lie."""
    folders = [folded(folder) for folder in folders_of(film)]
    own = "".join(f"{folder}/" for folder in folders)
    yield own
    for at, folder in enumerate(folders):
        if folder in IMAGE_FOLDERS:
            for labels in LABEL_FOLDERS:
                yield "".join(f"{f}/" for f in (*folders[:at], labels, *folders[at + 1 :]))
    if not is_film_folder(own):
        for labels in LABEL_FOLDERS:
            yield f"{own}{labels}/"
