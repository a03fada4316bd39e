"""`reproduce RUN`: from the tracking store alone, checked, run again, old beside new."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_trainer import FakeLauncher, films_of, records_scoring
from run_folders import make_job
from small_study import Ended, flips_hurt

from spineseg import reproduction
from spineseg.config.training import TrainConfig
from spineseg.errors import SpinesegError, WeightsError
from spineseg.evaluation.evaluate import evaluated_records
from spineseg.evaluation.stored import save_evaluation
from spineseg.evidence.reproduced import Reproduced, beside
from spineseg.packages import unlike_then
from spineseg.reproduction import ready_again
from spineseg.runs import read_run, read_runs
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import log_study_artifacts
from study import driver


@pytest.fixture
def root(ended: Ended, tmp_path: Path) -> Path:
    """A root with the ended study's tracking store and data; its run folders are not there."""
    root, known = tmp_path / "mlruns", ended.config.store.root
    (root / "artifacts").mkdir(parents=True)
    for name in ("mlflow.db", "optuna.db"):
        shutil.copy(known / name, root / name)
    shutil.copytree(known / "work" / "data", root / "work" / "data")
    return root


@pytest.fixture
def store(root: Path) -> TrackingStore:
    return open_store(root, None)


def keep_config(store: TrackingStore, ended: Ended, folder: Path, **changes: Any) -> None:
    """Put the study's config among the artifacts of the study's own run, and nothing else."""
    run_id = under_an_empty_run(store)
    content = ended.config.model_dump(mode="json") | changes
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    (folder / "requirements.lock").write_text("numpy==1.0\nnot-here==1.0 ; sys_platform == 'x'\n")
    files = {f"study/{name}": folder / name for name in ("study.yaml", "requirements.lock")}
    log_study_artifacts(store, run_id, files)


def under_an_empty_run(store: TrackingStore) -> str:
    """Let the baseline belong to a new run, without artifacts; return its id."""
    experiment = store.client.get_experiment_by_name("small").experiment_id
    parent = str(store.client.create_run(experiment).info.run_id)
    store.client.set_tag(run_ids_of(store)["baseline"], "mlflow.parentRunId", parent)
    return parent


def run_ids_of(store: TrackingStore) -> dict[str, str]:
    experiment = store.client.get_experiment_by_name("small")
    found = store.client.search_runs([experiment.experiment_id])
    return {run.info.run_name: run.info.run_id for run in found}


def again(
    name: str, root: Path, launcher: FakeLauncher, **asked: Any
) -> tuple[Reproduced, FakeLauncher]:
    with ready_again(name, store=str(root), say=lambda text: None, **asked) as ready:
        assert driver.run_study(ready.config, ready.write_config(), launcher)
        return ready.outcome(), launcher


def test_a_run_is_trained_again_by_its_name_and_is_equal_to_the_digit(
    ended: Ended, root: Path
) -> None:
    name = "small/no-flips-seed-2"
    found, launcher = again(name, root, FakeLauncher(flips_hurt), config=ended.path)
    assert launcher.started == ["baseline"] and found.nearness == "equal to the digit"
    assert all(figure.equal for figure in found.figures) and found.parted is None
    (run,) = read_runs(root / "work" / "studies" / "small-again-no-flips-seed-2")
    assert run.job.config == TrainConfig.model_validate(
        ended.config.baseline.model_dump() | {"fliplr": 0.0, "seed": 1002}
    )
    assert "Equal to the digit: all 8 figures" in found.text()
    once_more, idle = again(name, root, FakeLauncher(), config=ended.path)
    assert idle.started == [] and once_more.figures == found.figures


def test_the_store_alone_is_enough_and_what_is_not_as_then_is_named(
    ended: Ended, root: Path, store: TrackingStore, tmp_path: Path
) -> None:
    keep_config(store, ended, tmp_path)
    parent = store.client.get_run(run_ids_of(store)["baseline"]).data.tags["mlflow.parentRunId"]
    store.client.set_tag(parent, "command", "make study CONFIG=small.yaml")
    run_id = run_ids_of(store)["baseline"]
    with ready_again(run_id, store=str(root), say=lambda text: None) as ready:
        assert ready.config.name == "small-again-baseline"
        assert (ready.config.variants, ready.config.confirm, ready.config.search.trials) == (
            (),
            None,
            0,
        )
        facts, text = ready.facts(), ready.text()
    assert facts["run"] == "small/baseline" and facts["run_id"] == run_id
    assert facts["data_fingerprint"][:12] in text and "found, the same" in text
    assert "started by: make study CONFIG=small.yaml" in text
    assert "numpy 1.0 then, " in text and "not-here" not in text
    assert facts["code"][0] in text and facts["code"][1] in text


def test_figures_beside_each_other_are_judged_by_the_noise_of_seeds(
    ended: Ended, tmp_path: Path
) -> None:
    then = read_runs(ended.config.store.root / "work" / "studies" / "small")[0]
    scores = [0.50, 0.40, 0.50, 0.40]
    found = {}
    for gain in (0.0, 0.1, 0.3):
        folder = shutil.copytree(then.folder, tmp_path / str(gain) / then.folder.name)
        records = records_scoring(0.4 + gain, films_of(then.job.dataset))
        save_evaluation(folder, evaluated_records(records, then.job.numbering), "valid")
        now = read_run(folder)
        found[gain] = beside(then, now, run_id="1", baseline_scores=scores)
    assert [each.nearness for each in found.values()] == [
        "equal to the digit",
        "within seed noise",
        "beyond seed noise",
    ]
    assert found[0.1].noise and 0.2 < found[0.1].noise.bound < 0.3
    assert "Not equal, but within the noise of seeds: mask mAP50-95 +0.100" in found[0.1].text()
    assert "Not reproduced: mask mAP50-95 +0.300" in found[0.3].answer()
    unknown = beside(then, now, run_id="1", baseline_scores=scores[:2])
    assert unknown.nearness == "not equal" and "noise between seeds is not known" in unknown.text()


def marked(tag: str, value: str) -> Any:
    """Return what marks the no-flips run in a store."""

    def mark(store: TrackingStore) -> str:
        run_id = run_ids_of(store)["no-flips"]
        store.client.set_tag(run_id, tag, value)
        return run_id

    return mark


def deleted(store: TrackingStore) -> str:
    run_id = run_ids_of(store)["slow"]
    store.client.delete_run(run_id)
    return run_id


def foreign(store: TrackingStore) -> str:
    experiment = store.client.get_experiment_by_name("small").experiment_id
    return str(store.client.create_run(experiment).info.run_id)


def twice(store: TrackingStore) -> str:
    store.client.update_run(run_ids_of(store)["slow"], name="no-flips")
    return "small/no-flips"


def without_files(store: TrackingStore) -> str:
    run_id = run_ids_of(store)["baseline"]
    with closing(sqlite3.connect(store.root / "mlflow.db")) as database:
        place = "UPDATE runs SET artifact_uri = 'file:///nowhere/at-all' WHERE run_uuid = ?"
        database.execute(place, (run_id,))
        database.commit()
    return run_id


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (lambda store: "0" * 32, r"no run 0{32} in sqlite:.*; name the store with --store"),
        (lambda store: "other/baseline", "no study 'other' in sqlite:.*; name the store"),
        (lambda store: "small/gone", "has no training 'gone'; it has baseline, "),
        (lambda store: "baseline", "must be an MLflow run's id, 32 digits, or STUDY/RUN"),
        (lambda store: "small/it's", "must be an MLflow run's id"),
        (lambda store: run_ids_of(store)["study small"], "is that of the whole study 'small'; "),
        (marked("outcome", "failed"), r"failed \(no reason on record\), so it has no figures"),
        (marked("outcome", "pruned"), "was pruned before its end"),
        (marked("outcome", "running"), "has not ended yet; name a training that completed"),
        (deleted, "was deleted in sqlite:.*; restore it there"),
        (foreign, "was not recorded by this software"),
        (twice, "is the name of 2 runs; name one by its id: "),
        (without_files, "its artifact job.json is gone; `spineseg compare` puts it back"),
    ],
)
def test_a_run_that_cannot_be_run_again_is_refused_in_one_line(
    root: Path, store: TrackingStore, asked: Any, words: str
) -> None:
    refused(words, asked(store), root)


def refused(words: str, name: str, root: Path, **asked: Any) -> None:
    with (
        pytest.raises(SpinesegError, match=words) as caught,
        ready_again(name, store=str(root), say=lambda text: None, **asked),
    ):
        pass
    assert "\n" not in str(caught.value) and "wt" not in str(caught.value)
    assert not (root / "work" / "studies").exists()


def test_a_store_that_keeps_no_config_asks_for_it(root: Path, store: TrackingStore) -> None:
    under_an_empty_run(store)
    refused("keeps no study.yaml of study 'small'.*name the study's config with --config",
            "small/baseline", root)  # fmt: skip


def test_only_where_things_lie_may_be_said_anew(ended: Ended, root: Path) -> None:
    refused("--set baseline.lr0=1: what is run again is the training on record", "small/baseline",
            root, config=ended.path, sets=["baseline.lr0=1"])  # fmt: skip


def test_data_that_have_changed_or_gone_are_refused_with_both_fingerprints(
    ended: Ended, root: Path, tmp_path: Path
) -> None:
    export = shutil.copytree(ended.path.parent / "export", tmp_path / "export")
    label = next((export / "train" / "labels").iterdir())
    label.write_text("0 0.1 0.1 0.4 0.1 0.4 0.4\n")
    sets = [f"data.sources.0.path={export}"]
    known = "was trained on the data [0-9a-f]{12}, its sources now give [0-9a-f]{12}"
    refused(known, "small/baseline", root, config=ended.path, sets=sets)
    shutil.rmtree(export)
    refused("no such folder", "small/baseline", root, config=ended.path, sets=sets)


def test_weights_that_are_gone_or_others_are_refused_with_what_they_were(
    ended: Ended, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> Path:
        raise WeightsError("weights: 'x.pt' is no file")

    monkeypatch.setattr(reproduction, "resolve_weights", gone)
    refused("is no file; run .* started from SHA-256 nothing", "small/baseline", root,
            config=ended.path)  # fmt: skip
    (tmp_path / "x.pt").write_bytes(b"weights")
    monkeypatch.setattr(reproduction, "resolve_weights", lambda *_: tmp_path / "x.pt")
    refused(r"x\.pt: has SHA-256 [0-9a-f]{12}, run .* started from nothing; put the file of then",
            "small/baseline", root, config=ended.path)  # fmt: skip


@pytest.mark.wide
def test_a_training_that_fails_again_says_so(ended: Ended, root: Path) -> None:
    with pytest.raises(SpinesegError, match=r"(?s)baseline failed.*bug: as told"):
        again("small/slow", root, FakeLauncher(fails={"baseline": "bug"}), config=ended.path)


def test_a_code_version_that_is_not_known_is_said() -> None:
    text = reproduction.code_text(make_job(code_version="0.1.0", commit=""))
    assert "0.1.0 then, " in text and "which commit that was is not on record" in text
    changed = make_job(code_version="0.1.0-aaaaaaaaaaaa+changes", commit="a" * 40)
    assert "with changes that no commit holds" in reproduction.code_text(changed)
    assert "`git checkout aaaaaaaaaaaa` has that of then" in reproduction.code_text(changed)


def test_packages_are_compared_with_what_was_installed_then() -> None:
    here = unlike_then("numpy==0.1\n")[0].split(", ")[1].removesuffix(" now")
    assert unlike_then(f"numpy=={here}\nno-such-package==2\n") == []
    assert unlike_then(f"numpy=={here} ; python_version < '3.12'\nnumpy==9 ; other\n") == []
    assert unlike_then(f"#   numpy==0.2\nnumpy=={here}\n") == [f"numpy 0.2 then, {here} now"]


def test_two_long_names_make_one_that_a_study_may_have() -> None:
    job = make_job(study="s" * 50, name="v" * 50)
    name = reproduction.study_name(job)
    assert len(name) == 61 and name.endswith(job.id[:8])
    assert reproduction.study_name(make_job()) == "small-again-baseline"
