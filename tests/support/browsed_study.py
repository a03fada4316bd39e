"""A study of every kind of run and end, filled into a store by the project's own code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from fake_trainer import FakeLauncher
from PIL import Image
from run_folders import epoch, make_job
from small_study import places, run, runs, write_study

from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.events import Started, append_event
from spineseg.film_pictures import BEST_STEP, picture_file, picture_names, shown_films
from spineseg.study_record import read_study
from spineseg.tracking.filled import fill_mlflow
from spineseg.tracking.film_series import FilmSeries
from spineseg.tracking.projection import RunProjection
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import job_runs
from spineseg.tracking.views.written import write_views
from study.compare import compare_study

BROWSED = """
name: browsed
data:
  sources: [{{kind: local, path: {export}}}]
  split: keep
  group_near_duplicates: false
  accept_leaks: [near-duplicates]
baseline: {{weights: random, epochs: 3, optimizer: AdamW, lr0: 0.003, mosaic: 1.0}}
variants:
  - {{name: no-flips, hypothesis: Flips hurt., changes: {{fliplr: 0.0}}}}
  - {{name: slow, hypothesis: Slower is better., changes: {{lr0: 0.001}}}}
search:
  trials: 5
  seed: 3
  startup_trials: 3
  space:
    lr0: {{low: 0.001, high: 0.02, log: true}}
    mosaic: {{low: 0.0, high: 0.9}}
  pruner: {{keep_percent: 50, startup_trials: 2, warmup_epochs: 1}}
confirm: {{top: 1, seeds: 3}}
devices: {{device: cpu}}
store: {{root: {root}}}
"""


class Browsed(NamedTuple):
    """A study in a store."""

    path: Path
    config: StudyConfig

    @property
    def store(self) -> TrackingStore:
        return open_store(self.config.store.root, self.config.store.mlflow_uri)


def score(config: TrainConfig) -> float:
    """Return a score that the search can beat the variants by."""
    searched = 0.3 - 0.2 * config.mosaic if config.mosaic < 1 else 0.0
    slower = 0.1 if config.lr0 == 0.001 else 0.0
    return 0.5 + searched - slower + (0.01 if config.seed % 2 else 0.0)


def finished_study(folder: Path, stores: Path, *sets: str) -> Browsed:
    """Return a study run to its end, with a pruned and a failed trial."""
    path = write_study(folder, stores, BROWSED, {"train": 4, "valid": 4, "test": 4})
    config = run(path, FakeLauncher(score, fails={"search-001": "nan_loss"}), *sets)
    compare_study(config)
    study = Browsed(path, config)
    draw_films(study)
    return study


def filled_elsewhere(study: Browsed, uri: str) -> Browsed:
    """Return the same study filled into another store from its folders."""
    config = study.config.model_copy(
        update={"store": study.config.store.model_copy(update={"mlflow_uri": uri})}
    )
    compare_study(config)
    elsewhere = Browsed(study.path, config)
    return elsewhere


def with_running(study: Browsed, folder: Path, stores: Path) -> Browsed:
    """Return a copy of a study, in a store of its own, of which one more training goes on."""
    root = folder / "mlruns"
    shutil.copytree(study.config.store.root / "work", root / "work")
    shutil.copy(stores / "mlflow.db", root)
    config = study.config.model_copy(
        update={"store": study.config.store.model_copy(update={"root": root})}
    )
    going = Browsed(study.path, config)
    done, at = runs(config), places(config)
    parent, missed = fill_mlflow(going.store, config, at, read_study(at).manifest, done)
    assert not missed
    first = done[0].job
    job = first.model_copy(
        update={
            "id": make_job().id,
            "number": len(done),
            "name": "search-going",
            "kind": "search",
            "arm": "search-going",
        }
    )
    run_folder = at.folder / job.folder_name
    job.write(run_folder)
    told = Started(
        run=job.id, pid=1, device="CPU", parameters=5, resolved={}, environment={"python": "3"}
    )
    append_event(run_folder, told)
    for number in (1, 2):
        append_event(run_folder, epoch(job, number))
    RunProjection(going.store, lambda: parent, run_folder, job).carry()
    shown = picture_names(shown_films(read_study(at).manifest))
    write_views(going.store, config, shown)
    return going


def draw_films(study: Browsed) -> None:
    """Leave pictures of the study's films in its runs, as a training does, and carry them over."""
    names = picture_names(shown_films(read_study(places(study.config)).manifest))
    tracked = job_runs(study.store, study.config.name)
    for done in runs(study.config):
        for number, name in enumerate(names):
            path = picture_file(done.folder, name, BEST_STEP)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 60), (60 * number, 90, 90)).save(path)
        FilmSeries(study.store, done.folder, done.job).carry(tracked[done.job.id].info.run_id)
