"""Unusual COCO, labelme and Label Studio exports: the right dataset, or what to do in one line."""

from __future__ import annotations

import json
from pathlib import Path

import coco_cases
import labelme_cases
import numpy as np
import pytest
import studio_cases
from dicom_files import radiograph, stored
from good_ends import check_end
from laid_out import SIDE, coco, labelme, levels_of, picture, put
from PIL import Image

from spineseg.data.labelled import read_films
from spineseg.data.layouts import raw_labels_of, read_folder
from spineseg.decoding.decode import read_film
from spineseg.errors import DataError

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


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_labelme_is_for_the_film_as_it_is_seen(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    Image.new("L", (SIDE, SIDE // 2)).save(tmp_path / f"a0.{suffix}", exif=exif)
    height, width = read_film(tmp_path / f"a0.{suffix}").shape[:2]
    assert (width < height) == (orientation > 4)

    def labelled(width: int, height: int) -> list[int]:
        size = {"imageWidth": width, "imageHeight": height}
        put(tmp_path / "a0.json", labelme("a0", imagePath=f"a0.{suffix}", **size))
        return [len(film.outlines) for film in read_films(tmp_path, "all")]

    assert labelled(width, height) == [len(levels_of("a0"))]
    with pytest.raises(DataError, match="as it is seen"):
        labelled(height, width)


def test_labelme_of_a_dicom_film_is_for_its_size(tmp_path: Path) -> None:
    values = np.arange(SIDE * SIDE // 2, dtype=np.uint16).reshape(SIDE // 2, SIDE)
    put(tmp_path / "a0.dcm", stored(radiograph(values)))
    put(tmp_path / "a0.json", labelme("a0", imagePath="a0.dcm", imageHeight=SIDE // 2))
    assert len(read_films(tmp_path, "all")[0].outlines) == len(levels_of("a0"))
    put(tmp_path / "a0.json", labelme("a0", imagePath="a0.dcm"))
    with pytest.raises(DataError, match=r"is for a film of 64x64 px, and a0\.dcm is 64x32"):
        read_films(tmp_path, "all")
