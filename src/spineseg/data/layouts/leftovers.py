"""Names every file of a source of which nothing is made, and whether work is lost with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from spineseg.data.film_source import LeftOut, Listing, stem_of, suffix_of
from spineseg.data.layouts.folder_names import NO_LABELS, folded, holds_labels, is_film_folder

_NO_DATA = (".yaml", ".yml", ".names", ".data", ".labels", ".cfg", ".pt", ".onnx", ".toml", ".ini")
_LABELS = (".xml", ".json")


def leftovers(
    listing: Listing,
    films: Collection[str],
    used: Collection[str],
    labelled: Collection[str],
    stems: Collection[str],
) -> Iterator[LeftOut]:
    """Yield what is neither a film that is read nor of use.

    `used` are label files and what else was read; `labelled` are those films, and pictures that
    are none, that have labels; `stems` are those of all label files.
    """
    yield from listing.left_out
    of_film = {folded(stem_of(film)): film for film in films}
    for name in listing.films:
        if name in films:
            continue
        if holds_labels(name):
            yield _second_label(listing, name, of_film, labelled, "picture among labels, as a mask")
        elif name in listing.linked:
            yield LeftOut(listing.path(name), "picture that a link among the films leads to", False)
        elif name in labelled:
            yield LeftOut(listing.path(name), "film with labels, in no part that is read", True)
        else:
            yield LeftOut(listing.path(name), "picture without labels, outside of all parts", False)
    places = {name.rpartition("/")[0] for name in films}
    for name in listing.files:
        suffix = suffix_of(name)
        if name in used or suffix in _NO_DATA:
            continue
        if suffix in _LABELS:
            yield _second_label(listing, name, of_film, labelled, f"{suffix} file, not read")
        elif suffix == ".txt":
            among = name.rpartition("/")[0] in places or is_film_folder(name.rpartition("/")[0])
            yield from _text(listing, name, of_film, labelled, among)
        else:
            among = is_film_folder(name.rpartition("/")[0])
            near = name.rpartition("/")[0] in places
            has_label = folded(stem_of(name)) in stems
            lost = among or has_label
            kind = f"file of an unknown kind ({suffix or 'no suffix'})"
            yield LeftOut(
                listing.path(name), kind + (" among the films" if among or near else ""), lost
            )


def _second_label(
    listing: Listing,
    name: str,
    of_film: dict[str, str],
    labelled: Collection[str],
    reason: str,
) -> LeftOut:
    """Return a label of another kind: a loss where its film has no other."""
    base = PurePosixPath(name).name
    film = of_film.get(folded(stem_of(base))) or of_film.get(folded(stem_of(stem_of(base))))
    many = "coco" in base.lower() or base.lower().startswith("instances")
    return LeftOut(listing.path(name), reason, film not in labelled if film else many)


def _text(
    listing: Listing,
    name: str,
    of_film: dict[str, str],
    labelled: Collection[str],
    among: bool,
) -> Iterator[LeftOut]:
    """Yield a text that lies among the films, or is named as one that has no labels."""
    base = name.rpartition("/")[2]
    if base.lower() in NO_LABELS:
        return
    film = of_film.get(folded(base[:-4])) or of_film.get(folded(stem_of(base[:-4])))
    if film is not None and film not in labelled:
        yield LeftOut(listing.path(name), "text named as a film, in no known place", True)
    elif among:
        yield LeftOut(listing.path(name), "text among the films, of none of them", False)


def orphans_of(
    candidates: Collection[str], used: Collection[str], films: Collection[str]
) -> Iterator[str]:
    """Yield the label files of no film: those in folders of labels, and beside films with labels.

    `used` are the label files of all pictures of the listing; `films` are those that are read.
    """
    beside = {name.rpartition("/")[0] for name in films} & {
        name.rpartition("/")[0] for name in used
    }
    for name in sorted(set(candidates) - set(used)):
        if holds_labels(name) or name.rpartition("/")[0] in beside:
            yield name
