"""The bundled weights: copied from a run's folder, with a card of their figures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from fake_trainer import records_scoring
from run_folders import make_job, write_finished

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import RecordError, WeightsError
from spineseg.evaluation.evaluate import evaluated_records
from spineseg.evaluation.stored import save_evaluation
from spineseg.events import Started, append_event
from spineseg.files import sha256_of
from spineseg.prediction.network_file import trained_image_size_px
from spineseg.runs import Run, read_run
from spineseg.training import bundle
from spineseg.training.weights import bundled_weights

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config() -> StudyConfig:
    return load_study(ROOT / "configs" / "studies" / "weights.yaml")


def run_of(folder: Path, end: str | None = "completed") -> Run:
    """Return a run whose best weights are a network."""
    job = make_job(study="weights")
    run = write_finished(folder, job, end=end)
    shutil.copy(bundled_weights(), run / "train" / "weights" / "best.pt")
    save_evaluation(
        run, evaluated_records(records_scoring(0.8, ["a", "b"]), job.numbering), "valid"
    )
    facts = {"processor": "none", "cores": "2"}
    append_event(
        run,
        Started(run=job.id, pid=1, device="CPU", parameters=5, resolved={}, environment=facts),
    )
    return read_run(run)


def test_weights_and_card_are_written_from_the_runs_folder(
    tmp_path: Path, config: StudyConfig
) -> None:
    target = tmp_path / "package" / "small.pt"
    target.parent.mkdir()
    card = bundle.bundle(run_of(tmp_path), config, target)
    assert trained_image_size_px(target) == 224
    ours, theirs = (
        torch.load(path, weights_only=False)["model"] for path in (target, bundled_weights())
    )
    assert ours.names == theirs.names and ours.yaml["yaml_file"] == theirs.yaml["yaml_file"]
    theirs = theirs.state_dict()
    assert ours.state_dict().keys() == theirs.keys()
    for key, value in ours.state_dict().items():
        assert value.dtype == theirs[key].dtype and torch.equal(value, theirs[key])
    assert (target.parent / "README.md").read_text() == card
    assert f"`{sha256_of(target)}`" in card and "3000 phantoms" in card
    assert "Scores on 2 phantoms" in card and "80.0%" in card and "none, 2 cores" in card
    assert {path.name for path in target.parent.iterdir()} == {"small.pt", "README.md"}


def test_weights_that_are_too_large_leave_nothing(
    tmp_path: Path, config: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 1000)
    target = tmp_path / "package" / "small.pt"
    target.parent.mkdir()
    with pytest.raises(WeightsError, match="at most 1000 are bundled"):
        bundle.bundle(run_of(tmp_path), config, target)
    assert list(target.parent.iterdir()) == []


def test_a_run_that_has_not_finished_is_not_bundled(tmp_path: Path, config: StudyConfig) -> None:
    with pytest.raises(RecordError, match="has not finished"):
        bundle.bundle(run_of(tmp_path, end=None), config, tmp_path / "small.pt")


def test_without_the_study_it_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    assert bundle.main() == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "000-baseline" in line
