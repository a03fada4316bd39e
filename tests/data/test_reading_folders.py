"""A folder is read the same from wherever it is named, by every process, and in its bounds."""

from __future__ import annotations

import pickle
from pathlib import Path

import coco_cases
import labelme_cases
import pytest
import studio_cases
import yolo_cases
import yolo_yaml_cases
from good_ends import Refused, held_by, merged, no_longer_than, told_by
from laid_out import films, lay, put

from spineseg.data.layouts import listing, raw_labels_of, read_folder
from spineseg.data.merged_labels import label_path
from spineseg.errors import DataError


@pytest.mark.parametrize("place", [".", "../ds", "./train/.."])
def test_a_folder_named_from_within_keeps_its_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(lay(tmp_path / "ds"))
    assert told_by(read_folder(Path(place))) == films()
    assert told_by(read_folder(Path(place))) == films()
    dataset = merged(tmp_path, Path(place), split="keep")
    assert not isinstance(dataset, str) and held_by(dataset) == films()


@pytest.mark.parametrize("above", ["images", "labels", "train", "images/test/labels"])
def test_folders_above_say_nothing(tmp_path: Path, above: str) -> None:
    folder = lay(tmp_path / above / "ds", "images/{stem}.jpg", "labels/{stem}.txt")
    assert told_by(read_folder(folder)) == films(parts=False)


@pytest.mark.parametrize("name", ["gone", "x" * 5000, "a\0b"])
def test_what_is_no_folder_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_folder(tmp_path / name)


def test_a_folder_named_by_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(lay(tmp_path / "ds"))
    assert told_by(read_folder(tmp_path / "link")) == films()


@pytest.mark.parametrize(
    ("film", "label"),
    [
        ("train/images/a.jpg", "train/labels/a.txt"),
        ("images/a.b.jpg", "labels/a.b.txt"),
        ("/x/images/y/images/a.jpg", "/x/images/y/labels/a.txt"),
        ("x/a.jpg", "x/a.txt"),
        ("a.jpg", "a.txt"),
    ],
)
def test_a_merged_films_label_path_is_found_relative_or_not(film: str, label: str) -> None:
    assert label_path(Path(film)) == Path(label)


@pytest.mark.parametrize("name", ["Label Studio", "Label Studio's JSON-MIN"])
def test_films_go_to_other_processes_with_their_labels(tmp_path: Path, name: str) -> None:
    studio_cases.CASES[name].make(tmp_path)
    for film in read_folder(tmp_path).films:
        again = pickle.loads(pickle.dumps(film))
        assert [r.name for r in raw_labels_of(again)] == [r.name for r in raw_labels_of(film)]
        assert film.told_in is not None and str(film.told_in) in raw_labels_of(film)[0].where


def test_a_disk_is_refused_before_it_is_read_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_ENTRIES", 50)
    lay(tmp_path)
    assert read_folder(tmp_path).films
    for number in range(60):
        put(tmp_path / "other" / f"{number}.bin")
    with pytest.raises(DataError, match="holds more than 50 files; name the folder of the export"):
        read_folder(tmp_path)


def test_folders_a_hundred_deep_are_read_through(tmp_path: Path) -> None:
    deep = "/".join("d" * 20 for _ in range(100))
    with no_longer_than(10):
        source = read_folder(
            lay(tmp_path, f"images/{deep}/{{stem}}.jpg", f"labels/{deep}/{{stem}}.txt")
        )
    assert told_by(source) == films(parts=False)


def test_what_was_seen_is_counted(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / "train/labels/a0.txt").unlink()
    for folder in ("labels", "images"):
        put(tmp_path / "train" / folder / "zz.txt", "0 1 1 2 2 3 3")
    source = read_folder(tmp_path)
    assert sum(film.has_labels for film in source.films) == 5
    assert [path.name for path in source.orphans] == ["zz.txt", "zz.txt"]
    assert source.layout == "YOLO, parts train, valid"
    assert source.label_files_seen == 7


NO_DATA = {".yaml", ".yml", ".names", ".data", ".labels", ".md", ".cache", ".csv", ".zip"}
READ = [
    (name, case)
    for cases in (yolo_cases, yolo_yaml_cases, coco_cases, labelme_cases, studio_cases)
    for name, case in cases.CASES.items()
    if not isinstance(case.end, Refused) and name != "litter" and ".json" not in case.place
]


@pytest.mark.parametrize(("name", "case"), READ, ids=[name for name, _ in READ])
def test_every_file_is_read_or_told(tmp_path: Path, name: str, case: yolo_cases.Case) -> None:
    case.make(tmp_path)
    source = read_folder(tmp_path / case.place)
    told = {film.path for film in source.films} | {left.path for left in source.left_out}
    told |= {film.labels for film in source.films if isinstance(film.labels, Path)}
    told |= {*source.files, *source.orphans}
    stems = {left.path.stem for left in source.left_out}
    untold = [
        path
        for path in source.folder.rglob("*")
        if path.is_file() and path not in told and path.suffix not in NO_DATA
        if path.name != "classes.txt" and not (path.suffix == ".txt" and path.stem in stems)
    ]
    assert not untold
