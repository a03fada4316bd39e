"""A phantom among the sources: drawn once, without parts; the merge alone splits it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from spineseg.config.data import DataConfig, PhantomSource
from spineseg.config.yaml_files import load_data
from spineseg.data.audit import load_audit
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.data.patients import Patient, Whose
from spineseg.data.split import assign_parts, divided
from spineseg.errors import DataError
from spineseg.films import PARTS

ROOT = Path(__file__).resolve().parents[2]
PHANTOM = {"kind": "phantom", "seed": 3, "frontal_films": 12, "lateral_films": 8}


def prepared(cache: Path, **settings: object) -> Dataset:
    config = {"sources": [PHANTOM | {"film_size_px": 64}], "test_fraction": 0.2, **settings}
    return prepare_dataset(DataConfig.model_validate(config), cache, say=lambda text: None)


def drawn(cache: Path) -> dict[str, tuple[int, int]]:
    """Return each drawn file's inode and time."""
    files = [path for path in cache.glob("phantom-*/**/*") if path.is_file()]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def test_another_split_redraws_no_film(tmp_path: Path) -> None:
    first = prepared(tmp_path)
    before = drawn(tmp_path)
    of_a_view = ("data.yaml", "README.dataset.txt", "sizes.csv", "corners.csv")
    assert len(before) == 2 * (12 + 8) + 2 * len(of_a_view)  # Films and labels, and these.
    second = prepared(tmp_path, valid_fraction=0.4, test_fraction=0.3, split_seed=5)
    assert drawn(tmp_path) == before
    assert second.fingerprint != first.fingerprint
    names = [{entry.name for entry in one.manifest.entries} for one in (first, second)]
    assert names[0] == names[1]


def test_its_parts_are_those_of_the_merge_alone(tmp_path: Path) -> None:
    dataset = prepared(tmp_path, valid_fraction=0.3)
    config = DataConfig.model_validate(
        {"sources": [PHANTOM], "valid_fraction": 0.3, "test_fraction": 0.2}
    )
    patients = [Patient(entry.source, entry.patient) for entry in dataset.manifest.entries]
    alone = {patient: patient for patient in patients}
    parts = assign_parts({patient: patient.name for patient in patients}, alone, config)
    assert [parts[patient] for patient in patients] == [e.part for e in dataset.manifest.entries]
    assert not [path for path in tmp_path.glob("phantom-*/*/*") if path.name == "train"]
    assert load_audit(dataset).leaks() == {}


def test_the_default_studys_films_lie_in_the_parts_of_its_published_table() -> None:
    config = load_data(ROOT / "configs" / "data" / "phantom.yaml")
    (source,) = config.sources
    assert isinstance(source, PhantomSource)
    names = [(0, f"phantom-frontal-{number:04d}") for number in range(source.frontal_films)]
    names += [(1, f"phantom-lateral-{number:04d}") for number in range(source.lateral_films)]
    films = [Whose(Patient(*name), name[1], told=False) for name in names]
    _, parts = divided(films, [None] * len(films), [], config)
    assert [parts.count(part) for part in PARTS] == [70, 23, 23]
    valid = [name[8:] for (_, name), part in zip(names, parts, strict=True) if part == "valid"]
    assert valid[:3] == ["frontal-0002", "frontal-0007", "frontal-0010"]
    assert valid[-2:] == ["lateral-0035", "lateral-0040"]


def test_a_phantom_has_no_split_of_its_own_to_keep() -> None:
    with pytest.raises(ValidationError, match=r"split 'keep'.*without any; set split: patients"):
        DataConfig.model_validate({"sources": [PHANTOM], "split": "keep"})


def test_too_few_films_for_the_split_are_one_line(tmp_path: Path) -> None:
    few = PHANTOM | {"frontal_films": 3, "lateral_films": 3, "film_size_px": 64}
    with pytest.raises(DataError, match="too few to set valid") as caught:
        prepared(tmp_path, sources=[few], valid_fraction=0.01)
    assert "\n" not in str(caught.value) and "data.valid_fraction" in str(caught.value)
