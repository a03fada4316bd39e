"""Which models the page offers, and what it says of those that there are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from registry_cases import LEARNT, fresh_store, register_file
from run_folders import make_job, write_finished

from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import load_study
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.serving.offered import Offered, offered_models
from spineseg.training.weights import bundled_weights


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config whose study lies in `tmp_path`, not run yet."""
    path = tmp_path / "small.yaml"
    path.write_text(
        "name: small\ndata: {sources: [{kind: local, path: nowhere}]}\n"
        "baseline: {weights: random, optimizer: AdamW}\n"
        f"store: {{root: {tmp_path / 'mlruns'}}}\n"
    )
    return path


def found(config: Path) -> tuple[list[Offered], list[str], list[str]]:
    study: StudyConfig = load_study(config, ())
    said: list[str] = []
    return *offered_models(study, config, (), "cpu", said.append), said


def with_baseline(tmp_path: Path) -> None:
    job = make_job(config=TrainConfig(epochs=3, lr0=0.01, image_size_px=96))
    folder = write_finished(tmp_path / "mlruns" / "work" / "studies" / "small", job)
    shutil.copy(bundled_weights(), folder / "train" / "weights" / "best.pt")


def test_before_a_study_the_bundled_weights_answer_and_it_is_said(config: Path) -> None:
    (model,), notes, said = found(config)
    assert (model.key, model.chosen.synthetic) == ("bundled", True)
    assert notes[0].startswith("No champion: ")
    assert notes[0].endswith(
        "there is no tracking store; run `make study`, and then `make promote`"
    )
    assert notes[1] == (
        "No baseline: study 'small' has no finished baseline here; train it with `make study`"
    )
    assert notes[2] == "The weights that come with the project answer instead."
    assert said[1:] == notes and all("\n" not in line for line in said)


@pytest.mark.wide
def test_champion_and_baseline_stand_side_by_side(
    config: Path, tmp_path: Path, empty_stores: Path
) -> None:
    store = fresh_store(tmp_path / "mlruns", empty_stores)
    tags = {"synthetic": "true"}
    register_file(store, bundled_weights(), image_size_px=96, tags=tags)
    with_baseline(tmp_path)
    (champion, baseline), notes, _ = found(config)
    assert notes == []
    assert (champion.key, champion.title) == ("champion", "Champion, version 1")
    assert (champion.chosen.synthetic, champion.chosen.numbering) == (True, LEARNT)
    assert (baseline.key, baseline.chosen.synthetic) == ("baseline", True)
    assert baseline.chosen.numbering == NumberingModel()


def test_before_a_promotion_it_is_said_what_makes_a_champion(
    config: Path, tmp_path: Path, empty_stores: Path
) -> None:
    fresh_store(tmp_path / "mlruns", empty_stores)
    note = found(config)[1][0]
    assert note.endswith("; run `make study`, and then `make promote`")
    assert "has no model 'spine-vertebrae'" in note and "--" not in note


def test_without_a_champion_the_baseline_stands_alone(config: Path, tmp_path: Path) -> None:
    with_baseline(tmp_path)
    (model,), notes, _ = found(config)
    assert model.key == "baseline" and len(notes) == 1 and notes[0].startswith("No champion: ")
