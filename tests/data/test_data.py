"""Exports, the merge, the split: nothing lost, nothing moved, each damage one line."""

import shutil
from pathlib import Path

import pytest
from exports import write_export
from merged_data import first_image, prepare
from pydantic import ValidationError

from spineseg.config.data import DataConfig
from spineseg.data.intake import check_image
from spineseg.data.labelled import read_films
from spineseg.data.merge import load_audit, prepare_dataset
from spineseg.data.split import assign_parts, grouped, patient_of, source_stem
from spineseg.data.yolo import label_path, read_export
from spineseg.errors import DataError, SpinesegError
from spineseg.levels import CERVICAL, CLASS_INDEX, LUMBAR, THORACIC


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
        [(0, name) for name in names], val_fraction=0.3, test_fraction=0.1, seed=seed
    )
    return {name: part for (_, name), part in parts.items()}


@pytest.mark.parametrize("name", ["film{:03d}", "{:x}-Иванов", "p{}x"])
def test_added_images_move_nobody(name: str) -> None:
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
    dataset = prepare(tmp_path, folder, split="patients", val_fraction=0.3)
    assert dataset.manifest.count("valid") > 0
    assert dataset.manifest.count("train") + dataset.manifest.count("valid") == 30


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.1 0.1 0.2 0.1 0.2", ["coordinates", "even number"]),
        ("0 0.1 0.1 0.2 0.1", ["box, not an outline"]),
        ("7 0.1 0.1 0.2 0.1 0.2 0.2", ["class 7 is out of range", "0..6"]),
        ("-1 0.1 0.1 0.2 0.1 0.2 0.2", ["class -1"]),
        ("0 0.1 0.1 5.0 0.1 0.2 0.2", ["coordinate 5", "outside the film"]),
        ("0 0.1 0.1 nan 0.1 0.2 0.2", ["no number"]),
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
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_is_no_image_is_told_where_ultralytics_is_loaded_too(tmp_path: Path) -> None:
    import ultralytics.utils.patches  # noqa: F401  It puts another Image.open in place.

    path = tmp_path / "film.jpg"
    path.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"film\.jpg: is no image that can be read"):
        check_image(path)


@pytest.mark.parametrize("content", [b"", b"no image", None])
def test_an_image_that_is_none_stops_the_merge_and_leaves_nothing(
    tmp_path: Path, export: Path, content: bytes | None
) -> None:
    image = first_image(export, "valid")
    image.write_bytes(image.read_bytes()[:400] if content is None else content)
    with pytest.raises(DataError, match=r"no image that can be read|is empty"):
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
        (lambda e: (e / "data.yaml").write_text("names: [C1, c1]"), "out of range"),
        (lambda e: shutil.rmtree(e / "train"), "training and a validation part"),
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
    with pytest.raises(ValidationError, match="patient_pattern"):
        DataConfig.model_validate(
            {"sources": [{"kind": "local", "path": str(tmp_path)}], "patient_pattern": "("}
        )


def test_too_few_images_to_split_is_said(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 1})
    with pytest.raises(SpinesegError, match="too few"):
        prepare(tmp_path, folder, split="patients")


def test_names_of_an_export_may_be_a_mapping(export: Path) -> None:
    names = "\n".join(f"  {i}: {name}" for i, name in enumerate(CERVICAL))
    (export / "data.yaml").write_text("names:\n" + names)
    assert tuple(read_export(export).films[0].names.values()) == CERVICAL


def test_a_source_without_validation_cannot_keep_its_split(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 10})
    with pytest.raises(DataError, match="split: patients"):
        prepare(tmp_path, folder)


def test_nothing_is_read_again_while_nothing_changes(tmp_path: Path, export: Path) -> None:
    said: list[str] = []
    config = DataConfig.model_validate(
        {"sources": [{"kind": "local", "path": str(export)}], "split": "keep"}
    )
    first = prepare_dataset(config, tmp_path / "cache", said.append)
    assert prepare_dataset(config, tmp_path / "cache", said.append) == first and len(said) == 1
    image = first_image(export)
    content = image.read_bytes()
    image.write_bytes(content + b"\0")
    assert prepare_dataset(config, tmp_path / "cache", said.append).fingerprint != first.fingerprint
    image.write_bytes(content)
    assert prepare_dataset(config, tmp_path / "cache", said.append).fingerprint == first.fingerprint


def test_a_dataset_that_lost_a_file_is_made_again(tmp_path: Path, export: Path) -> None:
    dataset = prepare(tmp_path, export)
    lost = first_image(dataset.folder)
    content = lost.read_bytes()
    lost.unlink()
    assert prepare(tmp_path, export).fingerprint == dataset.fingerprint
    assert lost.read_bytes() == content


def test_what_a_killed_merge_left_is_removed(tmp_path: Path, export: Path) -> None:
    left = tmp_path / "cache" / ".merging-999999999"
    left.mkdir(parents=True)
    prepare(tmp_path, export)
    assert not left.exists()


def test_classes_are_mapped_and_dropped_as_the_config_says(tmp_path: Path, export: Path) -> None:
    names = "names: [Atlas, c-02, C3, C4, C5, C6, sacrum]"
    (export / "data.yaml").write_text(names)
    with pytest.raises(DataError, match=r"Atlas, sacrum.*class_map.*drop_classes"):
        prepare(tmp_path, export)
    source = {"kind": "local", "path": str(export)}
    rules = {"class_map": {"Atlas": "C1"}, "drop_classes": ["sacrum"]}
    config = DataConfig.model_validate({"sources": [source | rules], "split": "keep"})
    dataset = prepare_dataset(config, tmp_path / "cache", say=lambda text: None)
    assert set(dataset.manifest.instances("train")) == {"C1", "C2", "C3", "C4", "C5", "C6"}


def test_what_nothing_can_mend_is_listed_or_dropped(tmp_path: Path, export: Path) -> None:
    first_image(export).write_bytes(b"")
    label = label_path(first_image(export, "valid"))
    label.write_text(label.read_text() + "0 0.1 0.1 9 0.1 0.2 0.2\n")
    with pytest.raises(DataError, match=r"1 more, listed in .*refused\.txt"):
        prepare(tmp_path, export)
    assert len((tmp_path / "cache" / "refused.txt").read_text().splitlines()) == 2
    dataset = prepare(tmp_path, export, damaged="drop")
    assert dataset.manifest.count("train") == 5
    counts = load_audit(dataset).counts()
    assert counts["film-dropped"] == 1 and counts["label-dropped"] == 1


@pytest.mark.parametrize("layout", ["images/{part}", "{part}/images"])
def test_both_yolo_layouts_are_read(tmp_path: Path, export: Path, layout: str) -> None:
    for part in ("train", "valid"):
        for kind in ("images", "labels"):
            target = tmp_path / "other" / layout.format(part=part).replace("images", kind)
            shutil.copytree(export / part / kind, target)
    shutil.copy(export / "data.yaml", tmp_path / "other")
    assert (
        prepare(tmp_path, tmp_path / "other").fingerprint == prepare(tmp_path, export).fingerprint
    )


def test_a_flat_folder_with_its_classes_is_read(tmp_path: Path, export: Path) -> None:
    for kind in ("images", "labels"):
        shutil.copytree(export / "train" / kind, tmp_path / "flat" / kind)
    (tmp_path / "flat" / "classes.txt").write_text("\n".join(CERVICAL) + "\n")
    dataset = prepare(tmp_path, tmp_path / "flat", split="patients", val_fraction=0.4)
    assert len(dataset.manifest.entries) == 6


def test_many_films_give_the_same_dataset_on_all_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_export(tmp_path / "x", {"train": 12})
    alone = prepare(tmp_path / "a", folder, split="patients", augmentation="original")
    monkeypatch.setattr("spineseg.data.intake._FEW", 1)
    monkeypatch.setattr("spineseg.data.merge._FEW", 1)
    together = prepare(tmp_path / "b", folder, split="patients", augmentation="original")
    assert alone.manifest == together.manifest
    assert load_audit(alone) == load_audit(together)
