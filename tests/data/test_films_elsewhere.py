"""A folder that data.yaml names elsewhere is read, and told of, as if it were named itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from good_ends import Films, told_by
from laid_out import films, lay, levels_of, picture, put, rows

from spineseg.data.film_source import FilmSource
from spineseg.data.layouts import read_folder
from spineseg.errors import DataError
from spineseg.levels import CERVICAL

NAMES = list(CERVICAL)
TREE = "images/{part}/{stem}.jpg", "labels/{part}/{stem}.txt"


@pytest.fixture
def far(tmp_path: Path) -> Path:
    """Return an export of three parts, in which work would be lost in three ways."""
    folder = lay(tmp_path / "far", *TREE)
    put(folder / "images/test/c.jpg", picture("c"))
    put(folder / "labels/test/c.txt", rows("a1"))
    put(folder / "images/extra/lost.jpg", picture("lost"))
    put(folder / "labels/extra/lost.txt", rows("a1"))
    put(folder / "images/train/x.heic", b"x")
    put(folder / "labels/train/orphan.txt", rows("a1"))
    return folder


def here(folder: Path, **keys: object) -> Path:
    put(folder / "data.yaml", yaml.safe_dump({**keys, "names": NAMES}))
    return folder


def three_parts() -> Films:
    return {**films(), "c": ("test", levels_of("a1"))}


def told(source: FilmSource) -> tuple[object, ...]:
    orphans = [path.name for path in source.orphans]
    left = sorted((left.path.name, left.reason, left.is_loss) for left in source.left_out)
    return orphans, left, source.label_files_seen


@pytest.mark.parametrize("whole", [False, True])
def test_its_other_parts_are_read_and_its_losses_told(
    tmp_path: Path, far: Path, whole: bool
) -> None:
    start = f"{far}/" if whole else ""
    keys = {} if whole else {"path": str(far)}
    place = here(tmp_path / "y", train=f"{start}images/train", val=f"{start}images/val", **keys)
    (far / "images/valid").rename(far / "images/val")
    (far / "labels/valid").rename(far / "labels/val")
    source = read_folder(place)
    assert told_by(source) == three_parts()
    assert told(source) == told(read_folder(far))
    orphans, left, seen = told(source)
    assert orphans == ["orphan.txt"] and seen == 9
    assert [name for name, _, is_loss in left if is_loss] == ["lost.jpg", "x.heic"]


def test_data_yaml_in_a_folder_of_the_export_is_told_of_once(far: Path) -> None:
    place = here(far / "cfg", path="..", train="images/train", val="images/valid")
    put(place / "notes.bin", b"x")
    source = read_folder(place)
    assert told_by(source) == three_parts()
    assert [left.path.name for left in source.left_out].count("notes.bin") == 1


def test_beside_a_part_of_a_folder_of_its_own_losses_are_told(tmp_path: Path) -> None:
    lay(tmp_path / "far")
    put(tmp_path / "far/train/labels/orphan.txt", rows("a1"))
    put(tmp_path / "far/valid/images/x.heic", b"x")
    roots = {key: str(tmp_path / "far" / part / "images") for key, part in PARTS}
    source = read_folder(here(tmp_path / "y", **roots))
    assert told_by(source) == films()
    assert [path.name for path in source.orphans] == ["orphan.txt"]
    assert [(left.path.name, left.is_loss) for left in source.left_out] == [("x.heic", True)]


PARTS = (("train", "train"), ("val", "valid"))


def test_a_film_of_two_parts_and_a_folder_without_films_are_refused(
    tmp_path: Path, far: Path
) -> None:
    place = here(tmp_path / "y", path=str(far), train="images", val="images/valid")
    with pytest.raises(DataError, match="is in two parts by data"):
        read_folder(place)
    here(place, path=str(far), train="images/train", val="labels/valid")
    with pytest.raises(DataError, match="and holds no film; mend it"):
        read_folder(place)
