"""Damaged exports, over a hundred of them: a correct dataset or one line, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from coco_damages import COCO_DAMAGES, coco
from damages import DAMAGES
from exports import write_export
from good_ends import ends_well, sound_labels


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_export(tmp_path_factory.mktemp("whole") / "export", {"train": 4, "valid": 2})


def test_there_are_over_a_hundred_damages() -> None:
    assert len(DAMAGES) + len(COCO_DAMAGES) >= 100


def test_a_whole_export_ends_well(tmp_path: Path, whole: Path) -> None:
    assert ends_well(tmp_path, whole, sound_labels(whole, whole))


@pytest.mark.parametrize("settings", [{}, {"damaged": "drop", "split": "keep"}], ids=["", "drop"])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_export_ends_well(
    tmp_path: Path, whole: Path, name: str, settings: dict[str, object]
) -> None:
    damaged = Path(shutil.copytree(whole, tmp_path / "export"))
    DAMAGES[name](damaged)
    foreign = ("yaml: ", "folder: labels", "folder: both", "label: all")
    sound = {} if name.startswith(foreign) else sound_labels(whole, damaged)
    if "another" in name:
        sound = {}
    ends_well(tmp_path, damaged, sound, **settings)


MENDED = [
    "label: a little outside",
    "label: repeated points",
    "label: a bow tie",
    "label: commas",
    "label: semicolons",
    "label: mixed separators",
    "label: a thousand points",
    "label: empty",
    "label: missing",
    "label: every line twice",
    "label: of an absent image",
    "label: with a byte order mark",
    "label: Windows line ends",
    "yaml: with a byte order mark",
    "yaml: Windows line ends",
    "image: hidden by a Mac",
    "image: 16 bits",
    "image: a PNG named JPEG",
    "image: noise after its end",
    "folder: val instead of valid",
    *(name for name in DAMAGES if name.startswith("name: ")),
]


@pytest.mark.parametrize("name", MENDED)
def test_what_is_odd_but_clear_is_taken(tmp_path: Path, whole: Path, name: str) -> None:
    damaged = Path(shutil.copytree(whole, tmp_path / "export"))
    DAMAGES[name](damaged)
    assert ends_well(tmp_path, damaged, {})


@pytest.mark.parametrize("damaged", ["refuse", "drop"])
@pytest.mark.parametrize("name", COCO_DAMAGES)
def test_a_damaged_coco_export_ends_well(tmp_path: Path, name: str, damaged: str) -> None:
    folder = tmp_path / "coco"
    content = coco(folder)
    COCO_DAMAGES[name](content, folder)
    (folder / "result.json").write_text(json.dumps(content))
    ends_well(tmp_path, folder, {}, damaged=damaged)


def test_a_whole_coco_export_ends_well(tmp_path: Path) -> None:
    content = coco(tmp_path / "coco")
    (tmp_path / "coco" / "result.json").write_text(json.dumps(content))
    assert ends_well(tmp_path, tmp_path / "coco", {})
