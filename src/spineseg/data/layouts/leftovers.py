"""Names every file of a source of which nothing is made, and whether work is lost with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from spineseg.data.film_source import LeftOut, Listing, stem_of, suffix_of
from spineseg.data.layouts.folder_names import (
    NO_LABELS,
    PACKED,
    folded,
    holds_labels,
    is_film_folder,
)

_NO_DATA = {".yaml", ".yml", ".names", ".data", ".labels", ".cfg", ".pt", ".onnx", ".toml", ".ini"}


def leftovers(
    listing: Listing,
    films: Collection[str],
    used: Collection[str],
    labelled: Collection[str],
    orphans: Collection[str] = (),
) -> Iterator[LeftOut]:
    """Yield what is neither a film that is read nor of use.

    `used` are label files and what else was read; `labelled` are those films, and pictures that
    are none, that have labels; `orphans` are label files of no film.
    """
    yield from listing.left_out
    with_labels = {folded(stem_of(film)) for film in films if film in labelled}
    without = {folded(stem_of(film)) for film in films if film not in labelled}
    alone = {folded(stem_of(label)) for label in orphans}
    for name in listing.films:
        if name not in films:
            reason, is_loss = _picture(listing, name, labelled, with_labels, without, alone)
            yield LeftOut(listing.path(name), reason, is_loss)
    places = {name.rpartition("/")[0] for name in films}
    for name in listing.files:
        suffix, base = suffix_of(name), name.rpartition("/")[2].lower()
        if name in used or suffix in _NO_DATA or base in NO_LABELS:
            continue
        stems = {folded(stem_of(name)), folded(stem_of(stem_of(name)))}  # Of a.txt, a.jpg.txt.
        place = name.rpartition("/")[0]
        among = " among the films" if is_film_folder(place) or place in places else ""
        if suffix in {".xml", ".json"}:
            many = "coco" in base or base.startswith("instances")
            is_loss = bool(stems & without) or (many and not stems & with_labels)
            yield LeftOut(listing.path(name), f"{suffix} file, not read", is_loss)
        elif suffix != ".txt":
            kind = f"file of an unknown kind ({suffix or 'no suffix'}){among}"
            if suffix in PACKED:
                kind = "packed file, not read: unpack it"
            yield LeftOut(listing.path(name), kind, is_film_folder(place) or bool(stems & alone))
        elif stems & without:
            yield LeftOut(listing.path(name), "text named as a film, in no known place", True)
        elif among:
            yield LeftOut(listing.path(name), "text among the films, of none of them", False)


def _picture(
    listing: Listing,
    name: str,
    labelled: Collection[str],
    with_labels: set[str],
    without: set[str],
    alone: set[str],
) -> tuple[str, bool]:
    """Return why a picture is no film that is read, and whether work is lost with it."""
    stem = folded(stem_of(name))
    if holds_labels(name):
        is_loss = stem in without or (stem in alone and stem not in with_labels)
        return "picture among labels, as a mask", is_loss
    if name in listing.linked:
        return "picture that a link among the films leads to", False
    if name in labelled:
        return "film with labels, in no part that is read", True
    return "picture without labels, outside of all parts", False


def orphans_of(
    candidates: Collection[str], used: Collection[str], films: Collection[str]
) -> Iterator[str]:
    """Yield the label files of no film, in folders of labels or films or beside labelled films.

    `used` are the label files of all pictures of the listing; `films` are those that are read.
    """
    beside = {name.rpartition("/")[0] for name in films} & {
        name.rpartition("/")[0] for name in used
    }
    for name in sorted(set(candidates) - set(used)):
        place = name.rpartition("/")[0]
        if holds_labels(name) or place in beside or is_film_folder(place):
            yield name
