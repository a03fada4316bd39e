"""A label file's path means the film with most of its end, never a neighbour of the same name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from laid_out import coco, labelme, levels_of, picture, put, task

from spineseg.data.layouts import raw_labels_of, read_folder
from spineseg.errors import DataError

STEMS = ["a0", "a1", "a2", "a3", "b0", "b1"]


def neighbours(folder: Path, *places: str) -> None:
    """Lay films out; those in each place are other pictures, of the same names."""
    for place in places:
        for stem in STEMS:
            put(folder / place / f"{stem}.jpg", picture(place + stem))


def studio(name: str) -> Callable[[Path], object]:
    return lambda folder: put(folder / "tasks.json", json.dumps([task(s, name) for s in STEMS]))


def one_coco(file: str, name: str) -> Callable[[Path], object]:
    return lambda folder: put(folder / file, json.dumps(coco(name=name)))


def own(file: str, name: str) -> Callable[[Path], object]:
    return lambda folder: [
        put(folder / file.format(stem=s), labelme(s, imagePath=name.format(stem=s))) for s in STEMS
    ]


BELOW = {
    "Label Studio": studio("/data/local-files/?d=mydata/images/b/{stem}.jpg"),
    "COCO": one_coco("annotations.json", "/home/u/images/b/{stem}.jpg"),
    "COCO of Windows": one_coco("annotations.json", "D:\\set\\images\\b\\{stem}.jpg"),
    "COCO, other capitals": one_coco("annotations.json", "/home/u/Images/B/{stem}.JPG"),
    "COCO among the films": one_coco("images/annotations.json", "mydata/images/b/{stem}.jpg"),
    "labelme": own("ann/{stem}.json", "..\\images\\b\\{stem}.jpg"),
    "labelme beside a neighbour": own("images/{stem}.json", "b/{stem}.jpg"),
    "labelme in a folder of labels": own("labels/{stem}.json", "../images/b/{stem}.jpg"),
}


@pytest.mark.parametrize("name", BELOW)
def test_the_film_of_the_longest_end_is_meant(tmp_path: Path, name: str) -> None:
    neighbours(tmp_path, "images", "images/b")
    BELOW[name](tmp_path)
    films = [film for film in read_folder(tmp_path).films if film.has_labels]
    assert {film.path for film in films} == {tmp_path / f"images/b/{s}.jpg" for s in STEMS}
    for film in films:
        assert tuple(label.name for label in raw_labels_of(film)) == levels_of(film.path.stem)


def test_a_neighbour_of_another_suffix_is_not_meant(tmp_path: Path) -> None:
    neighbours(tmp_path, "images")
    for stem in STEMS:
        put(tmp_path / f"images/b/{stem}.png", picture(f"b{stem}", ".png"))
    own("images/{stem}.json", "b/{stem}.png")(tmp_path)
    films = [film for film in read_folder(tmp_path).films if film.has_labels]
    assert {film.path for film in films} == {tmp_path / f"images/b/{s}.png" for s in STEMS}


BESIDE = {
    "its name alone": own("images/{stem}.json", "{stem}.jpg"),
    "a path of another machine": own("images/{stem}.json", "C:\\x\\{stem}.jpg"),
    "a path that fits both": own("images/{stem}.json", "/x/images/{stem}.jpg"),
}


@pytest.mark.parametrize("name", BESIDE)
def test_the_film_beside_its_labelme_file_is_meant(tmp_path: Path, name: str) -> None:
    neighbours(tmp_path, "images", "old/images")
    BESIDE[name](tmp_path)
    films = [film for film in read_folder(tmp_path).films if film.has_labels]
    assert {film.path for film in films} == {tmp_path / f"images/{s}.jpg" for s in STEMS}


@pytest.mark.parametrize(
    "make",
    [
        studio("/data/local-files/?d=mydata/c/{stem}.jpg"),
        one_coco("annotations.json", "/home/u/c/{stem}.jpg"),
        own("json/{stem}.json", "../c/{stem}.jpg"),
    ],
)
def test_a_name_alone_of_two_films_is_refused(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    neighbours(tmp_path, "images", "images/b")
    make(tmp_path)
    with pytest.raises(DataError, match=r"may be images/.*a0.jpg or images/.*a0.jpg; give each"):
        read_folder(tmp_path)
