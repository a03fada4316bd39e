"""Films predicted: what is written for them, by which weights, and what is refused or told."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from dicom_files import radiograph, stored
from PIL import Image
from registry_cases import weights_of

from spineseg.chosen_model import Asked
from spineseg.errors import ConfigError, DataError, WeightsError
from spineseg.files import sha256_of
from spineseg.inference.evaluate import evaluate_films
from spineseg.inference.outcome import Predicted, Step
from spineseg.inference.predict import predict_films
from spineseg.levels import place
from spineseg.tracking.store import TrackingStore
from spineseg.training.weights import bundled_weights

FILE = Asked(weights="bundled")
CAUTION = "Not a medical device: for research, not for the care of any person."


def predicted(
    given: list[Path], asked: Asked = FILE, out: str = "out", **more: object
) -> tuple[list[dict], Predicted]:
    answers: list[dict] = []

    def take(step: Step) -> None:
        answers.append(step.answer)

    done = predict_films(
        given, asked, out=Path(out), device="cpu", say=lambda text: None, each=take, **more
    )
    return answers, done


def image(films: Path, number: int = 0) -> Path:
    return films / "valid" / "images" / f"film-{number}.png"


def table(out: str = "out") -> list[dict[str, str]]:
    with Path(out, "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_dicom_film_is_outlined_as_its_picture_and_names_nobody(
    films: Path, tmp_path: Path
) -> None:
    grey = np.asarray(Image.open(image(films)).convert("L"))
    grey = (grey - grey.min()) * (255.0 / np.ptp(grey))  # As its range will be stretched.
    plain = tmp_path / "plain.png"
    Image.fromarray(np.rint(grey).astype(np.uint8)).save(plain)
    film = radiograph((np.rint(grey) * 16).astype(np.uint16))
    (tmp_path / "film.dcm").write_bytes(stored(film))
    (tmp_path / "IM0001").write_bytes(stored(film))
    answers, done = predicted([plain, tmp_path / "film.dcm", tmp_path / "IM0001"])
    wanted, *others = [answer["vertebrae"] for answer in answers]
    assert len(wanted) > 10 and others == [wanted, wanted] and done.same == 2
    told = done.text() + "".join(p.read_text() for p in Path("out").glob("*.[jhc]*"))
    assert "Secret" not in told and "4711" not in told


def test_each_film_gets_an_overlay_and_a_json_that_says_what_made_them(films: Path) -> None:
    answers, done = predicted([image(films, 0), image(films, 1)])
    for number, answer in enumerate(answers):
        assert json.loads(Path(f"out/film-{number}.json").read_text()) == answer
        assert len(answer["vertebrae"]) > 10
        weights = answer["weights"]
        assert weights["sha256"] == sha256_of(bundled_weights())
        assert weights["label"] == "bundled weights" and weights["synthetic"] is True
        assert (weights["numbering"], weights["image_size_px"]) == ("sequence", 224)
        assert answer["confidence_threshold"] == 0.25 and answer["software"].startswith("0.")
        assert answer["film_sha256"] == sha256_of(image(films, number))
        assert answer["film_bytes"] == image(films, number).stat().st_size
        assert answer["caution"] == f"SYNTHETIC: trained on synthetic X-rays only. {CAUTION}"
        for vertebra in answer["vertebrae"]:
            left, top, right, bottom = vertebra["box"]
            (x, y), area = vertebra["centroid"], vertebra["area_px"]
            assert left < x < right and top < y < bottom
            assert 0 < area <= (right - left + 1) * (bottom - top + 1)
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "film-0.json", "film-0.png", "film-1.json", "film-1.png",
        "index.html", "predictions.csv", "predictions.json", "thumbnails",
    ]  # fmt: skip
    assert (done.films, done.done, done.without, done.errors) == (2, 2, 0, [])


def test_the_overlay_has_a_strip_below_the_film_and_covers_nothing_of_it(films: Path) -> None:
    predicted([image(films)], confidence=1.0)  # Nothing is that certain: the film as it is.
    with Image.open("out/film-0.png") as overlay, Image.open(image(films)) as film:
        drawn, plain = np.asarray(overlay), np.asarray(film.convert("RGB").resize((640, 640)))
    assert drawn.shape[1] == 640 and drawn.shape[0] > 640
    assert np.abs(drawn[:640].astype(int) - plain).mean() < 2
    strip = drawn[640:].reshape(-1, 3)
    assert {(255, 196, 84), (226, 231, 236)} <= {tuple(p) for p in strip.tolist()}
    assert table()[0]["note"] == "no vertebra found"


@pytest.mark.wide
def test_the_table_has_a_row_a_vertebra_from_head_to_pelvis_with_millimetres_where_known(
    films: Path, tmp_path: Path
) -> None:
    grey = (np.asarray(Image.open(image(films)).convert("L")).astype(np.uint16)) * 16
    film = radiograph(grey, PixelSpacing=[0.2, 0.1], PixelSpacingCalibrationType="FIDUCIAL")
    (tmp_path / "=film.dcm").write_bytes(stored(film))
    (answer, *_), _ = predicted([Path("=film.dcm"), image(films, 1)])
    rows = [row for row in table() if row["film"] == "./=film.dcm"]
    assert [r["level"] for r in rows] == sorted(
        (v["level"] for v in answer["vertebrae"]), key=place
    )
    for row in rows:
        found = next(v for v in answer["vertebrae"] if v["level"] == row["level"])
        assert float(row["area_px"]) == found["area_px"] and row["trained_on"]
        assert float(row["area_mm2"]) == pytest.approx(found["area_px"] * 0.02, abs=0.01)
        assert float(row["centroid_y_mm"]) == pytest.approx(found["centroid"][1] * 0.2, abs=0.01)
        assert row["spacing"] == "calibrated" and CAUTION in row["caution"]
    others = [row for row in table() if row["film"] != "./=film.dcm"]
    assert others and all(row["area_mm2"] == row["spacing"] == "" for row in others)


def test_one_damaged_film_of_a_folder_is_told_and_the_others_go_on(
    films: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cut.png").write_bytes(image(films).read_bytes()[:5000])
    (tmp_path / "in" / "film.png").write_bytes(image(films).read_bytes())
    (tmp_path / "in" / "notes.txt").write_text("no film")
    answers, done = predicted([Path("in")])
    assert len(done.errors) == 1 and "in/cut.png: is no image that can be read to" in done.errors[0]
    assert len(answers[1]["vertebrae"]) > 10 and answers[0]["vertebrae"] == []
    assert json.loads(Path("out/cut.json").read_text())["error"] == done.errors[0]
    assert not Path("out/cut.png").exists()
    assert table()[0]["note"].startswith("not predicted: is no image")
    page = Path("out/index.html").read_text()
    assert "not predicted: is no image" in page and "in/notes.txt" in page
    record = json.loads(Path("out/predictions.json").read_text())
    assert record["errors"] == done.errors and record["finished"]
    assert record["skipped"] == [["in/notes.txt", "no film (.txt)"]]


@pytest.mark.wide
def test_a_film_under_two_names_is_predicted_twice_and_told_and_none_overwrites_another(
    films: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "film.png").write_bytes(image(films).read_bytes())
    (tmp_path / "in" / "film-1.png").write_bytes(image(films, 1).read_bytes())
    answers, done = predicted([Path("in"), Path("in/a/film.png")])
    assert done.films == 3 and done.skipped.named_twice == 1 and done.same == 1
    assert [answer["image"] for answer in answers] == [
        "in/a/film.png", "in/b/film.png", "in/film-1.png",
    ]  # fmt: skip
    assert answers[1]["same_picture_as"] == "in/a/film.png"
    assert [answers[n]["same_picture_as"] for n in (0, 2)] == [None, None]
    names = json.loads(Path("out/predictions.json").read_text())["films"]
    assert len({*names}) == 3 and all(Path("out", f"{name}.png").is_file() for name in names)
    for name, film in names.items():
        assert json.loads(Path("out", f"{name}.json").read_text())["image"] == film
    twins = [row["note"] for row in table() if row["film"] == "in/b/film.png"]
    assert twins and set(twins) == {"same picture as in/a/film.png"}
    assert "same picture as in/a/film.png" in Path("out/index.html").read_text()


@pytest.mark.wide
def test_a_call_that_was_stopped_goes_on_where_it_was(films: Path) -> None:
    class Stop(Exception):
        pass

    def stop(step: Step) -> None:
        raise Stop

    folder = films / "valid" / "images"
    quiet = {"device": "cpu", "say": lambda text: None, "out": Path("out")}
    with pytest.raises(Stop):
        predict_films([folder], FILE, each=stop, **quiet)
    record = json.loads(Path("out/predictions.json").read_text())
    assert record["finished"] is None and len(record["films"]) == 3
    assert "2 not done" in Path("out/index.html").read_text()
    first = Path("out/film-0.png").stat().st_mtime_ns
    Path("out/film-1.json").write_text("{ torn")
    answers, done = predicted([folder])
    assert (done.done, done.kept) == (3, 1) and "1 as predicted before" in done.text()
    assert Path("out/film-0.png").stat().st_mtime_ns == first
    fresh, _ = predicted([folder], out="fresh")
    assert [a["vertebrae"] for a in answers] == [a["vertebrae"] for a in fresh]
    assert table() == table("fresh")


@pytest.mark.wide
def test_nothing_is_mixed_with_what_lies_there(films: Path, tmp_path: Path) -> None:
    predicted([image(films)])
    before = {path: path.read_bytes() for path in Path("out").glob("*.*")}
    for given, asked, said in (
        ([image(films, 1)], FILE, "holds predictions of 1 other film, as "),
        ([image(films)], Asked(weights="bundled", numbering="argmax"), "with another numbering"),
    ):
        with pytest.raises(ConfigError, match=said) as caught:
            predicted(given, asked)
        assert "name another folder" in str(caught.value)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "film.png").write_bytes(image(films).read_bytes())
    with pytest.raises(ConfigError, match="is not empty and holds no predictions"):
        predicted([mine / "film.png"], out="mine")  # Its overlay would have taken its place.
    assert {path: path.read_bytes() for path in before} == before
    assert (mine / "film.png").read_bytes() == image(films).read_bytes()


def test_nothing_is_written_where_a_named_film_or_the_weights_cannot_be_used(
    films: Path, tmp_path: Path
) -> None:
    text = weights_of(tmp_path, b"text")
    cut = tmp_path / "cut.png"
    cut.write_bytes(image(films).read_bytes()[:5000])
    for given, asked, kind, said in (
        ([image(films), text], FILE, DataError, "no image that can be read"),
        ([image(films), cut], FILE, DataError, "cannot|can be read to its end"),
        ([image(films)], Asked(weights=text), WeightsError, "no Ultralytics checkpoint"),
    ):
        with pytest.raises(kind, match=said):
            predicted(given, asked)
    with pytest.raises(ConfigError, match="not on this machine"):
        predict_films([image(films)], FILE, out=Path("out"), device="9")
    assert not Path("out").exists()


def test_the_champion_predicts_what_its_file_does(films: Path, store: TrackingStore) -> None:
    asked = Asked(store=str(store.root), numbering="argmax")
    (champion,), _ = predicted([image(films)], asked)
    (file,), _ = predicted([image(films)], Asked(weights="bundled", numbering="argmax"), "other")
    assert champion["vertebrae"] == file["vertebrae"]
    assert champion["weights"]["label"] == "spine-vertebrae version 1"
    assert champion["weights"]["model"] == "spine-vertebrae"


@pytest.mark.parametrize("way", [pytest.param("champion", marks=pytest.mark.wide), "bundled"])
def test_evaluation_gives_each_film_the_levels_that_prediction_does(
    films: Path, store: TrackingStore, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(store=str(store.root)) if way == "champion" else FILE
    records: list = []
    from spineseg.evaluation import evaluate

    whole = evaluate.evaluated_records

    def listening(found: object, numbering: object) -> object:
        done = whole(found, numbering)
        records.extend(done.records["sequence"])
        return done

    monkeypatch.setattr(evaluate, "evaluated_records", listening)
    _, chosen = evaluate_films(asked, films, part="valid", device="cpu")
    answers, _ = predicted([films / "valid" / "images"], asked)
    assert answers[0]["weights"] == chosen.as_json()
    for answer, record in zip(answers, records, strict=True):
        met = {record.found[i].level for i in record.counted if record.met[i] >= 0}
        assert met and met <= {vertebra["level"] for vertebra in answer["vertebrae"]}
        surest = [(f.level, round(f.confidence, 4)) for f in record.found if f.confidence >= 0.25]
        shown = [(v["level"], v["confidence"]) for v in answer["vertebrae"]]
        assert shown == [pair for pair in surest if pair in shown] and len(shown) >= len(met)
