"""Unusual COCO, labelme and Label Studio exports: the right dataset, or what to do in one line."""

from __future__ import annotations

import json
from pathlib import Path

import coco_cases
import labelme_cases
import pytest
import studio_cases
from good_ends import check_end
from laid_out import coco, levels_of, picture, put

from spineseg.data.layouts import raw_labels_of, read_folder

CASES = coco_cases.CASES | labelme_cases.CASES | studio_cases.CASES


@pytest.mark.parametrize("name", CASES)
def test_an_unusual_export_ends_as_it_must(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    folder = tmp_path / "export"
    folder.mkdir()
    case.make(folder)
    check_end(tmp_path, folder / case.place, case.end, case.films(), merge=case.merge)


def test_a_name_in_two_parts_is_the_film_of_its_own_part(tmp_path: Path) -> None:
    for part, stem in (("train", "a0"), ("val", "b0")):
        put(tmp_path / "images" / part / "x.jpg", picture(stem))
        put(tmp_path / f"{part}.json", json.dumps(coco(stem, name="x.jpg")))
    put(tmp_path / "images" / "x.jpg", picture("a1"))
    found = {film.part: film for film in read_folder(tmp_path).films}
    for part, folder, stem in (("train", "train", "a0"), ("valid", "val", "b0")):
        assert found[part].path == tmp_path / "images" / folder / "x.jpg"
        names = [label.name for label in raw_labels_of(found[part])]
        assert tuple(names) == levels_of(stem)
