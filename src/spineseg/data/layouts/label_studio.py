"""Reads Label Studio's own JSON: tasks with their annotations, outlines in percent of the film."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from spineseg.data.film_source import (
    IMAGE_SUFFIXES,
    FilmSource,
    LeftOut,
    Listing,
    SourceFilm,
    refuse_unlabelled,
)
from spineseg.data.layouts.folder_names import part_in, part_of_path
from spineseg.data.layouts.json_files import JsonFile
from spineseg.data.layouts.leftovers import leftovers
from spineseg.data.layouts.listing import plain
from spineseg.data.layouts.named_images import NamedImages
from spineseg.data.layouts.task_regions import original_sizes
from spineseg.errors import DataError
from spineseg.files import shown

_UPLOAD_MARK = re.compile(r"^[0-9a-f]{8}-")


@dataclass(frozen=True)
class _Task:
    """A task of one film: its newest annotation's results, None where nobody annotated it."""

    number: Any
    film: str  # As the task names it.
    results: list[dict[str, Any]] | None
    left_out: tuple[str, ...]  # Why other annotations were not taken.


def read_tasks(listing: Listing, files: Sequence[JsonFile]) -> FilmSource:
    """Return the films of Label Studio's tasks, out of all JSON files of a listing.

    Raises DataError for a task whose film is not there, a film with two tasks, and where most
    have no annotation; predictions are none.
    """
    images = NamedImages(listing)
    films: dict[str, SourceFilm] = {}
    left_out: list[LeftOut] = []
    own = [file for file in files if file.kind == "label studio"]
    for file in own:
        path = listing.path(file.name)
        for task in _tasks(file, path):
            name = _film(task.film, file.name, images)
            if name is None:
                if task.results is None:
                    left_out.append(LeftOut(path, "task without annotation and film", False))
                    continue
                raise DataError(
                    f"{shown(path)}: the film {shown(task.film)!r} of task {task.number} is not "
                    "there; put it beside the file or in images/"
                )
            if name in films:
                raise DataError(
                    f"{shown(path)}: {shown(name)} has a second task, {task.number}; keep one"
                )
            left_out += [LeftOut(listing.path(name), why, False) for why in task.left_out]
            films[name] = _source_film(listing, name, task, path)
    if not films:
        raise DataError(f"{shown(listing.folder)}: its tasks name no film; export them again")
    plain(films, listing)
    found = tuple(films[name] for name in sorted(films))
    refuse_unlabelled(
        listing.folder,
        found,
        "their tasks have no annotation (predictions are none)",
        "submit one for each, empty where a film shows no vertebra, or export annotated tasks only",
    )
    others = {file.name for file in files} - {file.name for file in own}
    labelled = {name for name, film in films.items() if film.has_labels}
    left_out += [LeftOut(listing.path(name), "JSON file without tasks", False) for name in others]
    read = {file.name for file in files}
    return FilmSource(
        listing.folder,
        found,
        tuple(listing.path(file.name) for file in own),
        layout="Label Studio, JSON",
        left_out=(*left_out, *leftovers(listing, set(films), read, labelled)),
        label_files_seen=len(labelled),
    )


def _tasks(file: JsonFile, path: Path) -> Iterator[_Task]:
    entries = list(file.content)
    if any(not isinstance(entry, dict) for entry in entries):
        raise DataError(f"{shown(path)}: holds something else than tasks; export it again")
    if all(isinstance(entry.get("data"), dict) for entry in entries):
        for number, entry in enumerate(entries, start=1):
            yield _task(entry, entry.get("id", number), path)
        return
    newest: dict[str, dict[str, Any]] = {}
    older: dict[str, int] = {}
    for entry in entries:  # JSON-MIN: an entry an annotation.
        key = str(entry.get("id", entry.get("image")))
        if key in newest:
            older[key] = older.get(key, 0) + 1
            entry = max(newest[key], entry, key=_time)
        newest[key] = entry
    for key, entry in newest.items():
        results = [
            item
            for value in entry.values()
            if isinstance(value, list)
            for item in value
            if isinstance(item, dict) and "original_width" in item
        ]
        results = [{**item, "value": item} for item in results]
        why = ("older annotation of a task",) * older.get(key, 0)
        yield _Task(entry.get("id"), _named(entry, path, key), results, why)


def _task(entry: dict[str, Any], number: Any, path: Path) -> _Task:
    annotations = entry.get("annotations", entry.get("completions")) or []
    if not isinstance(annotations, list) or not all(isinstance(a, dict) for a in annotations):
        raise DataError(f"{shown(path)}: task {number} has no list of annotations; export it again")
    sound = [a for a in annotations if not a.get("was_cancelled") and not a.get("skipped")]
    why = ["cancelled annotation"] * (len(annotations) - len(sound))
    why += ["older annotation of a task"] * (len(sound) - 1)
    if not sound and entry.get("predictions"):
        why.append("task with predictions only")
    results = max(sound, key=_time).get("result") if sound else None
    if results is not None and not isinstance(results, list):
        raise DataError(f"{shown(path)}: task {number} has no list of results; export it again")
    return _Task(number, _named(entry["data"], path, number), results, tuple(why))


def _time(annotation: dict[str, Any]) -> tuple[str, int]:
    when = annotation.get("updated_at") or annotation.get("created_at") or ""
    number = annotation.get("id")
    return str(when), number if isinstance(number, int) else 0


def _named(data: dict[str, Any], path: Path, number: Any) -> str:
    """Return what a task calls its film: `film`, `image`, or the one value that is an image's."""
    for key in ("film", "image"):
        if isinstance(data.get(key), str):
            return str(data[key])
    texts = [
        value
        for value in data.values()
        if isinstance(value, str) and value.lower().endswith(tuple(IMAGE_SUFFIXES))
    ]
    if len(texts) != 1:
        raise DataError(
            f"{shown(path)}: task {number} does not say its film; it needs data.image or data.film"
        )
    return texts[0]


def _film(text: str, file: str, images: NamedImages) -> str | None:
    """Return the film that a task means, however Label Studio serves it."""
    place = file.rpartition("/")[0]
    near = [place, f"{place}/images" if place else "images"]
    if not re.match(r"[a-z][a-z0-9+.-]+://|/", text) and (found := images.find(text, near)):
        return found
    try:
        address = urlsplit(text)
        path = next(iter(parse_qs(address.query).get("d", [])), None) or unquote(address.path)
    except ValueError:
        path = text
    found = images.find(path, near)
    if found is None:
        base = path.rpartition("/")[2]
        if _UPLOAD_MARK.match(base):
            found = images.find(_UPLOAD_MARK.sub("", base), near)
    return found


def _source_film(listing: Listing, name: str, task: _Task, path: Path) -> SourceFilm:
    sizes = original_sizes(task.results or ())
    part = part_of_path(name) or part_in(path.stem)
    size = sizes.pop() if len(sizes) == 1 else None
    results = None if task.results is None else tuple(task.results)
    return SourceFilm(
        listing.path(name), part, results, {}, size, style="label studio", told_in=path
    )
