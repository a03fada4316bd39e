"""Carries a run's event log into MLflow: idempotent, replayable, never in training's way."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from spineseg.errors import StoreError
from spineseg.evaluation.evaluate import evaluation_files
from spineseg.events import EVENTS_FILE, Epoch, EventReader, Failed, Finished, Started
from spineseg.tracking.store import TrackingStore, experiment_id, refusing, without_password
from spineseg.tracking.tracked_runs import TRIAL_KEY

BACK_OFF_SECONDS = 20.0
COMPLETE = "projection"  # Tag: the whole log has been carried over.
_STATUS = {"completed": "FINISHED", "pruned": "KILLED"}
_PICTURES = ("*.png", "*.jpg")
log = logging.getLogger(__name__)


class RunProjection:
    """One run's log on its way to MLflow.

    Metrics carry the event's own time and epoch, so that replaying a log from its beginning adds
    nothing: MLflow keeps one row for one key, time, step and value.
    """

    def __init__(self, store: TrackingStore, open_run: Callable[[], str], run_folder: Path) -> None:
        """Prepare to carry over `run_folder`'s log into the run that `open_run` finds or makes.

        The run is opened with the first event, and again if that fails: a study goes on while
        its store is away.
        """
        self._store = store
        self._open_run = open_run
        self._run_id = ""
        self._folder = run_folder
        self._reader = EventReader(run_folder)
        self._unsent: list[Started | Epoch | Finished | Failed] = []
        self._not_before = 0.0
        self._done = False

    def sync(self, *, force: bool = False) -> bool:
        """Carry over what is new; return False where the store did not take it.

        After a failure nothing is tried for BACK_OFF_SECONDS, unless `force`: what is unsent
        waits. An outage is never raised.
        """
        if self._done:
            return True
        self._unsent += self._reader.new_events()
        if not self._unsent or (time.monotonic() < self._not_before and not force):
            return not self._unsent
        try:
            self._run_id = self._run_id or self._open_run()
            while self._unsent:
                self._send(self._unsent[0])
                del self._unsent[0]
        except (MlflowException, StoreError, OSError) as error:
            self._not_before = time.monotonic() + BACK_OFF_SECONDS
            log.warning(
                "MLflow did not take %s: %s", self._folder.name, without_password(str(error)[:200])
            )
            return False
        return True

    def _send(self, event: Started | Epoch | Finished | Failed) -> None:
        match event:
            case Started():
                self._started(event)
            case Epoch():
                self._metrics(event.metrics | event.system, event.time, event.epoch)
                self._metrics({"epoch_seconds": event.epoch_seconds}, event.time, event.epoch)
            case Finished():
                self._finished(event)
            case Failed():
                self._failed(event)

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
        self._metrics(event.metrics | event.trainer_metrics, event.time, event.epochs)
        self._metrics({"train_hours": event.train_seconds / 3600}, event.time, event.epochs)
        self._upload(event)
        self._tags(
            outcome=event.outcome,
            best_epoch=event.best_epoch,
            batch_used=event.batch,
            optimizer_used=event.optimizer,
        )
        self._end(_STATUS[event.outcome], event.time)

    def _failed(self, event: Failed) -> None:
        if event.traceback:
            self._store.client.log_text(self._run_id, event.traceback, "failure/traceback.txt")
        self._files([self._folder / "train.log", self._folder / EVENTS_FILE], None)
        self._tags(outcome="failed", failure=event.kind, failure_message=event.message)
        self._end("FAILED", event.time)

    def _end(self, status: str, at: float) -> None:
        self._tags(**{COMPLETE: "complete"})
        self._store.client.set_terminated(self._run_id, status, round(at * 1000))
        self._done = True

    def _upload(self, event: Finished) -> None:
        if self._store.client.get_run(self._run_id).data.tags.get(COMPLETE) == "complete":
            return
        best, last = self._folder / event.best_weights, self._folder / event.last_weights
        trainer = best.parent.parent
        self._files([best, last], "weights")
        self._files([trainer / "results.csv", trainer / "args.yaml"], None)
        self._files([self._folder / "train.log", self._folder / EVENTS_FILE], None)
        pictures = sorted(path for pattern in _PICTURES for path in trainer.glob(pattern))
        self._files(pictures, "pictures")
        self._files(evaluation_files(self._folder), "evaluation")

    def _files(self, paths: list[Path], folder: str | None) -> None:
        for path in paths:
            if path.exists():
                self._store.client.log_artifact(self._run_id, str(path), folder)


def carried_over(store: TrackingStore, study: str) -> set[str]:
    """Return the trial keys of a study's runs whose whole log is in the store."""
    experiment = experiment_id(store, study)
    with refusing(store.uri):
        whole = store.client.search_runs(
            [experiment], f"tags.{COMPLETE} = 'complete'", max_results=10000
        )
    return {run.data.tags.get(TRIAL_KEY, "") for run in whole}
