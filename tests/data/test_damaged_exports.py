"""Damaged exports, over a hundred of them: the right dataset or one line, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import coco_cases
import image_damages
import labelme_cases
import pytest
import studio_cases
import yolo_cases
import yolo_yaml_cases
from coco_damages import COCO_DAMAGES, coco
from damages import DAMAGES
from exports import write_export
from good_ends import Films, Refused, check_end, held_by, merged

from spineseg.levels import CERVICAL

assert image_damages.NAMES  # It adds its damages to the others.
UNUSUAL = (yolo_cases, yolo_yaml_cases, coco_cases, labelme_cases, studio_cases)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_export(tmp_path_factory.mktemp("whole") / "export", {"train": 4, "valid": 2})


def films_of(export: Path) -> Films:
    return {
        label.stem: (
            label.parts[-3],
            tuple(CERVICAL[int(line.split()[0])] for line in label.read_text().splitlines()),
        )
        for label in export.glob("*/labels/*.txt")
    }


def test_there_are_over_three_hundred_unusual_exports() -> None:
    count = sum(len(cases.CASES) for cases in UNUSUAL)
    assert len(DAMAGES) + len(COCO_DAMAGES) + count >= 300


def test_a_whole_export_is_taken_whole(tmp_path: Path, whole: Path) -> None:
    dataset = merged(tmp_path, whole, split="keep")
    assert not isinstance(dataset, str) and held_by(dataset) == films_of(whole)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_export_ends_as_it_must(tmp_path: Path, whole: Path, name: str) -> None:
    damage, end = DAMAGES[name]
    damaged = Path(shutil.copytree(whole, tmp_path / "export"))
    damage(damaged)
    check_end(tmp_path, damaged, end, films_of(whole), merge=not name.startswith("name: "))
    if name.startswith("name: "):
        dataset = merged(tmp_path, damaged, split="keep")
        assert not isinstance(dataset, str), dataset
        assert sorted(held_by(dataset).values()) == sorted(films_of(whole).values())


DROPPED = [
    name
    for name, (_, end) in DAMAGES.items()
    if name.startswith(("label: ", "image: ")) and isinstance(end, Refused)
]


@pytest.mark.parametrize("name", DROPPED)
def test_where_damage_is_dropped_the_rest_is_right(tmp_path: Path, whole: Path, name: str) -> None:
    damage, end = DAMAGES[name]
    damaged = Path(shutil.copytree(whole, tmp_path / "export"))
    damage(damaged)
    dataset = merged(tmp_path, damaged, damaged="drop", split="keep")
    if isinstance(dataset, str):
        assert isinstance(end, Refused) and end.words in dataset
        return
    for stem, (part, levels) in held_by(dataset).items():
        wanted_part, wanted = films_of(whole)[stem]
        assert part == wanted_part and set(levels) <= set(wanted)


@pytest.mark.parametrize("name", COCO_DAMAGES)
def test_a_damaged_coco_export_ends_as_it_must(tmp_path: Path, name: str) -> None:
    end, damage = COCO_DAMAGES[name]
    folder = tmp_path / "coco"
    content = coco(folder)
    damage(content, folder)
    (folder / "result.json").write_text(json.dumps(content))
    films: Films = {f"film{n}": (None, (CERVICAL[n],)) for n in range(6)}
    check_end(tmp_path, folder, end, films)
