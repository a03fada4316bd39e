"""A run's pictures as MLflow's image series: named as MLflow names its own, added once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from run_folders import epoch, finished, make_job, write_finished

from spineseg.events import append_event
from spineseg.film_pictures import picture_file
from spineseg.job import Job
from spineseg.tracking.film_series import FilmSeries, series_key
from spineseg.tracking.projection import RunProjection
from spineseg.tracking.store import TrackingStore, open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> TrackingStore:
    root = tmp_path_factory.mktemp("mlruns")
    (root / "mlflow.db").write_bytes((empty_stores / "mlflow.db").read_bytes())
    return open_store(root, None)


def draw(folder: Path, film: str, step: int, grey: int = 90) -> None:
    path = picture_file(folder, film, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 30), (grey, grey, grey)).save(path)


def new_run(store: TrackingStore) -> str:
    experiment = store.client.get_experiment_by_name("films")
    made = (
        experiment.experiment_id
        if experiment
        else store.client.create_experiment(
            "films", artifact_location=(store.root / "artifacts").resolve().as_uri()
        )
    )
    return str(store.client.create_run(made).info.run_id)


def images(store: TrackingStore, run: str) -> dict[str, int | None]:
    return {Path(f.path).name: f.file_size for f in store.client.list_artifacts(run, "images")}


def parsed(name: str) -> tuple[str, int, bool]:
    """Return key, step and whether it is the thumbnail, read as MLflow's own pages do."""
    stem, _, suffix = name.rpartition(".")
    assert suffix in ("png", "webp")
    key, word, step, other, at, *rest = stem.split("+")
    assert (word, other) == ("step", "timestamp") and int(at) > 0
    return key.replace("~", "/"), int(step), rest[1:] == ["compressed"]


def test_pictures_are_named_as_mlflow_names_its_own(store: TrackingStore, tmp_path: Path) -> None:
    run = new_run(store)
    picture = np.zeros((8, 8, 3), np.uint8)
    store.client.log_image(run, picture, key=series_key("a"), step=7)
    job = make_job()
    draw(tmp_path, "a", 0)
    draw(tmp_path, "b", 2)
    FilmSeries(store, tmp_path, job).carry(run)
    found = sorted(parsed(name) for name in images(store, run))
    assert found == [
        (f"films/{film}", step, thumb)
        for film, step in (("a", 0), ("a", 7), ("b", 2))
        for thumb in (False, True)
    ]
    assert store.client.get_run(run).data.tags["mlflow.loggedImages"] == "True"


def test_carrying_over_again_adds_nothing_and_a_new_drawing_takes_its_place(
    store: TrackingStore, tmp_path: Path
) -> None:
    run, job = new_run(store), make_job()
    series = FilmSeries(store, tmp_path, job)
    series.carry(run)
    assert images(store, run) == {}
    draw(tmp_path, "a", 1)
    series.carry(run)
    before = images(store, run)
    series.carry(run)
    FilmSeries(store, tmp_path, Job.model_validate_json(job.model_dump_json())).carry(run)
    assert images(store, run) == before and len(before) == 2
    Image.fromarray(np.arange(6000, dtype=np.uint8).reshape(50, 40, 3)).save(
        picture_file(tmp_path, "a", 1)
    )
    series.carry(run)
    after = images(store, run)
    assert set(after) == set(before) and after != before


def test_a_running_training_shows_its_films_and_a_finished_one_all_of_them(
    store: TrackingStore, tmp_path: Path
) -> None:
    run, job = new_run(store), make_job()
    store.client.set_tag(run, "job_id", job.id)
    folder = write_finished(tmp_path, job, epochs=1, end=None)
    draw(folder, "a", 1)
    projection = RunProjection(store, lambda: run, folder, job)
    projection.carry()
    assert projection._run is not None
    own = projection._run.info.run_id
    assert len(images(store, own)) == 2
    draw(folder, "a", 2)
    draw(folder, "a", 0)
    append_event(folder, epoch(job, 2))
    append_event(folder, finished(job, 2))
    projection.carry()
    assert {parsed(name)[1] for name in images(store, own)} == {0, 1, 2}
    RunProjection(store, lambda: run, folder, job).carry()
    assert len(images(store, own)) == 6
