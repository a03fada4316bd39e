"""Carries a run's record into MLflow: idempotent, replayable, never in training's way."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from spineseg.errors import StoreError
from spineseg.evaluation.stored import evaluation_files
from spineseg.events import (
    EVENTS_FILE,
    Epoch,
    Event,
    EventReader,
    Failed,
    Finished,
    Scored,
    Started,
)
from spineseg.job import JOB_FILE, Job
from spineseg.runs import Run
from spineseg.tracking.film_series import FilmSeries
from spineseg.tracking.store import TrackingStore, refusing, without_password
from spineseg.tracking.tracked_runs import job_runs, open_trial_run

BACK_OFF_SECONDS = 20.0
CARRIED = "events_carried"  # Tag: so many events of the run's log are in the store.
_STATUS = {"completed": "FINISHED", "pruned": "KILLED"}
_PICTURES = ("*.png", "*.jpg")
log = logging.getLogger(__name__)


class RunProjection:
    """One run's record on its way to MLflow.

    Metrics carry the event's own time and epoch, so that replaying a log from its beginning adds
    nothing: MLflow keeps one row for one key, time, step and value.
    """

    def __init__(
        self, store: TrackingStore, parent: Callable[[], str], run_folder: Path, job: Job
    ) -> None:
        """Prepare to carry over a run; `parent` finds or makes the run of its study.

        MLflow's run is opened with the first event, and again if that fails: a study goes on
        while its store is away.
        """
        self._store = store
        self._parent = parent
        self._run_id = ""
        self._folder = run_folder
        self._job = job
        self._films = FilmSeries(store, run_folder, job)
        self._reader = EventReader(run_folder, job.id)
        self._unsent: list[Event] = []
        self._sent = 0
        self._known = 0  # Events that the store had before.
        self._ended = False
        self._not_before = 0.0

    def sync(self, *, force: bool = False) -> bool:
        """Carry over what is new; return False where the store did not take it.

        After a failure nothing is tried for BACK_OFF_SECONDS, unless `force`: what is unsent
        waits. An outage is never raised.
        """
        self._unsent += self._reader.new_events()
        if not self._unsent or (time.monotonic() < self._not_before and not force):
            return not self._unsent
        try:
            if not self._run_id:
                self._open()
            while self._unsent:
                event = self._unsent[0]
                if self._sent >= self._known:
                    # The first end counts, as in `Run.end`: nothing begins or ends after it.
                    if not (self._ended and isinstance(event, Started | Finished | Failed)):
                        self._send(event)
                    self._tags(**{CARRIED: self._sent + 1})
                self._ended = self._ended or isinstance(event, Finished | Failed)
                del self._unsent[0]
                self._sent += 1
        except (MlflowException, StoreError, OSError) as error:
            self._not_before = time.monotonic() + BACK_OFF_SECONDS
            log.warning(
                "MLflow did not take %s: %s", self._folder.name, without_password(str(error)[:200])
            )
            return False
        return True

    def _open(self) -> None:
        run = open_trial_run(self._store, self._parent(), self._job)
        known = int(run.data.tags.get(CARRIED, 0))
        end = next((e for e in self._unsent[:known] if isinstance(e, Finished | Failed)), None)
        if end is not None and not _has_files(self._store, run.info.run_id, end):
            known = 0  # Its artifacts were lost: all are put there again.
        self._known = known
        self._run_id = str(run.info.run_id)

    def _send(self, event: Event) -> None:
        self._films.carry(self._run_id)
        match event:
            case Started():
                self._started(event)
            case Epoch():
                values = event.metrics | event.system | {"epoch_seconds": event.epoch_seconds}
                self._metrics(values, event.time, event.epoch)
            case Finished():
                self._finished(event)
            case Failed():
                self._failed(event)
            case Scored():
                self._metrics(event.metrics, event.time, 0)
                self._files(evaluation_files(self._folder, event.part), "evaluation")
                self._files([self._folder / EVENTS_FILE], None)

    def _metrics(self, values: dict[str, float], at: float, step: int) -> None:
        rows = [Metric(k, v, round(at * 1000), step) for k, v in values.items()]
        self._store.client.log_batch(self._run_id, metrics=rows)

    def _tags(self, **tags: object) -> None:
        rows = [RunTag(key, str(value)[:8000]) for key, value in tags.items()]
        self._store.client.log_batch(self._run_id, tags=rows)

    def _started(self, event: Started) -> None:
        known = self._store.client.get_run(self._run_id).data.params
        params = {f"resolved/{key}": str(value) for key, value in event.resolved.items()}
        params["parameters"] = str(event.parameters)
        self._store.client.log_batch(
            self._run_id,
            params=[Param(k, v[:6000]) for k, v in params.items() if k not in known],
        )
        self._store.client.update_run(self._run_id, status="RUNNING")
        self._tags(
            device=event.device,
            resumed_from_epoch=event.resumed_from_epoch,
            **{f"environment.{key}": value for key, value in event.environment.items()},
        )

    def _finished(self, event: Finished) -> None:
        values = event.metrics | event.trainer_metrics
        values["train_hours"] = event.train_seconds / 3600
        self._metrics(values, event.time, event.epochs)
        best, last = self._folder / event.best_weights, self._folder / event.last_weights
        trainer = best.parent.parent
        self._files([best, last], "weights")
        self._files([trainer / "results.csv", trainer / "args.yaml"], None)
        self._record_files()
        pictures = sorted(path for pattern in _PICTURES for path in trainer.glob(pattern))
        self._files(pictures, "pictures")
        self._files(evaluation_files(self._folder, "valid"), "evaluation")
        self._tags(
            outcome=event.outcome,
            best_epoch=event.best_epoch,
            batch_used=event.batch,
            optimizer_used=event.optimizer,
        )
        self._end(_STATUS[event.outcome], event.time)
        for path in (best, last):
            if not path.is_file():
                raise StoreError(f"{path.name} is gone from {path.parent}; put it back")

    def _failed(self, event: Failed) -> None:
        if event.traceback:
            self._store.client.log_text(self._run_id, event.traceback, "failure/traceback.txt")
        self._record_files()
        self._tags(outcome="failed", failure=event.kind, failure_message=event.message)
        self._end("FAILED", event.time)

    def _end(self, status: str, at: float) -> None:
        self._store.client.set_terminated(self._run_id, status, round(at * 1000))

    def _record_files(self) -> None:
        self._files([self._folder / name for name in (JOB_FILE, EVENTS_FILE, "train.log")], None)

    def _files(self, paths: Iterable[Path], folder: str | None) -> None:
        for path in paths:
            if path.exists():
                self._store.client.log_artifact(self._run_id, str(path), folder)


def not_carried(store: TrackingStore, study: str, runs: Iterable[Run]) -> list[Run]:
    """Return the study's ended runs whose whole record, files included, is not in the store.

    Raises StoreError where the store does not answer.
    """
    there = job_runs(store, study)

    def is_whole(run: Run, end: Finished | Failed) -> bool:
        found = there.get(run.job.id)
        if found is None or int(found.data.tags.get(CARRIED, 0)) != len(run.log):
            return False
        return _has_files(store, found.info.run_id, end)

    return [run for run in runs if run.end is not None and not is_whole(run, run.end)]


def _has_files(store: TrackingStore, run_id: str, end: Finished | Failed) -> bool:
    """Return whether an ended run's artifacts are there, by the one that matters most."""
    folder, name = None, JOB_FILE
    if isinstance(end, Finished):
        folder, name = "weights", f"weights/{Path(end.best_weights).name}"
    with refusing(store.uri):  # One look a run: a study has tens of them, a server may be far.
        return any(file.path == name for file in store.client.list_artifacts(run_id, folder))


def carry_over(store: TrackingStore, study: str, parent: str, runs: Iterable[Run]) -> list[Run]:
    """Bring what the store misses of ended runs into it; return those that it did not take."""
    missed = []
    for run in not_carried(store, study, runs):
        projection = RunProjection(store, lambda: parent, run.folder, run.job)
        if not projection.sync(force=True):
            missed.append(run)
    return missed
