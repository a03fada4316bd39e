"""Really trained: a run again from MLflow alone, two studies compared, one exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import spineseg

from spineseg.config.yaml_files import load_study
from spineseg.tracking.store import open_store
from spineseg.tracking.tracked_runs import log_study_artifacts

STUDY = """
name: tiny
data:
  sources:
    - {kind: phantom, seed: 4, frontal_films: 8, lateral_films: 6, film_size_px: 160,
       difficulty: 0.1}
baseline: {weights: bundled, image_size_px: 160, batch: 8, epochs: 1, optimizer: AdamW,
           lr0: 0.0002, warmup_epochs: 0.0, mosaic: 0.0}
variants:
  - {name: gentle, hypothesis: A small step keeps what was learnt., changes: {lr0: 0.00002}}
confirm: null
devices: {device: cpu}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the study was run, its run folders being gone since: MLflow has all."""
    folder = tmp_path_factory.mktemp("again")
    (folder / "tiny.yaml").write_text(STUDY)
    done = spineseg("run", "tiny.yaml", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    _keep_config(folder)
    return folder


def _keep_config(folder: Path) -> None:
    """Put the study's config into MLflow, where `run` has not put it."""
    root = folder / "mlruns"
    store = open_store(root, None)
    experiment = store.client.get_experiment_by_name("tiny").experiment_id
    (parent,) = store.client.search_runs([experiment], "tags.study_key = 'tiny'")
    path = folder / "study.yaml"
    path.write_text(json.dumps(load_study(folder / "tiny.yaml").model_dump(mode="json")))
    log_study_artifacts(store, parent.info.run_id, {"study/study.yaml": path}, replace=False)


@pytest.mark.wide
@pytest.mark.long
def test_two_studies_and_an_export_from_the_command_line(folder: Path) -> None:
    words = ["name=other", "baseline.lr0=0.0001", "variants=[]"]
    sets = [word for text in words for word in ("--set", text)]
    assert spineseg("run", "tiny.yaml", *sets, cwd=folder).returncode == 0
    others = [word for text in words for word in ("--other-set", text)]
    done = spineseg("compare", "tiny.yaml", "tiny.yaml", *others, "--json", cwd=folder)
    found = json.loads(done.stdout)
    assert found["studies"] == ["tiny", "other"] and found["synthetic"] == [True, True]
    assert found["differences"]["baseline"] == ["lr0 0.0002 against 0.0001"]
    assert not any(pair["confirmed"] for pair in found["pairs"])
    text = spineseg("compare", "tiny.yaml", "tiny.yaml", *others, cwd=folder).stdout
    assert "Synthetic X-rays: they say nothing of patients." in text and "no claim" in text
    itself = spineseg("compare", "tiny.yaml", "tiny.yaml", cwd=folder)
    assert itself.returncode == 2 and "is to be compared with itself" in itself.stderr
    alone = spineseg("compare", "tiny.yaml", "--other-set", "name=a", cwd=folder)
    assert alone.returncode == 2 and "belongs to a second study" in alone.stderr

    done = spineseg("export", "study", "tiny.yaml", "--out", "paper", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "paper: CAPTIONS.md, " in done.stdout and (folder / "paper" / "runs.tex").is_file()
    captions = (folder / "paper" / "CAPTIONS.md").read_text()
    assert "Nothing is confirmed on fresh seeds" in captions and "Synthetic X-rays" in captions
    again = spineseg("export", "study", "tiny.yaml", "--out", "paper", cwd=folder)
    assert again.returncode == 2 and "with --force" in again.stderr


@pytest.mark.wide
@pytest.mark.long
def test_a_real_training_comes_out_equal_to_the_digit(folder: Path) -> None:
    (folder / "mlruns" / "work" / "studies" / "tiny").rename(folder / "moved-away")
    check = spineseg("reproduce", "tiny/gentle", "--run-only-check", "--json", cwd=folder)
    facts = json.loads(check.stdout)
    assert facts["run"] == "tiny/gentle" and facts["again"] == "tiny-again-gentle"
    assert not (folder / "mlruns" / "work" / "studies" / "tiny-again-gentle").exists()
    done = spineseg("reproduce", facts["run_id"], "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["nearness"] == "equal to the digit" and found["parted"] is None, found
    assert found["figures"][0]["then"] > 0.01 and found["synthetic"] is True
    again = spineseg("reproduce", "tiny/gentle", cwd=folder)
    assert "Equal to the digit: all 8 figures" in again.stdout
    assert "epoch 1" not in again.stdout.split("run again as")[0], again.stdout
    gone = spineseg("reproduce", "0" * 32, cwd=folder)
    assert gone.returncode == 2 and "name the store with --store" in gone.stderr
