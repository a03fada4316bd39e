"""Prediction and evaluation of files: what is written, by which weights, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dicom_files import radiograph, stored
from PIL import Image
from registry_cases import LEARNT, fresh_store, register_file, weights_of

from spineseg.chosen_model import Asked
from spineseg.data.manifest import MANIFEST_FILE
from spineseg.errors import ConfigError, DataError, WeightsError
from spineseg.evaluation.evaluate import evaluate_weights
from spineseg.evaluation.result import Evaluation
from spineseg.files import sha256_of
from spineseg.films import LabelledFilm, Outline
from spineseg.inference import evaluate_films, evaluation_json, evaluation_text, predict_images
from spineseg.levels import CLASS_INDEX, CLASS_NAMES
from spineseg.metrics import PRECISIONS, RATES
from spineseg.phantom.film import render_film
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.tracking.store import TrackingStore
from spineseg.training.weights import bundled_weights

FILE = Asked(weights=bundled_weights())


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with three phantoms."""
    folder = tmp_path_factory.mktemp("films")
    for kind in ("images", "labels"):
        (folder / "valid" / kind).mkdir(parents=True)
    for number in range(3):
        film = render_film("frontal", 224, number)
        Image.fromarray(film.pixels).save(folder / "valid" / "images" / f"film-{number}.png")
        rows = [
            f"{CLASS_INDEX[level]} " + " ".join(f"{v:.6f}" for v in np.ravel(points).clip(0, 1))
            for level, points in film.outlines.items()
        ]
        (folder / "valid" / "labels" / f"film-{number}.txt").write_text("\n".join(rows))
    (folder / "data.yaml").write_text(f"names: {json.dumps(CLASS_NAMES)}\nval: valid/images\n")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> TrackingStore:
    """A store whose champion is the bundled network, with made-up knowledge of columns."""
    store = fresh_store(tmp_path_factory.mktemp("stored") / "mlruns", empty_stores)
    register_file(store, bundled_weights(), image_size_px=224)
    return store


@pytest.fixture(autouse=True)
def nothing_falls_into_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def predicted(images: list[Path], asked: Asked = FILE) -> tuple[list[dict], list[str]]:
    said: list[str] = []
    answers = predict_images(
        images, asked, out=Path("out"), confidence=0.25, device="cpu", say=said.append
    )
    return answers, said


def image(films: Path, number: int = 0) -> Path:
    return films / "valid" / "images" / f"film-{number}.png"


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
    answers, said = predicted([plain, tmp_path / "film.dcm", tmp_path / "IM0001"])
    wanted, *others = [answer["vertebrae"] for answer in answers]
    assert len(wanted) > 10 and others == [wanted, wanted]
    told = "".join(said) + "".join(file.read_text() for file in Path("out").glob("*.json"))
    assert "Secret" not in told and "4711" not in told


def test_each_film_gets_an_overlay_and_a_json_that_names_the_weights(films: Path) -> None:
    answers, said = predicted([image(films, 0), image(films, 1)])
    for number, answer in enumerate(answers):
        assert json.loads(Path(f"out/film-{number}.json").read_text()) == answer
        with Image.open(f"out/film-{number}.png") as overlay:
            assert overlay.size[0] >= 224
        assert len(answer["vertebrae"]) > 10
        assert answer["weights"]["sha256"] == sha256_of(bundled_weights())
        assert answer["weights"]["numbering"] == "sequence"
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "film-0.json", "film-0.png", "film-1.json", "film-1.png",
    ]  # fmt: skip
    assert said[0].startswith(f"weights {sha256_of(bundled_weights())[:12]} (")
    assert len(said) == 3


def test_films_of_one_name_are_kept_apart(films: Path, tmp_path: Path) -> None:
    twin = tmp_path / image(films).name
    twin.write_bytes(image(films).read_bytes())
    predicted([image(films), twin])
    assert {path.name for path in Path("out").glob("*.png")} == {"film-0-1.png", "film-0-2.png"}


def test_the_champion_predicts_what_its_file_does(films: Path, store: TrackingStore) -> None:
    asked = Asked(model="spine-vertebrae", store=str(store.root), numbering="argmax")
    (champion,), said = predicted([image(films)], asked)
    (file,), _ = predicted([image(films)], Asked(weights=bundled_weights(), numbering="argmax"))
    assert champion["vertebrae"] == file["vertebrae"]
    assert champion["weights"]["model"] == "spine-vertebrae" and "version 1 of" in said[0]


def test_nothing_is_written_where_an_image_or_the_weights_cannot_be_used(
    films: Path, tmp_path: Path
) -> None:
    text = weights_of(tmp_path, b"text")
    with pytest.raises(DataError, match="no image that can be read"):
        predicted([image(films), text])
    with pytest.raises(WeightsError, match="no Ultralytics checkpoint"):
        predicted([image(films)], Asked(weights=text))
    with pytest.raises(ConfigError, match="not on this machine"):
        predict_images([image(films)], FILE, out=Path("out"), confidence=0.5, device="9", say=print)
    assert not Path("out").exists()


def labelled(films: Path) -> list[LabelledFilm]:
    found = []
    for number in range(3):
        outlines = render_film("frontal", 224, number).outlines.items()
        drawn = tuple(Outline(level, points.clip(0, 1)) for level, points in outlines)
        found.append(LabelledFilm(image(films, number), drawn))
    return found


def test_a_registered_model_is_scored_as_its_study_would_score_it(
    films: Path, store: TrackingStore
) -> None:
    """By whole columns, with what the version knows of them: as `predict` numbers."""
    asked = Asked(model="spine-vertebrae", store=str(store.root))
    evaluation, chosen = evaluate_films(asked, films, part="valid", device="cpu")
    study = evaluate_weights(
        bundled_weights(), labelled(films), image_size_px=224, device="cpu", numbering=LEARNT
    ).scores["sequence"]
    assert evaluation.films == 3 and evaluation.scores == pytest.approx(study.scores, abs=1e-3)
    assert chosen.numbering == LEARNT and chosen.source["version"] == "1"


def test_both_ways_of_numbering_can_be_asked_for(films: Path) -> None:
    both = evaluate_weights(
        bundled_weights(),
        labelled(films),
        image_size_px=96,
        device="cpu",
        numbering=NumberingModel(),
    ).scores
    for way in ("argmax", "sequence"):
        asked = Asked(weights=bundled_weights(), numbering=way, image_size_px=96)
        evaluation, chosen = evaluate_films(asked, films, part="valid", device="cpu")
        assert evaluation.scores == pytest.approx(both[way].scores, abs=1e-3)
        assert (chosen.image_size_px, chosen.numbering.numbering) == (96, way)


def test_the_answer_says_every_metric_and_which_weights(films: Path) -> None:
    evaluation, chosen = evaluate_films(FILE, films, part="valid", device="cpu")
    text = evaluation_text(evaluation, chosen)
    assert text.startswith(chosen.text()) and "3 films, " in text
    assert all(metric.label in text for metric in (*PRECISIONS, *RATES))
    assert "\nT12 " in text and "\nC1 " not in text
    answer = json.loads(evaluation_json(evaluation, chosen))
    assert answer.pop("weights") == chosen.as_json()
    assert Evaluation.model_validate(answer) == evaluation


@pytest.mark.parametrize("part", ["test", "all"])
def test_the_sealed_part_of_a_studys_data_is_not_scored(
    films: Path, tmp_path: Path, part: str
) -> None:
    (tmp_path / MANIFEST_FILE).write_text("{}")
    with pytest.raises(DataError, match="test part of a study's data is sealed"):
        evaluate_films(FILE, tmp_path, part=part, device="cpu")
