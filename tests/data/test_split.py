"""The split: what belongs together stays together, and nobody moves."""

import shutil
from pathlib import Path

import pytest
from exports import write_export
from merged_data import prepare

from spineseg.data.audit import load_audit
from spineseg.data.split import assign_parts, grouped, patient_of, source_stem
from spineseg.data.yolo import label_path
from spineseg.errors import DataError, SpinesegError


def test_copies_of_one_radiograph_stay_on_one_side(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 40})
    for image in (folder / "train" / "images").iterdir():
        for copy in "ab":
            twin = image.with_name(image.name.replace(".rf.", f".rf.{copy}"))
            shutil.copy(image, twin)
            shutil.copy(label_path(image), label_path(twin))
    dataset = prepare(
        tmp_path, folder, split="patients", test_fraction=0.2, group_near_duplicates=False
    )
    sides: dict[str, set[str]] = {}
    for entry in dataset.manifest.entries:
        sides.setdefault(source_stem(Path(entry.name)), set()).add(entry.part)
    assert len(sides) == 40 and all(len(side) == 1 for side in sides.values())
    assert {part for side in sides.values() for part in side} == {"train", "valid", "test"}
    assert load_audit(dataset).leaks() == {}


def test_visits_of_one_patient_stay_together() -> None:
    names = ["x-2017-162-A-AP_jpg.rf.1.jpg", "y-2018-162-B-AP_jpg.rf.2.jpg"]
    assert {patient_of(Path(name), r"-(\d+)-[A-Z]-AP") for name in names} == {"162"}


def split(names: list[str], seed: int = 4) -> dict[str, str]:
    parts = assign_parts(
        [(0, name) for name in names], valid_fraction=0.3, test_fraction=0.1, seed=seed
    )
    return {name: part for (_, name), part in parts.items()}


@pytest.mark.parametrize("name", ["film{:03d}", "{:x}-Иванов", "p{}x"])
def test_added_films_move_nobody(name: str) -> None:
    few = split([name.format(i * 7919) for i in range(40)])
    many = split([name.format(i * 7919) for i in range(-40, 200)])
    assert all(many[film] == part for film, part in few.items())


@pytest.mark.parametrize("step", [1, 2, 3, 10])
@pytest.mark.parametrize("seed", range(3))
def test_numbered_patients_are_spread_evenly_however_they_are_chosen(step: int, seed: int) -> None:
    parts = list(split([f"patient-{i}" for i in range(0, 200 * step, step)], seed).values())
    assert abs(parts.count("valid") - 60) <= 3 and abs(parts.count("test") - 20) <= 3


def test_another_seed_divides_otherwise() -> None:
    names = [f"patient-{i}" for i in range(50)]
    assert split(names, 1) != split(names, 2)


def test_films_joined_by_likeness_share_a_group() -> None:
    groups = grouped([(0, "b"), (0, "a"), (1, "a"), (0, "c")], [(0, 2), (2, 3)])
    assert groups == [(0, "b"), (0, "a"), (0, "b"), (0, "b")]


def test_an_export_without_validation_gets_one(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 30})
    dataset = prepare(tmp_path, folder, split="patients", valid_fraction=0.3)
    assert dataset.manifest.count("valid") > 0
    assert dataset.manifest.count("train") + dataset.manifest.count("valid") == 30


def test_too_few_films_to_split_is_said(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 1})
    with pytest.raises(SpinesegError, match="too few"):
        prepare(tmp_path, folder, split="patients")


def test_a_source_without_validation_cannot_keep_its_split(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 10})
    with pytest.raises(DataError, match="split: patients"):
        prepare(tmp_path, folder)
