"""The films in folders that are known by their names, and the part that each is of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from spineseg.data.film_source import Listing
from spineseg.data.layouts.folder_names import (
    IMAGE_FOLDERS,
    LABEL_FOLDERS,
    folders_of,
    holds_labels,
    part_named,
    part_of_path,
)
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import Part


def known_films(pictures: Collection[str], labelled: Iterable[str]) -> dict[str, Part | None]:
    """Return the films in known folders, each with its part, or None where there are no parts.

    Known are `images`, `images/PART`, `PART/images` and, where a part has no such folder, PART. In
    any other place films are those that lie where `labelled` ones do.
    """
    with_images = {folders[0] for folders in map(folders_of, pictures) if _has_images(folders)}
    found = {film: part_of_path(film) for film in pictures if _is_known(film, with_images)}
    if found:
        return found
    places = {film.rpartition("/")[0] for film in labelled}
    return {film: None for film in pictures if film.rpartition("/")[0] in places}


def _has_images(folders: list[str]) -> bool:
    return len(folders) > 1 and folders[1].casefold() in IMAGE_FOLDERS


def _is_known(film: str, with_images: set[str]) -> bool:
    folders = folders_of(film)
    if not folders or folders[0].casefold() in IMAGE_FOLDERS:
        return bool(folders)
    if part_of_path(film) is None:
        return False
    return folders[0] not in with_images or _has_images(folders)


def refuse_empty_folders(
    listing: Listing,
    films: Mapping[str, Part | None],
    labels: Collection[str],
    named: Collection[Part],
) -> None:
    """Raise DataError for a known folder of films that holds none, and for labels of a part alone.

    `labels` are all label files; parts that are `named` have their films elsewhere.
    """
    filled = {
        "/".join(folders[: end + 1])
        for folders in map(folders_of, films)
        for end in range(len(folders))
    }
    pictures = {name.rpartition("/")[0] for name in listing.films}
    texts = {name.rpartition("/")[0] for name in labels}
    for folder in sorted(listing.folders - filled):
        first, _, second = folder.partition("/")
        part = part_named(first) or part_named(second)
        if part in named or "/" in second:
            continue
        kinds = {first.casefold(), second.casefold()}
        of_films = kinds & IMAGE_FOLDERS and (part or not second)
        if of_films and not _holds(folder, pictures):
            raise DataError(
                f"{shown(listing.path(folder))}: is empty, or holds no film; add films, or remove "
                "the folder to have a part set apart from the others"
            )
        of_labels = second.casefold() in LABEL_FOLDERS and part_named(first)
        if of_labels and first not in filled and _holds(folder, texts):
            raise DataError(
                f"{shown(listing.path(first))}: holds labels and no film; put its films into "
                f"{shown(first)}/images"
            )


def _holds(folder: str, places: Collection[str]) -> bool:
    return any(place == folder or place.startswith(f"{folder}/") for place in places)


def refuse_unlisted_parts(listing: Listing, films: Collection[str], what: str) -> None:
    """Raise DataError where a part's folder holds films of which none is read.

    `what` names the label files, as "COCO file".
    """
    listed = {part_of_path(film) for film in films}
    for film in listing.films:
        part = part_of_path(film)
        if part is not None and part not in listed and not holds_labels(film):
            place = shown(listing.path(film).parent)
            raise DataError(
                f"{place}: holds films of the part {part}, and no {what} names one of them; "
                "export the part again, or remove the folder"
            )
