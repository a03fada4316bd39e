"""Scores of any weights on labelled films: as `predict` numbers them, and the study too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from laid_out import put
from own_films import picture, rows
from PIL import Image
from registry_cases import LEARNT

from spineseg.chosen_model import Asked
from spineseg.config.data import DataConfig
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.errors import DataError, StoreError
from spineseg.evaluation.evaluate import evaluate_weights
from spineseg.evaluation.result import Evaluation
from spineseg.films import LabelledFilm, Outline
from spineseg.inference.evaluate import evaluate_films, evaluation_json, evaluation_text
from spineseg.levels import CLASS_NAMES
from spineseg.metrics import PRECISIONS, RATES
from spineseg.phantom.film import render_film
from spineseg.places import StudyPlaces
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.seal.ledger import read_ledger
from spineseg.study_record import keep_data_record
from spineseg.tracking.store import TrackingStore
from spineseg.training.weights import bundled_weights

FILE = Asked(weights=bundled_weights())


def image(films: Path, number: int = 0) -> Path:
    return films / "valid" / "images" / f"film-{number}.png"


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


@pytest.fixture
def merged(tmp_path: Path) -> Dataset:
    """A dataset with a sealed test part, and a study under `mlruns` that it is of."""
    phantom = {"kind": "phantom", "seed": 4, "film_size_px": 96, "difficulty": 0.2}
    told = {"sources": [phantom | {"frontal_films": 9, "lateral_films": 9}], "test_fraction": 0.3}
    places = StudyPlaces(Path("mlruns"), "small")
    dataset = prepare_dataset(DataConfig.model_validate(told), places.data)
    keep_data_record(places, dataset)
    places.config.write_text("name: small")
    return dataset


@pytest.mark.parametrize("part", ["test", "all"])
def test_to_score_the_sealed_part_of_a_studys_data_is_an_opening(
    merged: Dataset, part: str
) -> None:
    with pytest.raises(StoreError, match=r"films are sealed: .* is an opening, .*--reason"):
        evaluate_films(FILE, merged.folder, part=part, device="cpu")
    evaluate_films(FILE, merged.folder, part="valid", device="cpu")
    assert not read_ledger(Path("mlruns")).entries
    evaluate_films(FILE, merged.folder, part=part, device="cpu", reason="a paper's table")
    (entry,) = read_ledger(Path("mlruns")).entries
    assert len(entry.films) == merged.manifest.count("test")
    assert entry.reason == "a paper's table" and entry.study.startswith("evaluate ")
    assert list(entry.weights) == ["bundled weights"] and entry.decision is None


def test_copies_of_sealed_films_in_any_export_are_known(merged: Dataset, tmp_path: Path) -> None:
    """Compressed anew, under other names, in a folder that is no study's."""
    for image in sorted((merged.folder / "test" / "images").iterdir())[:2]:
        copy = tmp_path / "valid" / "images" / f"copy-of-{image.stem}.jpg"
        copy.parent.mkdir(parents=True, exist_ok=True)
        Image.open(image).convert("L").save(copy, quality=80)
        label = merged.folder / "test" / "labels" / f"{image.stem}.txt"
        put(tmp_path / "valid" / "labels" / f"{copy.stem}.txt", label.read_text())
    names = ", ".join(CLASS_NAMES)
    put(tmp_path / "data.yaml", f"names: [{names}]\nval: valid/images\n")
    with pytest.raises(StoreError, match=r"2 of 2 films are sealed: .* test part of study 'small'"):
        evaluate_films(FILE, tmp_path, part="valid", device="cpu")


def test_a_part_that_is_not_there_is_refused_with_an_option_to_paste(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        put(tmp_path / "train" / "images" / f"{name}.png", picture(number))
        put(tmp_path / "train" / "labels" / f"{name}.txt", rows())
    put(tmp_path / "data.yaml", "names: [T9, T10, T11, T12]\ntrain: train/images\n")
    with pytest.raises(DataError, match=r"it has train; choose --part train or --part all$"):
        evaluate_films(FILE, tmp_path, part="valid", device="cpu")
