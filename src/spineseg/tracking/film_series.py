"""A run's pictures of films as MLflow's image series: `films/FILM`, a step for each epoch drawn.

MLflow keeps a series as files whose names say all (`MlflowClient.log_image`). Here the names
follow from the job, so that a record that is carried over again adds nothing. Step 0 is of the
best weights: at it a grid opens, and only runs that have a picture of the same step are compared.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path

from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_IMAGES

from spineseg.film_pictures import FILMS_FOLDER, FilmPicture, pictures_of
from spineseg.job import Job
from spineseg.tracking.store import TrackingStore

_IMAGES = "images"  # MLflow's own folder for series.


def series_key(film: str) -> str:
    """Return what a film's series is called, as in a chart's `imageKeys`."""
    return f"{FILMS_FOLDER}/{film}"


class FilmSeries:
    """The pictures in a run's folder on their way to MLflow; each file goes once."""

    def __init__(self, store: TrackingStore, run_folder: Path, job: Job) -> None:
        self._store = store
        self._folder = run_folder
        self._job = job
        self._carried: set[tuple[Path, int]] = set()  # With the time of the file's last change.

    def carry(self, run_id: str) -> None:
        """Bring new pictures, and those drawn anew, into MLflow's run. Raises what MLflow does."""
        fresh = {(p.path, p.path.stat().st_mtime_ns): p for p in pictures_of(self._folder)}
        for key in self._carried:
            fresh.pop(key, None)
        if not fresh:
            return
        with tempfile.TemporaryDirectory() as staging:
            for picture in fresh.values():
                # A grid shows the one, a click the other: the picture is its own thumbnail.
                name = _series_name(picture, self._job)
                shutil.copyfile(picture.path, Path(staging, f"{name}.webp"))
                shutil.copyfile(picture.path, Path(staging, f"{name}+compressed.webp"))
            self._store.client.log_artifacts(run_id, staging, _IMAGES)
        self._store.client.set_tag(run_id, MLFLOW_LOGGED_IMAGES, True)
        self._carried |= set(fresh)


def _series_name(picture: FilmPicture, job: Job) -> str:
    """Return a picture's file name in MLflow, without suffix; the same at every carrying over."""
    key = series_key(picture.film)
    own = uuid.uuid5(uuid.NAMESPACE_URL, f"{job.id}/{key}/{picture.step}")
    at = round(job.created * 1000) + picture.step  # Not when it was drawn: that may happen twice.
    return f"{key.replace('/', '~')}+step+{picture.step}+timestamp+{at}+{own}"
