"""Label files with any value put anywhere: read, or refused in one line; nothing else, ever."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from good_ends import no_longer_than
from laid_out import SIDE, STEMS, coco, films_only, labelme, put, results, task

from spineseg.data.labels import clean_labels
from spineseg.data.layouts import raw_labels_of, read_folder
from spineseg.errors import DataError

VALUES = [
    *(None, True, 0, -1, 5, 1e308, float("nan"), float("inf"), 10**400, "", "x", "a0.jpg", "C1"),
    *("../..", "\0", "a\nb", "9" * 5000, "\ud800", [], {}, [[]], [1], [[1, 2], [3]], {"a": 1}),
]


def minimal() -> list[dict[str, Any]]:
    """Label Studio's JSON-MIN."""
    regions = {
        s: [{**r["value"], "original_width": SIDE, "original_height": SIDE} for r in results(s)]
        for s in STEMS
    }
    return [{"id": s, "image": f"{s}.jpg", "label": regions[s]} for s in STEMS]


def masks() -> dict[str, Any]:
    """COCO with run-length masks."""
    content = coco()
    for annotation in content["annotations"]:
        annotation["segmentation"] = {"size": [SIDE, SIDE], "counts": [640, 384, SIDE * 48]}
    return content


FILES: dict[str, Callable[[], Any]] = {
    "result.json": coco,
    "masks.json": masks,
    "project.json": lambda: [task(stem, id=n) for n, stem in enumerate(STEMS)],
    "minimal.json": minimal,
    "images/a0.json": lambda: json.loads(labelme("a0")),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def mutated(content: Any, rng: random.Random) -> Any:
    """Return content with something put in a place, or removed from it, or doubled."""
    content = copy.deepcopy(content)
    *way, last = rng.choice(list(places(content)))
    at = content
    for key in way:
        at = at[key]
    what = rng.randrange(4)
    if what == 0:
        at.pop(last)
    elif what == 1 and isinstance(at, list):
        at.append(copy.deepcopy(at[last]))
    else:
        at[last] = rng.choice(VALUES)
    return content


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", FILES)
def test_any_value_anywhere_is_read_or_refused(tmp_path: Path, name: str, seed: int) -> None:
    rng = random.Random(f"{name} {seed}")
    films_only(tmp_path)
    if "/" in name:
        for stem in STEMS:
            put(tmp_path / "images" / f"{stem}.json", labelme(stem))
    ends = set()
    for _ in range(30):
        (tmp_path / name).write_text(json.dumps(mutated(FILES[name](), rng)))
        try:
            with no_longer_than(10):
                cleaned = [clean_labels(raw_labels_of(f)) for f in read_folder(tmp_path).films]
        except DataError as error:
            lines = [str(error)]
        else:
            lines = [f"{note.where}: {note.text}" for labels in cleaned for note in labels.notes]
            lines += [unmapped for labels in cleaned for unmapped in labels.unmapped]
        ends.add(bool(lines))
        assert all("\n" not in line and len(line) < 2000 for line in lines)
    assert ends == {True, False}
