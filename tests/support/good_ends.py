"""What reading and merging an unusual export must end in: the right dataset, or one line."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spineseg.config.data import DataConfig
from spineseg.data.audit import load_audit
from spineseg.data.film_source import FilmSource, stem_of
from spineseg.data.labelled import read_films
from spineseg.data.labels import clean_labels
from spineseg.data.layouts import raw_labels_of, read_folder
from spineseg.data.layouts.folder_names import key_of
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.errors import DataError

Films = dict[str, tuple[str | None, tuple[str, ...]]]
"""What a dataset must hold: a film's stem -> its part and its levels, sorted."""


@dataclass(frozen=True)
class Taken:
    """It is read, with all films or as `change` makes them; `told` is among what was left out."""

    change: Callable[[Films], object] | None = None
    told: str = ""


@dataclass(frozen=True)
class Refused:
    """It ends in one line that holds these words."""

    words: str


@dataclass(frozen=True)
class Lost:
    """It is read, and files are told by these words whose loss stops a merge."""

    words: str
    change: Callable[[Films], object] | None = None


End = Taken | Refused | Lost


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in what hangs."""

    def hung(*_: object) -> None:
        raise TimeoutError(f"still at it after {seconds} s")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outside(folder: Path, cache: Path) -> dict[str, str]:
    """Return every path beside the cache, with what it holds."""
    found = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(parent, name) != cache]
        for name in (*folders, *files):
            path = Path(parent, name)
            plain = path.is_file() and not path.is_symlink()
            found[str(path)] = hashlib.md5(path.read_bytes()).hexdigest() if plain else "other"
    return found


def told_by(source: FilmSource, boxes: str = "refuse") -> Films:
    """Return what a source's films hold."""
    found: Films = {}
    for film in source.films:
        outlines = clean_labels(raw_labels_of(film), boxes=boxes).outlines
        stem = key_of(stem_of(film.path.name))
        assert stem not in found
        found[stem] = (film.part, tuple(sorted(outline.level for outline in outlines)))
    return found


def merged(tmp_path: Path, place: Path, **settings: object) -> Dataset | str:
    """Return the dataset that came of a source, or the one line that says why there is none.

    Nothing but the cache is written, and nothing half-done is left there.
    """
    cache, here = tmp_path / "cache", Path.cwd()
    before = outside(tmp_path, cache), sorted(here.iterdir())
    config = DataConfig.model_validate(
        {"sources": [{"kind": "local", "path": str(place)}], "valid_fraction": 0.4, **settings}
    )
    try:
        with no_longer_than(30):
            return prepare_dataset(config, cache, say=lambda text: None)
    except DataError as error:
        text = str(error)
        assert "\n" not in text and len(text) > 30, text
        assert not [path for path in cache.glob("*") if path.name != "refused.txt"]
        return text
    finally:
        assert (outside(tmp_path, cache), sorted(here.iterdir())) == before


def held_by(dataset: Dataset) -> Films:
    """Return what a merged dataset holds; assert that its manifest and its files agree."""
    films = {film.path.name: film for film in read_films(dataset.folder, "all")}
    assert set(films) == {entry.name for entry in dataset.manifest.entries}
    found: Films = {}
    for entry in dataset.manifest.entries:
        film = films[entry.name]
        assert entry.name.isprintable() and len(entry.name.encode()) < 255
        assert hashlib.sha256(film.path.read_bytes()).hexdigest() == entry.film_sha256
        levels = tuple(sorted(outline.level for outline in film.outlines))
        assert levels == tuple(sorted(entry.levels))
        for outline in film.outlines:
            assert outline.points.min() >= 0 and outline.points.max() <= 1
        found[key_of(stem_of(entry.name))] = (entry.part, levels)
    assert load_audit(dataset).fingerprint == dataset.fingerprint
    return found


def check_end(
    tmp_path: Path, place: Path, end: End, films: Films, *, merge: bool = True, **settings: object
) -> None:
    """Assert that reading and merging `place` ends as it must; `films` are all that it has.

    Parts are kept where there are some, so that a film in a wrong part is found.
    """
    if isinstance(end, Refused):
        assert end.words in refusal(tmp_path, place, **settings)
        return
    wanted = dict(films)
    if end.change:
        end.change(wanted)
    with no_longer_than(10):
        source = read_folder(place)
    rows = {(left.reason, left.is_loss) for left in source.left_out}
    words = end.words if isinstance(end, Lost) else end.told
    is_loss = isinstance(end, Lost)
    assert not words or any(words in why and loss == is_loss for why, loss in rows), rows
    assert is_loss or not [why for why, loss in rows if loss], rows
    assert told_by(source, str(settings.get("boxes", "refuse"))) == wanted
    if is_loss and merge:
        assert end.words in refusal(tmp_path, place, split="patients")
    if is_loss or not merge:
        return
    kept = {"train", "valid"} <= {part for part, _ in wanted.values()}
    if "split" not in settings:
        settings["split"] = "keep" if kept else "patients"
    dataset = merged(tmp_path, place, **settings)
    assert not isinstance(dataset, str), dataset
    found = held_by(dataset)
    if not kept:
        wanted = {stem: (found[stem][0], levels) for stem, (_, levels) in wanted.items()}
    assert found == wanted


def refusal(tmp_path: Path, place: Path, **settings: object) -> str:
    """Return the line that a merge ends in."""
    ended = merged(tmp_path, place, **settings)
    assert isinstance(ended, str), held_by(ended)
    return ended
