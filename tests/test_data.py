"""Exports, the merge, the split: nothing lost, nothing moved, each damage one line."""

import shutil
from pathlib import Path

import pytest
from conftest import write_export

from spineseg.config import DataConfig
from spineseg.data.merge import Dataset, prepare_dataset
from spineseg.data.split import assign_parts, patient_of, source_stem
from spineseg.data.yolo import label_path, read_export, read_films
from spineseg.errors import ConfigError, DataError, SpinesegError
from spineseg.levels import CERVICAL, CLASS_INDEX, LUMBAR, THORACIC


def prepare(tmp_path: Path, *folders: Path, **settings: object) -> Dataset:
    sources = [{"kind": "local", "path": str(folder)} for folder in folders]
    config = DataConfig.model_validate({"sources": sources, **settings})
    return prepare_dataset(config, tmp_path / "cache", say=lambda text: None)


def first_image(export: Path, part: str = "train") -> Path:
    return read_export(export).images[part][0]


def test_classes_are_merged_by_name_into_the_24_levels(tmp_path: Path, export: Path) -> None:
    trunk = write_export(
        tmp_path / "trunk", {"train": 3, "valid": 1}, names=tuple(sorted(THORACIC + LUMBAR)), seed=1
    )
    dataset = prepare(tmp_path, trunk, export)
    films = read_films(dataset.folder, "train")
    assert len(films) == 9 and dataset.manifest.count("valid") == 4
    assert {outline.level for film in films for outline in film.outlines} == set(CLASS_INDEX)
    text = label_path(films[-1].path).read_text()
    levels = {outline.level for outline in films[-1].outlines}
    assert {int(line.split()[0]) for line in text.splitlines()} == {
        CLASS_INDEX[lv] for lv in levels
    }


def test_images_keep_their_bytes(tmp_path: Path, export: Path) -> None:
    dataset = prepare(tmp_path, export)
    image = first_image(export)
    assert (dataset.folder / "train" / "images" / image.name).read_bytes() == image.read_bytes()


def test_the_fingerprint_depends_on_content_and_not_on_the_place(
    tmp_path: Path, export: Path
) -> None:
    other = Path(shutil.copytree(export, tmp_path / "elsewhere" / "copy"))
    one, two = prepare(tmp_path / "a", export), prepare(tmp_path / "b", other)
    assert one.fingerprint == two.fingerprint
    label_path(first_image(other)).write_text("0 0.1 0.1 0.2 0.1 0.2 0.2\n")
    assert prepare(tmp_path / "b", other).fingerprint != one.fingerprint


def test_two_images_of_one_name_are_both_kept(tmp_path: Path, export: Path) -> None:
    other = write_export(tmp_path / "other", {"train": 6, "valid": 3})
    assert prepare(tmp_path, export, other).manifest.count("train") == 12


def test_copies_of_one_radiograph_stay_on_one_side(tmp_path: Path) -> None:
    images = [Path(f"film{i:02d}_jpg.rf.{copy}abc.jpg") for i in range(60) for copy in range(3)]
    parts = assign_parts(images, pattern=None, val_fraction=0.3, test_fraction=0.2, seed=0)
    sides: dict[str, set[str]] = {}
    for image, part in parts.items():
        sides.setdefault(source_stem(image), set()).add(part)
    assert all(len(side) == 1 for side in sides.values())
    assert set(parts.values()) == {"train", "valid", "test"}


def test_visits_of_one_patient_stay_together() -> None:
    names = ["x-2017-162-A-AP_jpg.rf.1.jpg", "y-2018-162-B-AP_jpg.rf.2.jpg"]
    assert {patient_of(Path(name), r"-(\d+)-[A-Z]-AP") for name in names} == {"162"}


def test_added_images_move_nobody() -> None:
    def split(count: int) -> dict[Path, str]:
        images = [Path(f"film{i:03d}.jpg") for i in range(count)]
        return assign_parts(images, pattern=None, val_fraction=0.3, test_fraction=0.0, seed=4)

    few, many = split(40), split(80)
    assert all(many[image] == part for image, part in few.items())


def test_an_export_without_validation_gets_one(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 30})
    dataset = prepare(tmp_path, folder, val_fraction=0.3)
    assert dataset.manifest.count("valid") > 0
    assert dataset.manifest.count("train") + dataset.manifest.count("valid") == 30


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.1 0.1 0.2 0.1 0.2", ["coordinates", "even number"]),
        ("0 0.1 0.1 0.2 0.1", ["box, not an outline"]),
        ("7 0.1 0.1 0.2 0.1 0.2 0.2", ["class 7 is out of range", "0..6"]),
        ("-1 0.1 0.1 0.2 0.1 0.2 0.2", ["class -1"]),
        ("0 0.1 0.1 5.0 0.1 0.2 0.2", ["coordinate 5", "outside the image"]),
        ("0 0.1 0.1 nan 0.1 0.2 0.2", ["outside the image"]),
        ("0 0.1 a b 0.1 0.2 0.2", ["something else than numbers"]),
    ],
)
def test_a_damaged_label_names_file_line_and_rule(
    tmp_path: Path, export: Path, line: str, words: list[str]
) -> None:
    label = label_path(first_image(export))
    label.write_text(label.read_text() + line + "\n")
    with pytest.raises(DataError) as caught:
        prepare(tmp_path, export)
    for word in [f"{label.name}:8", *words]:
        assert word in str(caught.value)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("content", [b"", b"no image", None])
def test_an_image_that_is_none_stops_the_merge_and_leaves_nothing(
    tmp_path: Path, export: Path, content: bytes | None
) -> None:
    image = first_image(export, "valid")
    image.write_bytes(image.read_bytes()[:400] if content is None else content)
    with pytest.raises(DataError, match="no image that can be read"):
        prepare(tmp_path, export)
    assert list((tmp_path / "cache").iterdir()) == []


def spoil_classes(export: Path) -> None:
    text = (export / "data.yaml").read_text()
    (export / "data.yaml").write_text(text.replace("- C3", "- femur"))


def empty_valid(export: Path) -> None:
    shutil.rmtree(export / "valid" / "images")
    (export / "valid" / "images").mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda e: shutil.rmtree(e), "no such folder"),
        (lambda e: (e / "data.yaml").unlink(), "not found"),
        (lambda e: (e / "data.yaml").write_text("names: ["), "cannot be read as YAML"),
        (lambda e: (e / "data.yaml").write_text("nc: 3"), "no list `names`"),
        (lambda e: (e / "data.yaml").write_text("names: [C1, c1]"), "named twice"),
        (lambda e: shutil.rmtree(e / "train"), "holds no image"),
        (spoil_classes, "femur"),
        (empty_valid, "is empty"),
    ],
)
def test_a_damaged_export_is_one_line(
    tmp_path: Path, export: Path, spoil: object, words: str
) -> None:
    spoil(export)  # type: ignore[operator]
    with pytest.raises(DataError, match=words) as caught:
        prepare(tmp_path, export)
    assert "\n" not in str(caught.value)


def test_roboflow_without_a_key_says_where_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROBOFLOW_API_KEY", raising=False)
    config = DataConfig.model_validate(
        {"sources": [{"kind": "roboflow", "workspace": "w", "project": "p"}]}
    )
    with pytest.raises(DataError, match="ROBOFLOW_API_KEY"):
        prepare_dataset(config, tmp_path)


def test_a_pattern_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 10})
    with pytest.raises(ConfigError, match="patient_pattern"):
        prepare(tmp_path, folder, patient_pattern="(")


def test_too_few_images_to_split_is_said(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 1})
    with pytest.raises(SpinesegError, match="too few"):
        prepare(tmp_path, folder)


def test_names_of_an_export_may_be_a_mapping(export: Path) -> None:
    names = "\n".join(f"  {i}: {name}" for i, name in enumerate(CERVICAL))
    (export / "data.yaml").write_text("names:\n" + names)
    assert read_export(export).levels == CERVICAL
