"""Films of every kind are taken in as they are seen; what was done to them is on record."""

import io
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from dicom_files import radiograph, stored
from exports import write_export
from merged_data import prepare
from PIL import Image
from ultralytics.utils.patches import imread

from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_films
from spineseg.data.manifest import Dataset, ManifestEntry, fingerprint_of
from spineseg.data.patients import kept_salt
from spineseg.decoding.decode import read_film
from spineseg.errors import DataError
from spineseg.films import Spacing
from spineseg.phantom.export import write_films


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a flat folder of eight phantom films."""
    return write_films(
        tmp_path_factory.mktemp("phantom") / "x", seed=3, frontal_films=8, lateral_films=3,
        size_px=128, difficulty=0.5,
    )[0]  # fmt: skip


def merged(tmp_path: Path, folder: Path, **settings: object) -> Dataset:
    return prepare(tmp_path, folder, split="patients", valid_fraction=0.4, **settings)


def rewritten(folder: Path, target: Path, change: dict[int, tuple[str, bytes]]) -> Path:
    """Copy a folder, some of its films, by number, given another suffix and content."""
    copy = Path(shutil.copytree(folder, target))
    for number, path in enumerate(sorted((copy / "images").iterdir())):
        if number in change:
            suffix, content = change[number]
            path.unlink()
            path.with_suffix(suffix).write_bytes(content)
    return copy


def pixels(folder: Path, number: int) -> np.ndarray:
    return read_film(sorted((folder / "images").iterdir())[number])[..., 0]


def png(values: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, format="PNG", **options)
    return out.getvalue()


def jpeg(values: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, format="JPEG", quality=95, **options)
    return out.getvalue()


def entry(dataset: Dataset, number: int) -> ManifestEntry:
    names = sorted(dataset.manifest.entries, key=lambda e: e.name)
    return names[number]


def path_of(dataset: Dataset, one: ManifestEntry) -> Path:
    return dataset.folder / one.part / "images" / one.name


def test_the_trainer_sees_the_pixels_of_the_pages_whatever_the_file(
    tmp_path: Path, films: Path
) -> None:
    film = [pixels(films, number) for number in range(8)]
    kinds = {
        0: (".png", png(film[0].astype(np.uint16) * 16 + 30)),
        1: (".tif", cv2.imencode(".tif", film[1].astype(np.float32) / 255)[1].tobytes()),
        2: (".dcm", stored(radiograph(film[2].astype(np.uint16) * 16, PixelSpacing=[0.2, 0.3]))),
        3: (".jpg", jpeg(film[3]) + b"bytes after its end"),
        4: (".webp", cv2.imencode(".webp", film[4])[1].tobytes()),
        5: (".bmp", cv2.imencode(".bmp", film[5])[1].tobytes()),
    }
    dataset = merged(tmp_path, rewritten(films, tmp_path / "x", kinds))
    seen = [path_of(dataset, entry(dataset, number)) for number in range(8)]
    for number, path in enumerate(seen):
        trainers = np.broadcast_to(imread(path)[..., ::-1], (128, 128, 3))
        assert (trainers == read_film(path)).all()
        assert np.corrcoef(trainers[..., 0].ravel(), film[number].ravel())[0, 1] > 0.99
    done = [entry(dataset, number).conversion for number in range(8)]
    assert done[:4] == [
        "16-bit values by their range", "32-bit values by their range", "DICOM by its range",
        "bytes after its end left off",
    ]  # fmt: skip
    assert done[6:] == [None, None]
    account = load_audit(dataset).account.sources[0]
    assert sum(account.converted.values()) == 6 and account.films_used == 8
    assert entry(dataset, 2).spacing == Spacing(0.2, 0.3, "of unknown plane")


def test_what_training_reads_may_not_be_written(tmp_path: Path, films: Path) -> None:
    dataset = merged(tmp_path, films, augmentation="original")
    for kind in ("images", "labels"):
        files = list((dataset.folder / "train" / kind).iterdir())
        assert files and all(file.stat().st_mode & 0o222 == 0 for file in files)


def test_training_changes_no_film_even_of_a_jpeg_with_more_after_its_end(
    tmp_path: Path, films: Path
) -> None:
    from ultralytics.data.utils import verify_image_label

    change = {0: (".jpg", jpeg(pixels(films, 0)) + b"more")}
    dataset = merged(tmp_path, rewritten(films, tmp_path / "x", change))
    one = path_of(dataset, entry(dataset, 0))
    before = one.read_bytes()
    label = one.parent.parent / "labels" / f"{one.stem}.txt"
    verify_image_label((str(one), str(label), "", False, 24, 0, 0, False))
    assert one.read_bytes() == before


def test_deep_inverted_and_turned_copies_give_the_decisions_of_their_originals(
    tmp_path: Path, films: Path
) -> None:
    def findings(folder: Path) -> set[tuple[str, ...]]:
        dataset = merged(tmp_path / folder.name, folder)
        return {
            tuple(Path(name).stem for name in finding.films)
            for finding in load_audit(dataset).findings
            if finding.kind in {"near-duplicates", "alike-in-one-part"}
        }

    plain = findings(films)
    film = [pixels(films, number) for number in range(8)]
    deep = {n: (".png", png(f.astype(np.uint16) * 257)) for n, f in enumerate(film)}
    twelve = {n: (".png", png(f.astype(np.uint16) * 16 + 300)) for n, f in enumerate(film)}
    inverted = {n: (".png", png(255 - f)) for n, f in enumerate(film)}
    for number, change in enumerate((deep, twelve, inverted)):
        assert findings(rewritten(films, tmp_path / f"copy{number}", change)) == plain


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_labels_lie_on_a_film_that_exif_turns(
    tmp_path: Path, films: Path, orientation: int
) -> None:
    """The labels are those of the film as it is seen; its file holds it turned."""
    back = {3: 2, 6: 1, 8: 3}[orientation]  # Quarters counterclockwise.
    tags = Image.Exif()
    tags[274] = orientation
    turned = {
        n: (".jpg", jpeg(np.ascontiguousarray(np.rot90(pixels(films, n), back)), exif=tags))
        for n in range(8)
    }
    folder = rewritten(films, tmp_path / "x", turned)
    for augmentation in ("none", "original"):
        plain = merged(tmp_path / "p", films, augmentation=augmentation)
        dataset = merged(tmp_path / "t", folder, augmentation=augmentation)
        for part in ("train", "valid"):
            one, two = (read_films(d.folder, part) for d in (plain, dataset))
            assert len(one) == len(two)
            for film, other in zip(one, two, strict=True):
                if "augmented" in film.path.name:
                    continue  # Drawn anew, by its bytes.
                apart = read_film(film.path).astype(int) - read_film(other.path)
                assert np.abs(apart).mean() < 4
                assert [o.level for o in film.outlines] == [o.level for o in other.outlines]
    for film in read_films(dataset.folder, "train"):  # Bodies are brighter than what is beside.
        grey = read_film(film.path)[..., 0].astype(np.float32)
        height, width = grey.shape
        inside = np.zeros((height, width), np.uint8)
        for outline in film.outlines:
            points = np.round(outline.points * [width, height]).astype(np.int32)
            cv2.fillPoly(inside, [points], 1)
        around = cv2.dilate(inside, np.ones((15, 15), np.uint8)) - inside
        assert grey[inside == 1].mean() > grey[around == 1].mean()


def dicom_folder(tmp_path: Path, patients: list[str | None]) -> Path:
    folder = write_export(tmp_path / "x", {"train": len(patients)})
    images = folder / "train" / "images"
    for number, path in enumerate(sorted(images.iterdir())):
        film = radiograph(read_film(path)[..., 0].astype(np.uint16) * 16)
        film.PatientID = patients[number]
        film.StudyInstanceUID = f"1.2.826.{number // 2}"
        path.with_suffix(".dcm").write_bytes(stored(film))
        path.unlink()
    return folder


def test_dicom_tells_whose_a_film_is_and_nobody_is_named(tmp_path: Path) -> None:
    patients = [f"MRN-{number // 3}-secret" for number in range(24)]
    folder = dicom_folder(tmp_path, patients)
    dataset = merged(tmp_path, folder, patients_from="dicom-patient")
    parts: dict[str, set[str]] = {}
    for one, patient in zip(
        sorted(dataset.manifest.entries, key=lambda e: e.name), patients, strict=True
    ):
        parts.setdefault(patient, set()).add(one.part)
        assert one.patient.startswith("p-")
    assert len(parts) == 8 and all(len(found) == 1 for found in parts.values())
    account = load_audit(dataset).account.patients
    assert account.patients == 8 and account.films_told == 24
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix != ".dcm":
            assert b"secret" not in path.read_bytes() and b"Secret" not in path.read_bytes()


def test_pseudonyms_are_salted_and_parts_are_not(tmp_path: Path) -> None:
    folder = dicom_folder(tmp_path, [f"MRN-{number}" for number in range(12)])
    one = merged(tmp_path / "a", folder, patients_from="dicom-patient").manifest.entries
    two = merged(tmp_path / "b", folder, patients_from="dicom-patient").manifest.entries
    assert [(e.name, e.part) for e in one] == [(e.name, e.part) for e in two]
    assert not {e.patient for e in one} & {e.patient for e in two}
    assert fingerprint_of(one, "none") == fingerprint_of(two, "none")
    salt = tmp_path / "a" / "cache" / "patients.salt"
    assert salt.stat().st_mode & 0o077 == 0


def test_the_study_may_stand_for_the_patient(tmp_path: Path) -> None:
    folder = dicom_folder(tmp_path, [None] * 12)
    dataset = merged(tmp_path, folder, patients_from="dicom-study")
    assert len({e.patient for e in dataset.manifest.entries}) == 6
    with pytest.raises(DataError, match=r"none of the 12 films.*has a DICOM PatientID"):
        merged(
            tmp_path / "b",
            folder,
            patients_from="dicom-patient",
        )


def test_a_converted_film_is_the_same_data_whatever_its_compression(
    tmp_path: Path, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = {0: (".png", png(pixels(films, 0).astype(np.uint16) * 16))}
    folder = rewritten(films, tmp_path / "x", deep)
    one = merged(tmp_path / "a", folder)
    monkeypatch.setattr("spineseg.data.intake.as_png", lambda film: png(np.asarray(film)))
    two = merged(tmp_path / "b", folder)
    assert one.fingerprint == two.fingerprint
    assert entry(one, 0).film_sha256 != entry(two, 0).film_sha256


def test_an_empty_salt_is_refused_and_none_is_left_by_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spineseg.data.patients.secrets.token_hex", full)
    with pytest.raises(OSError, match="No space"):
        kept_salt(cache)
    assert list(cache.iterdir()) == []
    monkeypatch.undo()
    salt = kept_salt(cache)
    assert len(salt) == 64 and kept_salt(cache) == salt
    (cache / "patients.salt").write_bytes(b"")
    with pytest.raises(DataError, match="is no salt of 32 bytes"):
        kept_salt(cache)
