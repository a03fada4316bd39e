"""Films measured: what is written, by which shape, and what is refused while the others go on."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from command import spineseg
from dicom_files import radiograph, stored
from PIL import Image

from spineseg.chosen_model import Asked
from spineseg.data.labelled import read_films
from spineseg.errors import ConfigError, DataError
from spineseg.inference.measure import measure_films, measure_labels
from spineseg.inference.measures_folder import Done, How, Step
from spineseg.measurement.aspect import read_sizes
from spineseg.phantom.export import write_films
from spineseg.phantom.film import render_film

SHAPE = 0.35
FILE = Asked(weights="bundled")


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Frontal and lateral phantoms, with their true sizes beside them."""
    folder = tmp_path_factory.mktemp("phantoms") / "made"
    return write_films(
        folder, seed=8, frontal_films=2, lateral_films=2, size_px=224, difficulty=0.2, workers=1
    )


def of_labels(folder: Path, how: How, out: str = "out") -> tuple[list[dict], Done]:
    steps: list[Step] = []
    done = measure_labels(read_films(folder, "all"), how, out=Path(out), each=steps.append)
    return [step.answer for step in steps], done


def of_films(given: list[Path], how: How, out: str = "out") -> tuple[list[dict], Done]:
    steps: list[Step] = []
    done = measure_films(
        given, FILE, how, out=Path(out), device="cpu", say=lambda text: None, each=steps.append
    )
    return [step.answer for step in steps], done


def table(out: str = "out") -> list[dict[str, str]]:
    with Path(out, "measures.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_labels_are_measured_in_their_true_shape(phantoms: tuple[Path, Path]) -> None:
    frontal, lateral = phantoms
    answers, done = of_labels(frontal, How(sizes=frontal / "sizes.csv"))
    assert done.measured == 2 and not done.errors
    sizes = read_sizes(frontal / "sizes.csv")
    for answer in answers:
        name = Path(answer["image"]).name
        assert answer["measures"]["aspect"] == pytest.approx(sizes[name])
        assert json.loads(Path("out", f"{Path(name).stem}.json").read_text()) == answer
        height, width = np.asarray(Image.open(Path("out", f"{Path(name).stem}.png"))).shape[:2]
        assert height > 2 * width  # In true shape, with a strip below.
        assert any("diagnosis" in line for line in answer["conventions"])
    rows = [row for row in table() if row["measure"] == "Cobb angle by midlines"]
    assert float(rows[0]["value"]) == answers[0]["measures"]["curves"][0]["midlines_deg"]["value"]
    necks, _ = of_labels(lateral, How(sizes=lateral / "sizes.csv", outline_error=0.002), "necks")
    assert {answer["measures"]["front"] for answer in necks} == {"left"}
    assert all(row["low_95"] for row in table("necks"))


def test_a_square_film_of_unknown_shape_is_refused_and_the_others_go_on(
    phantoms: tuple[Path, Path], tmp_path: Path
) -> None:
    film = Image.fromarray(render_film("frontal", 448, 3, 0.1).pixels)
    film.resize((440, 460)).save(tmp_path / "shaped.png")
    square = next((phantoms[0] / "images").glob("*-0001*"))
    answers, done = of_films([square, tmp_path / "shaped.png"], How())
    assert (done.measured, len(done.errors)) == (1, 1)
    assert "--aspect" in answers[0]["error"] and answers[0]["measures"] is None
    assert answers[1]["measures"]["aspect"] == pytest.approx(440 / 460)
    assert [row["note"][:12] for row in table() if not row["measure"]] == ["not measured"]
    assert not list(Path("out").glob(f"{square.stem}.png")) and "not measured 1" in done.text()
    record = json.loads(Path("out/measures.json").read_text())
    assert record["finished"] is True and len(record["errors"]) == 1


def test_a_dicom_film_has_the_shape_that_its_spacing_says(tmp_path: Path) -> None:
    grey = render_film("frontal", 448, 3, 0.1).pixels.astype(np.uint16) * 16
    film = radiograph(grey, ImagerPixelSpacing=[0.9, 0.32])
    (tmp_path / "film.dcm").write_bytes(stored(film))
    answers, _ = of_films([tmp_path / "film.dcm"], How())
    found = answers[0]["measures"]
    assert found["aspect"] == pytest.approx(0.32 / 0.9)
    # 448 px of film by a network that sees 224: a mask's cell is 8 px, and a body 2 or 3 of them.
    assert not found["curves"] and "cells of the network's masks high" in found["notes"][0]
    assert found["centreline"]["angle_deg"]["value"] > 0
    told = "".join(path.read_text() for path in Path("out").glob("*.[jc]s*"))
    assert "Secret" not in told and "4711" not in told and not list(Path("out").glob("*.dcm"))


def test_a_film_s_own_shape_and_what_is_said_of_it_must_not_differ(tmp_path: Path) -> None:
    grey = render_film("frontal", 448, 3, 0.1).pixels.astype(np.uint16) * 16
    spaced = radiograph(grey, ImagerPixelSpacing=[0.9, 0.32])
    (tmp_path / "spaced.dcm").write_bytes(stored(spaced))
    (tmp_path / "ratio.dcm").write_bytes(stored(radiograph(grey, PixelAspectRatio=["9", "3"])))
    scanned = radiograph(grey, NominalScannedPixelSpacing=[0.9, 0.3])
    (tmp_path / "scanned.dcm").write_bytes(stored(scanned))
    files = [tmp_path / f"{name}.dcm" for name in ("spaced", "ratio", "scanned")]
    answers, _ = of_films(files, How())
    shapes = [answer["measures"]["aspect"] for answer in answers]
    assert shapes == pytest.approx([0.32 / 0.9, 1 / 3, 1 / 3])
    refused, _ = of_films(files[:1], How(aspect=1.0), "refused")
    assert "by its own spacing" in refused[0]["error"]


def test_a_header_that_makes_no_object_is_told_without_its_values(tmp_path: Path) -> None:
    grey = render_film("frontal", 448, 3, 0.1).pixels.astype(np.uint16) * 16
    film = radiograph(
        grey, SeriesInstanceUID="1.2.826.0.1.3680043.8.498.2", ImagerPixelSpacing=[0.9, 0.32]
    )
    film.add_new("PatientBirthDate", "DA", "19700000")
    (tmp_path / "odd.dcm").write_bytes(stored(film))
    answers, done = of_films([tmp_path / "odd.dcm"], How(dicom=True))
    assert len(done.errors) == 1 and "1970" not in answers[0]["error"]
    assert "leave --dicom out" in answers[0]["error"] and not list(Path("out").glob("*.dcm"))


def test_dicom_objects_are_written_of_dicom_films_alone(
    tmp_path: Path, phantoms: tuple[Path, Path]
) -> None:
    grey = render_film("frontal", 448, 3, 0.1).pixels.astype(np.uint16) * 16
    spacing = {"ImagerPixelSpacing": [0.9, 0.32]}
    film = radiograph(grey, SeriesInstanceUID="1.2.826.0.1.3680043.8.498.2", **spacing)
    (tmp_path / "film.dcm").write_bytes(stored(film))
    nameless = radiograph(grey, **spacing)
    (tmp_path / "nameless.dcm").write_bytes(stored(nameless))
    picture = next((phantoms[0] / "images").glob("*-0001*"))
    given = [tmp_path / "film.dcm", tmp_path / "nameless.dcm", picture]
    answers, done = of_films(given, How(dicom=True, aspect=SHAPE))
    assert done.measured == 1 and "lacks SeriesInstanceUID" in answers[1]["error"]
    assert answers[2]["error"] and "vertebrae" not in answers[2]
    made = sorted(path.name for path in Path("out").glob("*.dcm"))
    assert made == ["film.seg.dcm", "film.sr.dcm"]
    seg = pydicom.dcmread("out/film.seg.dcm")
    assert seg.PatientID == "ID-4711" and len(seg.SegmentSequence) >= 4


def test_metal_on_the_column_is_refused_unless_it_is_asked_for(
    phantoms: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "operated"
    shutil.copytree(phantoms[0], folder)
    path = min((folder / "images").iterdir())
    film = np.asarray(Image.open(path)).copy()
    (labelled,) = [f for f in read_films(folder, "all") if f.path == path]
    for outline in labelled.outlines[5:11]:
        x, y = (outline.points.mean(0) * film.shape[0]).astype(int)
        film[y - 8 : y + 8, x - 3 : x + 3] = 255
    Image.fromarray(film).save(path, quality=95)
    answers, done = of_labels(folder, How(aspect=SHAPE))
    assert (done.measured, len(done.errors)) == (1, 1) and "--metal" in done.errors[0]
    again, done = of_labels(folder, How(aspect=SHAPE, metal=True), "again")
    assert done.measured == 2 and again[1]["measures"] == answers[1]["measures"]


def test_measures_are_never_taken_for_films_nor_mixed_with_others(
    phantoms: tuple[Path, Path],
) -> None:
    frontal = phantoms[0]
    of_labels(frontal, How(aspect=SHAPE))
    again, _ = of_labels(frontal, How(aspect=SHAPE))  # The same call goes on in its folder.
    assert len(again) == 2
    with pytest.raises(ConfigError, match="holds measures made with another aspect"):
        of_labels(frontal, How(aspect=0.5))
    with pytest.raises(DataError, match="no film there"):
        of_films([Path("out")], How())


@pytest.mark.parametrize("error", [0.0, -1.0, 0.2, float("nan")])
def test_an_outline_error_that_is_none_is_refused(error: float) -> None:
    with pytest.raises(ConfigError, match="--outline-error"):
        measure_labels([], How(outline_error=error))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name films, or a folder of labels"),
        (("film.png", "--labels", "x"), "one of the two"),
        (("film.png", "--aspect", "wide"), "true width over its height"),
        (("--labels", "x", "--aspect", "1", "--sizes", "s.csv"), "both given"),
        (("--labels", "nowhere", "--aspect", "1"), "nowhere"),
        (("--labels", "x", "--weights", "bundled"), "uses no network"),
    ],
)
def test_what_contradicts_itself_is_refused_in_a_line(
    words: tuple[str, ...], told: str, tmp_path: Path, phantoms: tuple[Path, Path]
) -> None:
    (tmp_path / "x").symlink_to(phantoms[0])
    done = spineseg("measure", *words, cwd=tmp_path)
    assert done.returncode == 2 and told in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and not (tmp_path / "measures").exists()


def test_the_command_tells_each_film_and_ends_with_one_where_some_were_refused(
    phantoms: tuple[Path, Path], tmp_path: Path
) -> None:
    sizes = tmp_path / "sizes.csv"
    lines = (phantoms[0] / "sizes.csv").read_text().splitlines()
    sizes.write_text("\n".join(lines[:-1]))
    (tmp_path / "films").symlink_to(phantoms[0])
    done = spineseg("measure", "--labels", "films", "--sizes", "sizes.csv", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Cobb angle by midlines" in done.stdout and "1 of 2 films measured" in done.stdout
    as_json = spineseg(
        "measure", "--labels", "films", "--sizes", "sizes.csv", "--json", cwd=tmp_path
    )
    answers = json.loads(as_json.stdout)
    assert [bool(answer["error"]) for answer in answers] == [False, True]
