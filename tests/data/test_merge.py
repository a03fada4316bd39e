"""Exports become one dataset of the 24 levels: nothing lost, nothing made twice."""

import shutil
from pathlib import Path

import pytest
from exports import write_export
from merged_data import first_film, prepare

from spineseg.config.data import DataConfig
from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_films
from spineseg.data.layouts import read_folder
from spineseg.data.manifest import MANIFEST_FILE, load_manifest
from spineseg.data.merge import prepare_dataset
from spineseg.data.merged_labels import label_path
from spineseg.errors import DataError
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


def test_films_keep_their_bytes(tmp_path: Path, export: Path) -> None:
    dataset = prepare(tmp_path, export)
    image = first_film(export)
    assert (dataset.folder / "train" / "images" / image.name).read_bytes() == image.read_bytes()


def test_the_fingerprint_depends_on_content_and_not_on_the_place(
    tmp_path: Path, export: Path
) -> None:
    other = Path(shutil.copytree(export, tmp_path / "elsewhere" / "copy"))
    one, two = prepare(tmp_path / "a", export), prepare(tmp_path / "b", other)
    assert one.fingerprint == two.fingerprint
    label_path(first_film(other)).write_text("0 0.1 0.1 0.2 0.1 0.2 0.2\n")
    assert prepare(tmp_path / "b", other).fingerprint != one.fingerprint


def test_two_films_of_one_name_are_both_kept(tmp_path: Path, export: Path) -> None:
    other = write_export(tmp_path / "other", {"train": 6, "valid": 3})
    assert prepare(tmp_path, export, other).manifest.count("train") == 12


def test_names_of_an_export_may_be_a_mapping(export: Path) -> None:
    names = "\n".join(f"  {i}: {name}" for i, name in enumerate(CERVICAL))
    (export / "data.yaml").write_text("names:\n" + names)
    assert tuple(read_folder(export).films[0].names.values()) == CERVICAL


def test_nothing_is_read_again_while_nothing_changes(tmp_path: Path, export: Path) -> None:
    said: list[str] = []
    config = DataConfig.model_validate(
        {"sources": [{"kind": "local", "path": str(export)}], "split": "keep"}
    )
    first = prepare_dataset(config, tmp_path / "cache", said.append)
    assert prepare_dataset(config, tmp_path / "cache", said.append) == first and len(said) == 1
    image = first_film(export)
    content = image.read_bytes()
    image.write_bytes(content + b"\0")
    assert prepare_dataset(config, tmp_path / "cache", said.append).fingerprint != first.fingerprint
    image.write_bytes(content)
    assert prepare_dataset(config, tmp_path / "cache", said.append).fingerprint == first.fingerprint


def test_a_dataset_that_lost_a_file_is_made_again(tmp_path: Path, export: Path) -> None:
    dataset = prepare(tmp_path, export)
    lost = first_film(dataset.folder)
    content = lost.read_bytes()
    lost.unlink()
    assert prepare(tmp_path, export).fingerprint == dataset.fingerprint
    assert lost.read_bytes() == content


def test_a_dataset_of_another_version_is_made_again_and_told_in_one_line(
    tmp_path: Path, export: Path
) -> None:
    dataset = prepare(tmp_path, export)
    manifest = dataset.folder / MANIFEST_FILE
    text = manifest.read_text()
    manifest.write_text(text.replace("film_sha256", "image_sha256"))
    with pytest.raises(DataError, match=r"manifest\.json: entries.*another version") as caught:
        load_manifest(dataset.folder)
    assert "\n" not in str(caught.value) and "spineseg data" in str(caught.value)
    assert prepare(tmp_path, export).fingerprint == dataset.fingerprint
    assert manifest.read_text() == text


def test_what_a_killed_merge_left_is_removed(tmp_path: Path, export: Path) -> None:
    left = tmp_path / "cache" / ".merged.999999999.part"
    left.mkdir(parents=True)
    prepare(tmp_path, export)
    assert not left.exists()


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
    dataset = prepare(tmp_path, tmp_path / "flat", split="patients", valid_fraction=0.4)
    assert len(dataset.manifest.entries) == 6


def test_many_films_give_the_same_dataset_on_all_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_export(tmp_path / "x", {"train": 12})
    alone = prepare(tmp_path / "a", folder, split="patients", augmentation="original")
    monkeypatch.setattr("spineseg.data.intake._FEW", 1)
    monkeypatch.setattr("spineseg.data.augment._FEW", 1)
    together = prepare(tmp_path / "b", folder, split="patients", augmentation="original")
    assert alone.manifest == together.manifest
    assert load_audit(alone) == load_audit(together)
