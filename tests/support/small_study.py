"""Small studies that a fake trainer runs in seconds, and what they leave on record."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import optuna
from exports import write_export
from fake_trainer import FakeLauncher
from mlflow.entities import Run as TrackedRun

from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import load_study
from spineseg.places import StudyPlaces
from spineseg.runs import Run, read_runs
from spineseg.tracking.store import open_store
from spineseg.tracking.tracked_runs import TRIAL_KEY, job_runs
from study import driver

SEARCHED = """
name: small
data: {{sources: [{{kind: local, path: {export}}}]}}
baseline: {{weights: random, epochs: 4, optimizer: AdamW, lr0: 0.003}}
variants:
  - {{name: no-flips, hypothesis: Flips hurt., changes: {{fliplr: 0.0}}}}
  - {{name: slow, hypothesis: Slower is better., changes: {{lr0: 0.001}}}}
search:
  trials: 3
  startup_trials: 2
  space: {{lr0: {{low: 0.001, high: 0.02, log: true}}}}
  pruner: {{keep_percent: 50, startup_trials: 2, warmup_epochs: 1}}
confirm: null
devices: {{device: cpu}}
store: {{root: {root}}}
"""
CONFIRMED = """
name: small
data:
  sources: [{{kind: local, path: {export}}}]
  split: keep
  group_near_duplicates: false
  accept_leaks: [near-duplicates]
baseline: {{weights: random, epochs: 1, optimizer: AdamW, lr0: 0.003}}
variants:
  - {{name: no-flips, hypothesis: Flips hurt., changes: {{fliplr: 0.0}}}}
  - {{name: slow, hypothesis: Slower is better., changes: {{lr0: 0.001}}}}
search: {{trials: 0}}
confirm: {{top: 1, seeds: 3}}
devices: {{device: cpu}}
store: {{root: {root}}}
"""


class Ended(NamedTuple):
    """A study that was run to its end."""

    path: Path
    config: StudyConfig
    launcher: FakeLauncher


def write_study(folder: Path, stores: Path, text: str, parts: dict[str, int]) -> Path:
    """Return a study's config in a folder of its own, with its export and empty stores."""
    (folder / "mlruns").mkdir(parents=True)
    for name in ("mlflow.db", "optuna.db"):
        shutil.copy(stores / name, folder / "mlruns" / name)
    export = write_export(folder / "export", parts)
    path = folder / "small.yaml"
    path.write_text(text.format(export=export, root=folder / "mlruns"))
    return path


def searched_study(folder: Path, stores: Path) -> Path:
    """Return a study with variants and a search, without confirmation."""
    return write_study(folder, stores, SEARCHED, {"train": 4, "valid": 2})


def confirmed_study(folder: Path, stores: Path) -> Path:
    """Return a study with variants, fresh seeds and a test part."""
    return write_study(folder, stores, CONFIRMED, {"train": 4, "valid": 4, "test": 6})


def flips_hurt(config: TrainConfig) -> float:
    """Return more without flips, and a little that depends on the seed."""
    noise = 0.1 if config.seed % 2 else 0.0
    return (0.8 if config.fliplr == 0 else 0.4 if config.lr0 == 0.003 else 0.2) + noise


def run(path: Path, launcher: FakeLauncher, *sets: str) -> StudyConfig:
    """Run a study, or go on with it."""
    config = load_study(path, sets)
    launcher.count = config.devices.known_per_device
    driver.run_study(config, path, launcher)
    return config


def run_scored(
    path: Path, *sets: str, score_of: Callable[[TrainConfig], float] = flips_hurt
) -> tuple[StudyConfig, FakeLauncher]:
    """Run a study whose trainings score as told."""
    launcher = FakeLauncher(score_of)
    return run(path, launcher, *sets), launcher


def places(config: StudyConfig) -> StudyPlaces:
    """Return where a study's records lie."""
    return StudyPlaces(config.store.root, config.name)


def runs(config: StudyConfig) -> list[Run]:
    """Return the runs on record."""
    return read_runs(places(config).folder)


def names(config: StudyConfig) -> list[str]:
    """Return the names of the runs on record."""
    return [run.name for run in runs(config)]


def optuna_study(config: StudyConfig) -> optuna.Study:
    """Return the study as Optuna's store has it."""
    url = config.store.optuna_url or f"sqlite:///{config.store.root / 'optuna.db'}"
    return optuna.load_study(study_name=config.name, storage=url)


def trials(config: StudyConfig) -> list[optuna.trial.FrozenTrial]:
    """Return the trials as Optuna's store has them."""
    return optuna_study(config).get_trials()


def tracked_runs(config: StudyConfig) -> dict[str, TrackedRun]:
    """Return MLflow's run of each job, by its `study/number`."""
    store = open_store(config.store.root, config.store.mlflow_uri)
    return {run.data.tags[TRIAL_KEY]: run for run in job_runs(store, config.name).values()}


def mlflow_runs(config: StudyConfig) -> dict[str, tuple[str, dict[str, str]]]:
    """Return status and tags of every run of a study in MLflow, by its name."""
    store = open_store(config.store.root, config.store.mlflow_uri)
    experiment = store.client.get_experiment_by_name(config.name)
    found = store.client.search_runs([experiment.experiment_id])
    return {run.info.run_name: (run.info.status, run.data.tags) for run in found}


def run_ids(config: StudyConfig) -> dict[str, str]:
    """Return the id of MLflow's run of each job, by its `study/number`."""
    return {key: str(run.info.run_id) for key, run in tracked_runs(config).items()}
