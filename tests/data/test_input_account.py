"""The account of the input: what was seen, used and left out, and whose films they are."""

import shutil
import threading
import time
from pathlib import Path

import pytest
from exports import write_export
from merged_data import first_film, prepare

from spineseg.config.data import DataConfig
from spineseg.data import merge
from spineseg.data.account_text import patients_text, shown_patient
from spineseg.data.audit import load_audit
from spineseg.data.merged_labels import label_path
from spineseg.data.patients import patient_account, whose
from spineseg.errors import DataError


def test_a_pattern_that_fits_no_name_is_refused(tmp_path: Path, export: Path) -> None:
    with pytest.raises(DataError, match=r"'patient-\(\\\\d\+\)' fits no name of the 9 films") as e:
        prepare(tmp_path, export, patient_pattern=r"patient-(\d+)")
    assert "null" in str(e.value) and "\n" not in str(e.value)


def test_a_pattern_that_fits_only_some_names_is_told(tmp_path: Path, export: Path) -> None:
    dataset = prepare(tmp_path, export, patient_pattern=r"train\d*(\d)$", accept_leaks=())
    audit = load_audit(dataset)
    account = audit.account.patients
    assert (account.films_told, account.films_alone) == (6, 3)
    assert account.told_by == "data.patient_pattern"
    assert all("train" in name for name in account.examples_told)
    assert all("valid" in name for name in account.examples_alone)
    (finding,) = [f for f in audit.findings if f.kind == "patient-unknown"]
    assert "3 of 9 films" in finding.detail and finding.severity == "doubt"


def test_without_a_pattern_each_film_is_a_patient_and_no_doubt(
    tmp_path: Path, export: Path
) -> None:
    audit = load_audit(prepare(tmp_path, export))
    assert audit.account.patients.patients == 9 and audit.account.patients.films_told == 0
    assert not [f for f in audit.findings if f.kind == "patient-unknown"]


def test_entries_of_the_class_map_that_no_label_has_are_told(tmp_path: Path, export: Path) -> None:
    source = {"kind": "local", "path": str(export), "class_map": {"neck one": "C1", "C2": "C2"},
              "drop_classes": ["C7", "sacrum"]}  # fmt: skip
    account = load_audit(prepare(tmp_path, sources=[source])).account.sources[0]
    assert account.class_map_unused == ("neck one",)
    assert account.drop_classes == {"C7": 9, "sacrum": 0}


@pytest.mark.parametrize("second", ["same", "link", "inner"])
def test_one_source_twice_is_refused(tmp_path: Path, export: Path, second: str) -> None:
    other = export
    if second == "link":
        other = tmp_path / "link"
        other.symlink_to(export)
    elif second == "inner":
        other = export / "train"
        shutil.copy(export / "data.yaml", other)
    with pytest.raises(DataError, match="count twice"):
        prepare(tmp_path, export, other, split="patients")


def test_a_source_that_changes_while_it_is_read_is_refused_and_not_remembered(
    tmp_path: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = export / "train" / "labels"
    gathered = merge.gathered

    def meanwhile(*args: object) -> object:
        away = labels.with_name("away")
        labels.rename(away)
        try:
            return gathered(*args)
        finally:
            away.rename(labels)

    monkeypatch.setattr(merge, "gathered", meanwhile)
    with pytest.raises(DataError, match="changed while it was read"):
        prepare(tmp_path, export)
    monkeypatch.undo()
    assert prepare(tmp_path, export).manifest.instances("train").total() == 42


def test_a_label_that_comes_late_is_refused(
    tmp_path: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = label_path(first_film(export))
    text = label.read_text()
    gathered = merge.gathered

    def late(*args: object) -> object:
        found = gathered(*args)
        time.sleep(0.01)
        label.write_text(text.replace("0 ", "1 ", 1))
        return found

    monkeypatch.setattr(merge, "gathered", late)
    with pytest.raises(DataError, match="changed while it was read; run again"):
        prepare(tmp_path, export)


def test_a_damaged_dataset_is_mended_in_its_place_under_a_reader(
    tmp_path: Path, export: Path
) -> None:
    dataset = prepare(tmp_path, export)
    films = sorted((dataset.folder / "train" / "images").iterdir())
    whole = [film.read_bytes() for film in films]
    films[0].unlink()
    films[1].chmod(0o644)
    films[1].write_bytes(b"something else")
    foreign = films[0].with_name("foreign.jpg")
    foreign.write_bytes(whole[0])
    seen, stop = [], threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.append(films[2].read_bytes() == whole[2])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        inode = dataset.folder.stat().st_ino
        assert prepare(tmp_path, export).fingerprint == dataset.fingerprint
    finally:
        stop.set()
        reader.join()
    assert dataset.folder.stat().st_ino == inode and all(seen)
    assert [film.read_bytes() for film in films] == whole and not foreign.exists()


def test_a_split_that_is_kept_has_a_test_part_or_asks_for_none(
    tmp_path: Path, export: Path
) -> None:
    with pytest.raises(DataError, match=r"no test part: test_fraction 0\.2 cannot be had"):
        prepare(tmp_path, export, test_fraction=0.2)
    other = write_export(tmp_path / "y", {"train": 4, "valid": 2, "test": 2})
    assert prepare(tmp_path / "b", other, test_fraction=0.2).manifest.count("test") == 2


def test_a_film_held_back_stays_so_whatever_copy_is_added(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 30})
    before = prepare(tmp_path / "a", folder, split="patients", test_fraction=0.3)
    held = [e for e in before.manifest.entries if e.part == "test"]
    assert len(held) > 4
    for entry in held[:4]:
        film = folder / "train" / "images" / entry.name
        for number in range(3):
            twin = film.with_name(f"a{number}{film.stem[-6:]}.jpg")
            shutil.copy(film, twin)
            shutil.copy(label_path(film), label_path(twin))
    after = prepare(tmp_path / "b", folder, split="patients", test_fraction=0.3)
    parts = {e.name: e.part for e in after.manifest.entries}
    assert {parts[e.name] for e in held} == {"test"}
    assert load_audit(after).leaks() == {}


def test_a_film_whose_labels_cannot_be_read_is_no_film_without_labels(
    tmp_path: Path, export: Path
) -> None:
    label = label_path(first_film(export))
    label.write_bytes(b"\xff\xfe\x00\x01" * 50)
    with pytest.raises(DataError, match="is no text file"):
        prepare(tmp_path, export)
    dataset = prepare(tmp_path, export, damaged="drop")
    assert dataset.manifest.count("train") == 5
    account = load_audit(dataset).account.sources[0]
    assert [(left.reason, left.files) for left in account.left_out] == [
        ("films that cannot be read, or their labels", 1)
    ]


def test_a_film_whose_labels_are_all_damaged_is_no_film_without_vertebrae(
    tmp_path: Path, export: Path
) -> None:
    label_path(first_film(export)).write_text("0 0.1 0.1\n1 nan 0.2 0.3 0.3 0.4 0.4\n")
    dataset = prepare(tmp_path, export, damaged="drop")
    audit = load_audit(dataset)
    assert dataset.manifest.count("train") == 5
    assert audit.counts() == {"film-dropped": 1}
    assert audit.account.sources[0].films_used == 8


def test_films_told_by_folders_are_shown_with_the_folders_that_tell_them(tmp_path: Path) -> None:
    sources = [{"kind": "local", "path": str(tmp_path)}]
    config = DataConfig.model_validate({"sources": sources, "patients_from": "folders"})
    films = [tmp_path / "images" / f"p{n}" / "AP.png" for n in range(3)]
    told = [whose(f"p{n}/AP", 0, (None, None), config, b"") for n in range(3)]
    account = patient_account(films, told, config)
    assert account.examples_told["p1/AP.png"] == "p1"
    assert shown_patient("p1/AP.png", "p1") == "p1"
    assert patients_text(account).startswith("3 patients; told by a folder of each patient: 3")
