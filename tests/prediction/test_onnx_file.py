"""Weights written for use elsewhere: ONNX that gives what torch gives, or no file at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import planted
import pytest
from click.testing import CliRunner
from command import ROOT, spineseg
from PIL import Image

from spineseg import export as exporting
from spineseg.chosen_model import Asked
from spineseg.errors import ConfigError, SpinesegError, WeightsError
from spineseg.files import sha256_of
from spineseg.levels import CLASS_NAMES
from spineseg.phantom.film import render_film
from spineseg.prediction import onnx_file
from spineseg.prediction.onnx_file import Agreement
from spineseg.prediction.segmenter import Segmenter, load_segmenter
from spineseg.training.weights import bundled_weights
from study.cli import cli

ASKED = Asked(weights=bundled_weights(), image_size_px=96)


def exported(out: Path, asked: Asked = ASKED, films: tuple[Path, ...] = ()) -> dict[str, Any]:
    return exporting.export_network(asked, films, out=out, opset=17, say=lambda text: None)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("onnx") / "w.onnx"
    return out, exported(out)


def test_onnxruntime_gives_what_torch_gives(written: tuple[Path, dict[str, Any]]) -> None:
    check = written[1]["check"]
    assert check["films"] == 4 and check["masks"] == 80 and check["on"].startswith("synthetic")
    assert check["box_px"] <= 0.1 and check["score"] <= 0.001 and check["mask_iou"] >= 0.999
    assert check["best_score"] > 0.2


def test_the_file_says_what_goes_in_and_what_comes_out(
    written: tuple[Path, dict[str, Any]],
) -> None:
    session = onnxruntime.InferenceSession(str(written[0]))
    (taken,) = session.get_inputs()
    assert (taken.name, taken.shape) == ("images", ["films", 3, 96, 96])
    shapes = {given.name: given.shape for given in session.get_outputs()}
    assert shapes == {"output0": ["films", 60, 189], "output1": ["films", 32, 24, 24]}
    found = session.run(None, {"images": np.zeros((3, 3, 96, 96), np.float32)})
    assert [part.shape[0] for part in found] == [3, 3]
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["levels"]) == list(CLASS_NAMES) and about["image_size_px"] == "96"
    assert about["license"] == "AGPL-3.0" and about["trained_on_synthetic_films_only"]
    assert json.loads(about["numbering"])["numbering"] == "sequence"
    assert "not a medical device" in about["description"].lower()


def test_films_of_ones_own_are_compared_on(
    written: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "write_onnx", perturbed(written[0], 0.0))
    film = tmp_path / "film.png"
    Image.fromarray(render_film("lateral", 128, 5).pixels).save(film)
    check = exported(tmp_path / "w.onnx", films=(film,))["check"]
    assert check["films"] == 1 and check["on"] == "films"


def perturbed(right: Path, change: float) -> Callable[..., None]:
    """Return a writer of ONNX that is off in one weight, as a broken exporter's would be."""

    def off(segmenter: Segmenter, target: Path, about: Any, opset: int) -> None:
        model = onnx.load(str(right))
        weight = next(w for w in model.graph.initializer if w.name.endswith("model.0.conv.weight"))
        values = onnx.numpy_helper.to_array(weight).copy()
        values.flat[0] += change
        weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
        onnx.save(model, str(target))

    return off


@pytest.mark.parametrize("change", [0.05, pytest.param(np.nan, marks=pytest.mark.wide)])
def test_a_file_that_gives_something_else_is_not_kept(
    written: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: float,
) -> None:
    monkeypatch.setattr(onnx_file, "write_onnx", perturbed(written[0], change))
    (tmp_path / "w.onnx").write_text("an earlier one")
    with pytest.raises(WeightsError, match="too far apart, so nothing was written") as caught:
        exported(tmp_path / "w.onnx")
    assert "\n" not in str(caught.value) and "boxes" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["w.onnx"]
    assert (tmp_path / "w.onnx").read_text() == "an earlier one"


@pytest.mark.parametrize(
    "off", [{"box_px": 0.11}, {"score": 0.0011}, {"mask_iou": 0.9989}, {"box_px": np.inf}]
)
def test_each_tolerance_holds(off: dict[str, float]) -> None:
    good = Agreement(4, 80, box_px=0.1, score=0.001, mask_logit=1, mask_iou=0.999, best_score=0.5)
    assert good.within and not replace(good, **off).within


@pytest.mark.parametrize(
    ("out", "changes", "films", "said"),
    [
        ("w.pt", {}, (), r"must end in \.onnx or \.safetensors"),
        ("w.onnx", {"image_size_px": 100}, (), "must be a multiple of 32"),
        ("w.onnx", {"weights": Path("gone.pt")}, (), "no such file"),
        ("w.onnx", {}, (Path("gone.png"),), r"gone\.png"),
        ("w.safetensors", {}, (Path("film.png"),), "leave them out"),
        ("w.safetensors", {"image_size_px": 96}, (), "--image-size 96: is for .onnx files"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_no_file(
    tmp_path: Path, out: str, changes: dict[str, Any], films: tuple[Path, ...], said: str
) -> None:
    with pytest.raises(SpinesegError, match=said) as caught:
        exported(tmp_path / out, replace(ASKED, **changes), films)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_a_folder_or_a_pipe_is_no_place_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "w.onnx").mkdir()
    os.mkfifo(tmp_path / "w.safetensors")
    (tmp_path / "file").touch()
    for name, words in (
        ("w.onnx", "is a folder; name a file"),
        ("w.safetensors", "is no plain file"),
        ("file/w.onnx", "nothing can be written in"),
    ):
        with pytest.raises(ConfigError, match=words):
            exported(tmp_path / name, Asked(weights=Path("not looked at.pt")))
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_that_was_there_is_said_to_be_replaced(tmp_path: Path) -> None:
    for ending in ("", ", replaced"):
        out = tmp_path / "w.safetensors"
        words = ["export", "model", "--weights", str(bundled_weights()), "--out", str(out)]
        done = CliRunner().invoke(cli, words)
        said = done.output.strip().splitlines()[-1]
        assert said == f"{out}, SHA-256 {sha256_of(out)[:12]}{ending}"


@pytest.mark.wide
def test_trusted_weights_become_a_file_that_runs_nothing(tmp_path: Path) -> None:
    path, marker = tmp_path / "w.pt", tmp_path / "ran"
    planted.in_a_network(path, marker)
    with pytest.raises(WeightsError, match="`spineseg export model --trust`"):
        exported(tmp_path / "w.safetensors", Asked(weights=path))
    assert not marker.exists()
    exported(tmp_path / "w.safetensors", Asked(weights=path, trust=True))
    assert load_segmenter(tmp_path / "w.safetensors", image_size_px=96).levels == CLASS_NAMES
    with pytest.raises(ConfigError):
        exported(tmp_path / "w.bin", Asked(weights=path, trust=True))


@pytest.mark.wide
def test_the_command_writes_what_ultralytics_reads(tmp_path: Path) -> None:
    from ultralytics import YOLO

    words = f"export model --weights {bundled_weights()} --image-size 96 --out w.onnx --json"
    done = spineseg(*words.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["check"]["mask_iou"] >= 0.999
    film = tmp_path / "film.png"
    Image.fromarray(render_film("frontal", 128, 1).pixels).save(film)
    theirs = YOLO(tmp_path / "w.onnx", task="segment")(film, imgsz=96, conf=0.1, verbose=False)[0]
    assert len(theirs.boxes) > 0 and theirs.names == dict(enumerate(CLASS_NAMES))
    ours = load_segmenter(bundled_weights(), image_size_px=96).predict(film)
    assert ours.detections[0].confidence == pytest.approx(float(theirs.boxes[0].conf), abs=1e-3)


@pytest.mark.wide
@pytest.mark.parametrize("opset", [13, 20])
def test_other_opsets_agree_too(tmp_path: Path, opset: int) -> None:
    written = exporting.export_network(
        ASKED, (), out=tmp_path / "w.onnx", opset=opset, say=lambda text: None
    )
    assert written["check"]["mask_iou"] >= 0.999


@pytest.mark.wide
def test_the_command_refuses_planted_code_and_says_what_it_would_run(tmp_path: Path) -> None:
    planted.in_a_network(tmp_path / "w.pt", tmp_path / "ran")
    Image.fromarray(render_film("frontal", 128, 1).pixels).save(tmp_path / "film.png")
    for words in (
        "export model --out w.onnx",
        "predict film.png",
        f"data {ROOT}/configs/studies/phantom.yaml --review r",
    ):
        done = spineseg(*words.split(), "--weights", "w.pt", cwd=tmp_path)
        assert done.returncode == 2 and "would run posix.system," in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"w.pt", "film.png", "mlruns"}
    trusted = spineseg("predict", "film.png", "--weights", "w.pt", "--trust", cwd=tmp_path)
    assert trusted.returncode == 0 and (tmp_path / "ran").exists()
