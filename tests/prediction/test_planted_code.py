"""Weights files that would run code are refused in one line, and nothing in them runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import planted
import pytest
import torch
from click.testing import CliRunner
from registry_cases import fresh_store, register_file

from spineseg.chosen_model import Asked, chosen_model
from spineseg.config.study import StudyConfig
from spineseg.errors import SpinesegError, WeightsError
from spineseg.prediction.network_file import (
    load_network,
    refuse_code,
    trained_image_size_px,
    write_network,
)
from spineseg.prediction.segmenter import load_segmenter
from spineseg.study_checks import check_weights
from spineseg.training.bundle import copy_without_paths
from study.cli import cli

Plant = Callable[[Path, Path], None]


def one_line(error: SpinesegError) -> str:
    assert "\n" not in str(error) and len(str(error)) < 500
    return str(error)


_SLOW = (planted.beside_a_network,)  # A whole network is written.


@pytest.mark.parametrize(
    "plant",
    [pytest.param(p, marks=pytest.mark.wide) if p in _SLOW else p for p in planted.SAYS],
    ids=lambda plant: plant.__name__,
)
def test_a_file_that_would_run_code_is_refused_and_does_not_run(
    tmp_path: Path, plant: Plant
) -> None:
    path, marker = tmp_path / "w.pt", tmp_path / "ran"
    plant(path, marker)
    for use in (load_network, refuse_code, trained_image_size_px):
        with pytest.raises(WeightsError) as caught:
            use(path)
        assert planted.SAYS[plant] in one_line(caught.value)
    with pytest.raises(WeightsError):
        write_network(path, tmp_path / "w.safetensors")
    assert [other.name for other in tmp_path.iterdir()] == ["w.pt"]


@pytest.mark.parametrize("opcode", [b"i", b"o", b"\x82\x01", b"\x83\x01\x01", b"\x93"])
def test_what_names_out_of_sight_is_refused(tmp_path: Path, opcode: bytes) -> None:
    named = b"posix\nsystem\n" if opcode == b"i" else b""
    planted.zipped(tmp_path / "w.pt", b"\x80\x02(" + opcode + named + b".")
    with pytest.raises(WeightsError, match=r"which torch\.save never writes"):
        refuse_code(tmp_path / "w.pt")


def test_a_call_reached_by_attributes_is_loaded_by_nothing_but_trust(tmp_path: Path) -> None:
    """`refuse_code` sees names only, and lets it pass: it is no leave to load a file in full."""
    path, marker = tmp_path / "w.pt", tmp_path / "ran"
    planted.by_attributes(path, marker)
    refuse_code(path)
    for use in (load_network, trained_image_size_px):
        with pytest.raises(WeightsError, match="is no Ultralytics checkpoint"):
            use(path)
    with pytest.raises(WeightsError):
        copy_without_paths(path, tmp_path / "bundled.pt", "bundled.pt")
    assert not marker.exists()
    with pytest.raises(WeightsError):
        load_network(path, trust=True)
    assert marker.exists()


def test_whoever_trusts_a_file_runs_it(tmp_path: Path) -> None:
    path, marker = tmp_path / "w.pt", tmp_path / "ran"
    planted.in_a_network(path, marker)
    asked = Asked(weights=path, trust=True)
    chosen = chosen_model(asked)
    assert chosen.trusted and chosen.text().endswith(", its code is trusted")
    assert marker.exists() and load_segmenter(path, image_size_px=96, trust=True).levels
    with pytest.raises(WeightsError):
        chosen_model(Asked(weights=path))


def test_a_crafted_version_of_a_registry_does_not_run(tmp_path: Path, empty_stores: Path) -> None:
    path, marker = tmp_path / "w.pt", tmp_path / "ran"
    planted.in_a_network(path, marker)
    register_file(fresh_store(tmp_path / "mlruns", empty_stores), path)
    chosen = chosen_model(Asked(model="spine-vertebrae", store=str(tmp_path / "mlruns")))
    with pytest.raises(WeightsError, match=r"would run posix\.system") as caught:
        load_segmenter(chosen.path, image_size_px=96, trust=chosen.trusted)
    one_line(caught.value)
    assert not marker.exists()


def test_a_study_does_not_start_from_a_file_that_would_run_code(tmp_path: Path) -> None:
    path, marker = tmp_path / "w.pt", tmp_path / "ran"
    planted.system_call(path, marker)
    config = StudyConfig.model_validate(
        {
            "name": "small",
            "data": {"sources": [{"kind": "local", "path": "export"}]},
            "baseline": {"weights": str(path), "optimizer": "AdamW"},
            "store": {"root": str(tmp_path / "mlruns")},
        }
    )
    with pytest.raises(WeightsError, match=r"would run posix\.system"):
        check_weights(config)
    assert not marker.exists()


@pytest.mark.parametrize("command", ["predict", "evaluate", "export model", "data"])
def test_the_help_says_that_trust_runs_code(command: str) -> None:
    said = " ".join(CliRunner().invoke(cli, [*command.split(), "--help"]).output.split())
    assert "--trust" in said and "it then runs whatever code its maker put into it" in said


def test_a_description_in_the_file_or_the_working_folder_is_not_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ultralytics evaluates a description's `activation`, and looks in the working folder first."""
    marker = tmp_path / "ran"
    checkpoint = planted.bundled()
    call = f"__import__('os').system('touch {marker}')"
    checkpoint["model"].yaml["activation"] = call
    torch.save(checkpoint, tmp_path / "w.pt")
    monkeypatch.chdir(tmp_path)
    for name in ("yolo11n-seg.yaml", "yolo11-seg.yaml"):
        Path(name).write_text(json.dumps(checkpoint["model"].yaml))
    assert load_network(tmp_path / "w.pt").yaml.get("activation") is None
    assert not marker.exists()


def test_hooks_and_methods_in_a_file_stay_data(tmp_path: Path) -> None:
    """What published checkpoints hold, `Detect.forward`, is read, and is called by nothing."""
    checkpoint = planted.bundled()
    network = checkpoint["model"]
    network.detect = planted.Runs(getattr, type(network.model[-1]), "forward")
    network._forward_hooks[0] = torch.nn.Identity()
    vars(network)["forward"] = torch.nn.Identity()
    torch.save(checkpoint, tmp_path / "w.pt")
    ours = load_network(tmp_path / "w.pt")
    assert "forward" not in vars(ours) and not ours._forward_hooks and not hasattr(ours, "detect")
