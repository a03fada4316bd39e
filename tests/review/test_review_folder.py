"""A review's folder: what Label Studio is given, what a person reads, and that it is whole."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from dicom_files import radiograph, stored
from exports import write_export
from merged_data import prepare
from page_words import words_of
from PIL import Image
from reviewed import exported, outlines_of, phantom_export, relabelled

from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_merged_film
from spineseg.data.manifest import Dataset
from spineseg.data.merged_labels import label_path
from spineseg.errors import DataError
from spineseg.levels import ANATOMICAL_ORDER, colour
from spineseg.review import folder as folder_module
from spineseg.review.columns import ColumnCheck
from spineseg.review.folder import Review, write_review

ODD_NAME = "film 1 #ü+&50%.png"
RECORDED = Path(__file__).with_name("label-studio-export.json")
"""What Label Studio 1.23 exported of such a review's first film, three outlines of it kept."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two phantoms: one with two levels swapped, one of an odd name."""
    folder = tmp_path_factory.mktemp("phantoms")
    export = phantom_export(folder / "x", "train", "valid")
    film = export / "valid" / "images" / "film-1.png"
    label_path(film).rename(label_path(film.with_name(ODD_NAME)))
    film.rename(film.with_name(ODD_NAME))
    relabelled(export / "train" / "images" / "film-0.png", {"T5": "T6", "T6": "T5"})
    return prepare(folder, export)


def review_of(dataset: Dataset, folder: Path, columns: ColumnCheck | None = None) -> Review:
    return write_review(
        dataset, load_audit(dataset), folder, sound=24, columns=columns, say=lambda text: None
    )


@pytest.fixture(scope="module")
def review(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviews") / "my review"
    review_of(dataset, folder)
    return folder


def tasks_of(review: Path) -> list[dict]:
    return json.loads((review / "tasks.json").read_text(encoding="utf-8"))


def test_each_task_shows_its_film_and_says_what_was_found(review: Path) -> None:
    doubtful, sound = tasks_of(review)
    assert doubtful["data"]["findings"].startswith("levels-out-of-order: down the column: T1 T2")
    assert sound["data"]["findings"] == "sound: nothing was found"
    assert sound["data"]["film"] == ODD_NAME
    for task in (doubtful, sound):
        address, name = task["data"]["image"].split("?d=")
        assert address == "/data/local-files/" and re.fullmatch(r"[\w./%-]+", name)
        assert unquote(name) == f"images/{task['data']['film']}"
        assert (review / unquote(name)).is_file()
    scores = [task["predictions"][0]["score"] for task in (doubtful, sound)]
    assert scores == [0.0, 1.0]


def test_the_labels_go_out_and_come_back_as_they_are(review: Path, dataset: Dataset) -> None:
    films = {entry.name: entry.part for entry in dataset.manifest.entries}
    for task in exported(tasks_of(review)):
        name = task["data"]["film"]
        film = read_merged_film(dataset.folder / films[name] / "images" / name)
        there = outlines_of(task)
        assert [level for level, _ in there] == [outline.level for outline in film.outlines]
        for (_, points), outline in zip(there, film.outlines, strict=True):
            assert np.abs(points - outline.points).max() < 1e-6
    region = tasks_of(review)[0]["predictions"][0]["result"][0]
    assert (region["original_width"], region["original_height"]) == (224, 224)
    assert len(tasks_of(review)[0]["predictions"][0]["result"]) == 17


def test_label_studio_exports_what_it_was_given(review: Path) -> None:
    (recorded,) = json.loads(RECORDED.read_text())
    simulated = exported(tasks_of(review))[0]
    assert recorded["data"].keys() == simulated["data"].keys()
    assert recorded["data"]["film"] == "film-0.png"
    assert recorded["data"]["image"] == simulated["data"]["image"]
    region = recorded["annotations"][0]["result"][0]
    assert region.keys() >= simulated["annotations"][0]["result"][0].keys()
    for (level, points), (sent, sent_points) in zip(
        outlines_of(recorded), outlines_of(simulated)[:3], strict=True
    ):
        assert level == sent and np.abs(points - sent_points).max() < 1e-6


def test_the_interface_has_every_level_in_its_colour_and_the_tasks_fit_it(review: Path) -> None:
    view = ElementTree.parse(review / "label-config.xml").getroot()
    labels = view.find("PolygonLabels")
    image = view.find("Image")
    assert labels is not None and image is not None
    assert [label.get("value") for label in labels] == list(ANATOMICAL_ORDER)
    assert labels[7].get("background") == "#{:02x}{:02x}{:02x}".format(*colour("T1"))
    assert labels.get("toName") == image.get("name")
    shown = {element.get("value", "") for element in view if element.get("value")}
    for task in tasks_of(review):
        assert {f"${key}" for key in task["data"]} == shown
        for region in task["predictions"][0]["result"]:
            assert region["from_name"] == labels.get("name")
            assert region["to_name"] == image.get("name")
            assert region["value"]["polygonlabels"][0] in ANATOMICAL_ORDER


def test_the_sheets_draw_every_film_and_need_no_network(review: Path) -> None:
    doubtful, sound = (
        (review / "sheets" / f"{n}-1.html").read_text() for n in ("doubtful", "sound")
    )
    assert "Worst first: column-shifted, levels-out-of-order" in words_of(doubtful)
    assert "levels-out-of-order: down the column" in words_of(doubtful)
    assert "1 of 1 films about which nothing was found" in words_of(sound)
    for html in (doubtful, sound):
        assert html.count('src="data:image/jpeg') == 1
        assert not re.search(r"https?:|\b(src|href)=\"(?!data:|#)|@import", html)


def test_what_is_to_be_done_is_written_with_this_folders_paths(review: Path) -> None:
    text = (review / "README.txt").read_text(encoding="utf-8")
    for said in (
        f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT='{review}' \\",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true \\",
        "--internal-host 127.0.0.1",
        f"{review}/images",
        "in the place of tasks.json, under that name",
        f'- {{kind: local, path: "{review}"}}',
        "All 2 films of the dataset are here",
        "doubtful     1 film, worst first: levels-out-of-order 1",
    ):
        assert said in text
    with (review / "films.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["film"], row["part"]) for row in rows] == [
        ("film-0.png", "train"), (ODD_NAME, "valid"),
    ]  # fmt: skip


def test_films_that_stay_behind_are_told(tmp_path: Path) -> None:
    export = write_export(tmp_path / "x", {"train": 30, "valid": 10})
    write_review(
        prepare(tmp_path, export), load_audit(prepare(tmp_path, export)), tmp_path / "r",
        sound=3, columns=None, say=lambda text: None,
    )  # fmt: skip
    text = (tmp_path / "r" / "README.txt").read_text()
    assert "Only 3 of the dataset's 40 films are here" in text and "--sound 40" in text
    assert "of the same patients" not in text and "DICOM" not in text
    assert "doubtful     0 films\n" in text
    assert not (tmp_path / "r" / "sheets" / "doubtful-1.html").exists()
    assert len(list((tmp_path / "r" / "images").iterdir())) == 3 == len(tasks_of(tmp_path / "r"))


def test_many_films_go_on_several_sheets(tmp_path: Path) -> None:
    export = write_export(tmp_path / "x", {"train": 40, "valid": 10})
    write_review(
        prepare(tmp_path, export), load_audit(prepare(tmp_path, export)), tmp_path / "r",
        sound=50, columns=None, say=lambda text: None,
    )  # fmt: skip
    first, second = sorted((tmp_path / "r" / "sheets").iterdir())
    assert "Films 1 to 48 of 50." in words_of(first.read_text())
    assert "Films 49 to 50 of 50." in words_of(second.read_text())
    assert f'href="{second.name}"' in first.read_text()


def test_copies_of_dicom_films_say_whose_they_are_and_nothing_else(tmp_path: Path) -> None:
    export = phantom_export(tmp_path / "x", "train", "train", "valid", "valid")
    for number, part, person in ((0, "train", "A"), (1, "train", "A"), (2, "valid", "B")):
        film = export / part / "images" / f"film-{number}.png"
        with Image.open(film) as image:
            grey = np.asarray(image).astype(np.uint16)
        film.with_suffix(".dcm").write_bytes(stored(radiograph(grey, PatientID=f"ID-{person}")))
        film.unlink()
    dataset = prepare(tmp_path, export, patients_from="dicom-patient")
    review = review_of(dataset, tmp_path / "r")
    names = sorted(path.name for path in (tmp_path / "r" / "images").iterdir())
    matches = [re.match(r"^(p-[0-9a-f]{16})_film-\d.png$", name) for name in names]
    assert sorted(Counter(match[1] for match in matches if match).values()) == [1, 2]
    assert "film-3.png" in names and review.renamed_films == 3
    assert "renamed      3 films, to say whose they are: data.patient_pattern" in review.text()
    assert {task["data"]["film"] for task in tasks_of(tmp_path / "r")} == set(names)
    text = (tmp_path / "r" / "README.txt").read_text()
    assert "data.patient_pattern: '^(p-[0-9a-f]{16})_'" in text
    said = text + (tmp_path / "r" / "tasks.json").read_text()
    said += (tmp_path / "r" / "films.csv").read_text()
    assert "ID-A" not in said and "Secret" not in said


def test_nothing_is_overwritten_and_an_empty_folder_will_do(
    dataset: Dataset, tmp_path: Path
) -> None:
    taken, file, empty = tmp_path / "taken", tmp_path / "file", tmp_path / "empty"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    file.write_text("")
    empty.mkdir()
    with pytest.raises(DataError, match="taken: is not empty; name a new folder"):
        review_of(dataset, taken)
    with pytest.raises(DataError, match="file: is no folder; name a new folder"):
        review_of(dataset, file)
    assert [path.name for path in taken.iterdir()] == ["mine.txt"]
    review_of(dataset, empty)
    assert (empty / "tasks.json").exists()


def test_a_review_is_written_whole_or_not_at_all(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise OSError("no space")

    monkeypatch.setattr(folder_module, "readme_text", broken)
    with pytest.raises(OSError, match="no space"):
        review_of(dataset, tmp_path / "r")
    assert list(tmp_path.iterdir()) == []
