"""Films of one name in several folders: all taken, told apart, and moved by nothing."""

import shutil
from pathlib import Path

from exports import write_export
from merged_data import prepare

from spineseg.data.audit import load_audit
from spineseg.levels import CERVICAL


def in_folders(folder: Path, stems: dict[str, list[str]]) -> Path:
    """Write films, each another picture, into images/FOLDER/STEM and their labels."""
    seed = 0
    for inner, names in stems.items():
        for name in names:
            seed += 1
            made = write_export(folder / f"made-{inner}-{name}", {"train": 1}, seed=seed) / "train"
            for kind in ("images", "labels"):
                (file,) = (made / kind).iterdir()
                target = folder / kind / inner
                target.mkdir(parents=True, exist_ok=True)
                file.rename(target / f"{name}{file.suffix}")
            shutil.rmtree(made.parent)
    (folder / "classes.txt").write_text("\n".join(CERVICAL))
    return folder


def test_films_of_one_name_in_several_folders_are_all_taken(tmp_path: Path) -> None:
    folder = in_folders(tmp_path / "x", {f"p{number}": ["1"] for number in range(6)})
    dataset = prepare(tmp_path, folder, split="patients", valid_fraction=0.4)
    assert len(dataset.manifest.entries) == 6
    assert len({entry.patient for entry in dataset.manifest.entries}) == 6


def test_a_pattern_finds_patients_in_names_that_several_folders_share(tmp_path: Path) -> None:
    names = [f"P{number:02d}_1" for number in range(8)]
    folder = in_folders(tmp_path / "x", {"ap": names, "lat": names})
    dataset = prepare(tmp_path, folder, split="patients", patient_pattern=r"^(P\d+)_")
    sides: dict[str, set[str]] = {}
    for entry in dataset.manifest.entries:
        sides.setdefault(entry.patient, set()).add(entry.part)
    assert len(sides) == 8 and all(len(parts) == 1 for parts in sides.values())
    assert load_audit(dataset).account.patients.films_alone == 0


def test_films_of_the_same_names_in_another_folder_move_nobody(tmp_path: Path) -> None:
    names = [f"film{number:02d}" for number in range(12)]
    shares = {"split": "patients", "valid_fraction": 0.3, "test_fraction": 0.2}
    one = prepare(tmp_path / "a", in_folders(tmp_path / "x", {"a": names}), **shares)
    both = in_folders(tmp_path / "y", {"a": names, "b": names})
    two = prepare(tmp_path / "b", both, **shares)
    parts = {entry.film_sha256: entry.part for entry in two.manifest.entries}
    for entry in one.manifest.entries:
        assert parts[entry.film_sha256] == entry.part
