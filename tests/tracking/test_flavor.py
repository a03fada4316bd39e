"""The registered model in one process: batches, reasons in place of answers, many threads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from mixed_films import SPACING, bomb, dicom, png
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModelContext

from spineseg.prediction.extra import has_models
from spineseg.prediction.segmenter import Segmenter
from spineseg.tracking.flavor import COLUMNS, VertebraModel
from spineseg.tracking.model_package import example_film, requirements
from spineseg.training.weights import bundled_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder, as MLflow lays it out."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "w.pt").write_bytes(bundled_weights().read_bytes())
    (folder / "MLmodel").write_text("model_id: m-1\n")
    return folder


def loaded(folder: Path) -> VertebraModel:
    config = {"confidence": 0.25, "image_size_px": 224, "synthetic": True}
    config["numbering"] = {"numbering": "sequence"}
    model = VertebraModel()
    model.load_context(PythonModelContext({"weights": str(folder / "artifacts" / "w.pt")}, config))
    return model


@pytest.fixture(scope="module")
def model(folder: Path) -> VertebraModel:
    """A loaded model."""
    return loaded(folder)


def answers(model: VertebraModel, *films: object, **params: float) -> list[dict]:
    table = model.predict(None, pd.DataFrame({"image": list(films)}, dtype=object), params)
    assert tuple(table.columns) == COLUMNS
    return json.loads(table.to_json(orient="records"))


def test_a_film_that_cannot_be_read_has_its_reason_and_the_others_their_answers(
    model: VertebraModel, tmp_path: Path
) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(png())
    given = [png(), b"", b"no image", png()[:900], bomb(), None, 7, str(path), png()]
    rows = answers(model, *given)
    assert [row["film"] for row in rows] == list(range(9))
    first, *refused, last = rows
    for row in (first, last):
        assert (row["width"], row["height"], row["error"]) == (224, 224, "")
        assert len(json.loads(row["vertebrae"])) > 5
    assert first["vertebrae"] == last["vertebrae"]
    said = ["empty", "no image", "to its end", "20000x20000 px", "missing", "a int", "is text"]
    for number, (row, words) in enumerate(zip(refused, said, strict=True), start=1):
        assert words in row["error"] and row["error"].startswith(f"film {number}: ")
        assert "\n" not in row["error"] and "secret" not in row["error"]
        assert (row["width"], row["vertebrae"]) == (None, "[]")


def test_whatever_else_a_film_breaks_the_others_are_answered(
    model: VertebraModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Segmenter.predict_film
    monkeypatch.setattr(
        Segmenter,
        "predict_film",
        lambda self, pixels, path: 1 / 0 if path.name == "film 0" else really(self, pixels, path),
    )
    broken, whole = answers(model, png(), png())
    assert broken["error"] == "film 0: cannot be answered (ZeroDivisionError)"
    assert whole["error"] == ""


def test_every_row_says_numbering_and_version_and_that_it_is_synthetic(
    model: VertebraModel, folder: Path
) -> None:
    (row,) = answers(model, b"")
    assert (row["numbering"], row["model"], row["synthetic"]) == ("sequence", "m-1", True)
    meta = folder / "registered_model_meta"
    meta.write_text("model_name: spine-vertebrae\nmodel_version: '3'\n")
    (row,) = answers(loaded(folder), b"")
    meta.unlink()
    assert row["model"] == "spine-vertebrae version 3"


def test_millimetres_are_given_where_spacing_is_known(model: VertebraModel) -> None:
    plain, calibrated, detector = answers(
        model, dicom(), dicom(**SPACING), dicom(ImagerPixelSpacing=[0.3, 0.3])
    )
    assert plain["spacing"] == "null"
    assert json.loads(plain["vertebrae"])[0]["polygon_mm"] is None
    spacing = json.loads(calibrated["spacing"])
    assert spacing == {"row_mm": 0.2, "column_mm": 0.1, "kind": "calibrated"}
    for vertebra in json.loads(calibrated["vertebrae"]):
        for (x, y), (x_mm, y_mm) in zip(vertebra["polygon"], vertebra["polygon_mm"], strict=True):
            assert (x_mm, y_mm) == pytest.approx((x * 0.1, y * 0.2), abs=0.02)
    assert json.loads(detector["spacing"])["kind"] == "at the detector"


def test_a_request_may_say_its_confidence(model: VertebraModel) -> None:
    few, default, many = (
        json.loads(answers(model, png(), **params)[0]["vertebrae"])
        for params in ({"confidence": 0.998}, {}, {"confidence": 0.001})
    )
    assert 0 < len(few) < len(default) <= len(many)
    assert min(v["confidence"] for v in few) >= 0.998 and default[: len(few)] == few
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(MlflowException, match="must lie between 0 and 1"):
            answers(model, png(), confidence=wrong)


@pytest.mark.wide
def test_many_threads_have_the_answers_of_one(model: VertebraModel) -> None:
    films = [png(number) for number in range(2)]
    alone = [answers(model, film)[0]["vertebrae"] for film in films]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: answers(model, films[n % 2])[0]["vertebrae"], range(8)))
    assert together == alone * 4


def test_no_films_are_an_empty_table(model: VertebraModel) -> None:
    assert answers(model) == []


@pytest.mark.skipif(not has_models(), reason="make setup EXTRA=models")
def test_what_is_required_can_be_installed_anywhere() -> None:
    for line in (*requirements("yolo11n-seg"), *requirements("sam-small")):
        assert "+" not in line and "==" in line
    assert not any("transformers" in line for line in requirements("maskrcnn-resnet18"))
    assert any(line.startswith("transformers==") for line in requirements("mask2former-small"))


def test_the_example_is_a_small_film() -> None:
    assert len(example_film()) < 50_000 and example_film().startswith(b"\x89PNG")
