"""The split: what belongs together stays together, and nobody moves."""

import shutil
from pathlib import Path

import pytest
from exports import write_export
from merged_data import prepare

from spineseg.config.data import DataConfig
from spineseg.data.audit import load_audit
from spineseg.data.merged_labels import label_path
from spineseg.data.patients import Patient, Whose, source_stem, whose
from spineseg.data.split import assign_parts, divided, grouped
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
        sides.setdefault(source_stem(entry.name), set()).add(entry.part)
    assert len(sides) == 40 and all(len(side) == 1 for side in sides.values())
    assert {part for side in sides.values() for part in side} == {"train", "valid", "test"}
    assert load_audit(dataset).leaks() == {}


def test_visits_of_one_patient_stay_together() -> None:
    names = ["x-2017-162-A-AP_jpg.rf.1.jpg", "y-2018-162-B-AP_jpg.rf.2.jpg"]
    asked = config(patient_pattern=r"-(\d+)-[A-Z]-AP")
    found = {whose(source_stem(name), 0, (None, None), asked, b"") for name in names}
    assert found == {Whose(Patient(0, "162"), "162", told=True)}


def config(**settings: object) -> DataConfig:
    source = {"kind": "local", "path": "x"}
    shares = {"valid_fraction": 0.3, "test_fraction": 0.1}
    return DataConfig.model_validate({"sources": [source], **shares, **settings})


def split(names: list[str], seed: int = 4) -> dict[str, str]:
    spread = {Patient(0, name): name for name in names}
    parts = assign_parts(spread, {patient: patient for patient in spread}, config(split_seed=seed))
    return {patient.name: part for patient, part in parts.items()}


@pytest.mark.parametrize("name", ["film{:03d}", "{:x}-Иванов", "p{}x"])
def test_added_films_move_nobody(name: str) -> None:
    few = split([name.format(i * 7919) for i in range(40)])
    many = split([name.format(i * 7919) for i in range(-40, 200)])
    assert all(many[film] == part for film, part in few.items())


@pytest.mark.parametrize("step", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("seed", range(3))
def test_every_so_manieth_patient_is_spread_evenly(step: int, seed: int) -> None:
    parts = list(split([f"patient-{i}" for i in range(0, 200 * step, step)], seed).values())
    assert abs(parts.count("valid") - 60) <= 7 and abs(parts.count("test") - 20) <= 7


@pytest.mark.parametrize("step", [7, 8, 13, 21, 34, 55, 60, 89, 144, 233, 377, 610, 987, 1597])
def test_patients_at_any_regular_step_are_spread_as_by_chance(step: int) -> None:
    names = [f"patient-{i}" for i in range(0, 200 * step, step)]
    counts = [list(split(names, seed).values()).count("valid") for seed in range(12)]
    # By chance 60 of 200 with a standard deviation of 6.5.
    assert abs(sum(counts) / 12 - 60) < 8 and max(abs(count - 60) for count in counts) < 35


def test_another_seed_divides_otherwise() -> None:
    names = [f"patient-{i}" for i in range(50)]
    assert split(names, 1) != split(names, 2)


def test_films_joined_by_likeness_share_a_group() -> None:
    patients = [Patient(0, "b"), Patient(0, "a"), Patient(1, "a"), Patient(0, "c")]
    groups = grouped(patients, [(0, 2), (2, 3)])
    assert groups == [(0, "b"), (0, "a"), (0, "b"), (0, "b")]


@pytest.mark.parametrize("copy", ["0-copy", "film-000", "zzz", "patient-9999"])
def test_a_copy_under_any_name_never_draws_a_film_out_of_the_held_back_parts(copy: str) -> None:
    names = [f"patient-{i}" for i in range(40)]
    before = split(names)
    order = ["train", "valid", "test"]
    for number, name in enumerate(names):
        films = [Whose(Patient(0, n), n, told=True) for n in [*names, copy]]
        _, parts = divided(films, [None] * 41, [(number, 40)], config(split_seed=4))
        assert order.index(parts[number]) >= order.index(before[name])
        assert parts[40] == parts[number]
        rest = [n for n in names if n != name]
        assert {n: p for n, p in zip(names, parts, strict=False) if n != name} == {
            n: before[n] for n in rest
        }


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
