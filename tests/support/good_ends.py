"""What a merge of a damaged export may end in: a correct dataset or one line, and nothing else."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from spineseg.config.data import DataConfig
from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_films
from spineseg.data.merge import prepare_dataset
from spineseg.data.yolo import label_path
from spineseg.errors import DataError
from spineseg.levels import RANK


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


def ends_well(tmp_path: Path, source: Path, sound: dict[str, str], **settings: object) -> bool:
    """Return whether a dataset came of it; assert that it is right, or that one line says why.

    `sound` are the label texts of films that nothing was done to, by name.
    """
    cache, here = tmp_path / "cache", Path.cwd()
    before = outside(tmp_path, cache), sorted(here.iterdir())
    config = DataConfig.model_validate(
        {"sources": [{"kind": "local", "path": str(source)}], "valid_fraction": 0.4, **settings}
    )
    try:
        with no_longer_than(30):
            dataset = prepare_dataset(config, cache, say=lambda text: None)
    except DataError as error:
        text = str(error)
        assert "\n" not in text and len(text) > 30, text
        assert not [path for path in cache.glob("*") if path.name != "refused.txt"]
        return False
    finally:
        assert (outside(tmp_path, cache), sorted(here.iterdir())) == before
    films = {film.path.name: film for film in read_films(dataset.folder, "all")}
    assert set(films) == {entry.name for entry in dataset.manifest.entries}
    for entry in dataset.manifest.entries:
        film = films[entry.name]
        assert entry.name.isprintable() and len(entry.name.encode()) < 255
        content = film.path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.film_sha256
        assert Image.open(film.path).size[0] > 0
        assert all(outline.level in RANK for outline in film.outlines)
        for outline in film.outlines:
            assert outline.points.min() >= 0 and outline.points.max() <= 1
    for name, text in sound.items():
        kept = np.array([outline.points.ravel() for outline in films[name].outlines])
        wanted = np.array([line.split()[1:] for line in text.splitlines()], dtype=float)
        assert np.allclose(kept, wanted, atol=1e-6)
    assert load_audit(dataset).fingerprint == dataset.fingerprint
    return True


def sound_labels(export: Path, damaged: Path) -> dict[str, str]:
    """Return the label texts of films that are the same in both exports."""
    texts = {}
    for part in ("train", "valid"):
        for film in sorted((export / part / "images").iterdir()):
            twin = damaged / part / "images" / film.name
            try:
                same = twin.read_bytes() == film.read_bytes() and (
                    label_path(twin).is_file()
                    and label_path(twin).read_bytes() == label_path(film).read_bytes()
                )
            except OSError:
                continue
            if same:
                texts[film.name] = label_path(film).read_text()
    return texts
