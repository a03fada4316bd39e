"""Carries a run's record into MLflow: idempotent, replayable, never in training's way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from mlflow.entities import Metric
from mlflow.entities import Run as TrackedRun
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri

from spineseg.errors import RecordError
from spineseg.evaluation.stored import evaluation_files
from spineseg.events import (
    EVENTS_FILE,
    Again,
    Audited,
    Epoch,
    Event,
    EventReader,
    Failed,
    Finished,
    Lost,
    Paused,
    Phase,
    Scored,
    Started,
)
from spineseg.job import JOB_FILE, Job
from spineseg.limits.shrunk import SHRUNK_FILE, shrunk
from spineseg.runs import first_baseline
from spineseg.tracking.film_series import FilmSeries
from spineseg.tracking.run_note import run_note
from spineseg.tracking.selection import (
    GAIN,
    effort,
    end_metrics,
    epoch_metrics,
    settings_in_sight,
    test_metrics,
)
from spineseg.tracking.store import TrackingStore, refusing
from spineseg.tracking.tracked_runs import (
    CARRIED,
    JOB_ID,
    NOTE,
    TRIED_AGAIN,
    as_params,
    as_tags,
    is_of_an_earlier_version,
    open_trial_run,
)
from spineseg.tracking.twins import found_run

_ENVIRONMENT_TAGS = ("torch", "ultralytics")  # And the device: what people filter by.
_MOST_METRICS = 990  # At a time: MLflow takes 1000 things in one request, tags among them.
_PICTURES = ("*.png", "*.jpg")


class _Batch(NamedTuple):
    """What one event adds to its run, in one request."""

    metrics: list[Metric]
    params: dict[str, Any]
    tags: dict[str, Any]


class RunProjection:
    """One run's record on its way to MLflow.

    Metrics carry the event's own time and epoch, so that replaying a log from its beginning adds
    nothing: MLflow keeps one row for one key, time, step and value.
    """

    def __init__(
        self, store: TrackingStore, parent: Callable[[], str], run_folder: Path, job: Job
    ) -> None:
        """Prepare to carry over a run; `parent` finds or makes the run of its study.

        MLflow's run is opened with the first event.
        """
        self._store = store
        self._parent = parent
        self._run: TrackedRun | None = None
        self._folder = run_folder
        self._job = job
        self._films = FilmSeries(store, run_folder, job)
        self._reader = EventReader(run_folder, job.id)
        self._unsent: list[Event] = []
        self._sent = 0
        self._known = 0  # Events that the store had before.
        self._epoch_seconds: dict[int, float] = {}
        self._said: dict[int, dict[str, float]] = {}  # Epochs so far, and their figures.
        self._attempts: list[Started | Lost] = []
        self.ended = False  # Whether the run's end is in the store.

    def carry(self) -> None:
        """Carry over what is new.

        Raises StoreError where the store does not take it: what is unsent waits, and goes with the
        next call. Raises RecordError for a damaged log, and where the run's weights are gone.
        """
        self._unsent += self._reader.new_events()
        if all(isinstance(event, Phase) for event in self._unsent):
            return  # They go with what follows them: a request each would be a waste.
        with refusing(self._store.uri):
            run = self._opened()
            while self._unsent:
                events = self._next()
                if self._sent >= self._known:
                    self._send(run, events)
                self.ended = self.ended or isinstance(events[0], Finished | Failed)
                self._attempts += [e for e in events if isinstance(e, Started | Lost)]
                self._said |= {e.epoch: epoch_metrics(e) for e in events if isinstance(e, Epoch)}
                del self._unsent[: len(events)]
                self._sent += len(events)

    def _opened(self) -> TrackedRun:
        if self._run is None:
            run = open_trial_run(self._store, self._parent(), self._job)
            known = 0 if is_of_an_earlier_version(run) else int(run.data.tags.get(CARRIED, 0))
            end = next((e for e in self._unsent[:known] if isinstance(e, Finished | Failed)), None)
            if end is not None and not has_files(self._store, run, end):
                known = 0  # Its artifacts were lost: all are put there again.
            self._known = known
            self._run = run
        return self._run

    def _next(self) -> list[Event]:
        """Return the next event, or all epochs and phases that wait together: one request."""
        count = metrics = 0
        for event in self._unsent:
            if not isinstance(event, Epoch | Phase) or self._sent + count < self._known:
                break
            if isinstance(event, Epoch):
                metrics += len(event.metrics) + len(event.system) + 1
            if metrics > _MOST_METRICS:
                break
            count += 1
        found = self._unsent[: max(count, 1)]
        for event in found:
            if isinstance(event, Epoch):
                self._epoch_seconds[event.epoch] = event.epoch_seconds
        return found

    def _send(self, run: TrackedRun, events: list[Event]) -> None:
        """Bring events into the store: their files, the run's end, then figures and words."""
        self._films.carry(str(run.info.run_id))
        missing: list[Path] = []
        batches: list[_Batch] = []
        # The first end counts, as in `Run.end`: nothing begins or ends after it.
        if not (self.ended and isinstance(events[0], Started | Finished | Failed)):
            missing = self._carry_files(run, events[0])
            batches = [self._batch(event) for event in events]
        params = {key: value for batch in batches for key, value in batch.params.items()}
        tags = {key: value for batch in batches for key, value in batch.tags.items()}
        known = run.data.params
        self._store.client.log_batch(
            run.info.run_id,
            metrics=[metric for batch in batches for metric in batch.metrics],
            params=as_params({k: v for k, v in params.items() if k not in known}),
            tags=as_tags(tags if missing else tags | {CARRIED: self._sent + len(events)}),
        )
        known.update(params)  # A later attempt may not change one.
        if missing:
            raise RecordError(f"{missing[0].name} is gone from {missing[0].parent}; put it back")

    def _batch(self, event: Event) -> _Batch:
        match event:
            case Started():
                return _Batch([], settings_in_sight(self._job, event), _started_tags(event))
            case Epoch():
                return _Batch(_metrics(self._new_of(event), event.time, event.epoch), {}, {})
            case Finished():
                baseline = first_baseline(self._folder.parent)
                score = baseline.value if baseline and baseline.finished else None
                values = end_metrics(self._job, event, score)
                # As old as the later of the two that it compares, whenever it is found.
                since = baseline.end.time if baseline and baseline.end else 0.0
                gain = {GAIN: values.pop(GAIN)} if GAIN in values else {}
                metrics = _metrics(values, event.time) + _metrics(gain, max(event.time, since))
                tags = {"outcome": event.outcome, NOTE: self._note(event, score)}
                return _Batch(metrics, {}, tags)
            case Failed():
                values = effort(len(self._epoch_seconds), sum(self._epoch_seconds.values()))
                tags = {"outcome": "failed", "failure": event.kind}
                tags[NOTE] = self._note(event)
                return _Batch(_metrics(values, event.time), {}, tags)
            case Scored():
                return _Batch(_metrics(test_metrics(event), event.time), {}, {})
            case Again():
                return _Batch([], {}, {TRIED_AGAIN: "asked for"})  # As which, `carry_over` says.
            case Audited():
                return _Batch([], {}, {"given_up_after_epoch": str(event.epoch)})
            case Phase() | Lost() | Paused():
                return _Batch([], {}, {})

    def _new_of(self, event: Epoch) -> dict[str, float]:
        """Return the figures of an epoch; of one trained again, as its node was lost with the
        checkpoint, those that came out otherwise, and none of the machine.
        """
        values, before = epoch_metrics(event), self._said.get(event.epoch)
        if before is None:
            return values
        return {k: v for k, v in values.items() if k[:7] != "system/" and before.get(k) != v}

    def _note(self, end: Finished | Failed, baseline: float | None = None) -> str:
        return run_note(self._job, end, baseline, self._attempts)

    def _carry_files(self, run: TrackedRun, event: Event) -> list[Path]:
        """Put an event's files among the run's artifacts, and end the run with its end.

        Returns the weights that should be there and are not; what a shrunk run's folder says that
        it was relieved of is not missed.
        """
        client, run_id, missing = self._store.client, run.info.run_id, []
        if isinstance(event, Finished | Failed):
            # One that a slow server made late would be at work for ever.
            found_run(self._store, run.info.experiment_id, JOB_ID, self._job.id)
        match event:
            case Started():
                client.log_dict(run_id, event.resolved, "settings/resolved.json")
                facts = {"device": event.device} | event.environment
                client.log_dict(run_id, facts, "environment.json")
            case Finished():
                missing = self._files_of_the_end(run_id, event)
                _end(self._store, run_id, "FINISHED", event.time)
            case Failed():
                if event.traceback:
                    client.log_text(run_id, event.traceback, "failure/traceback.txt")
                self._files(run_id, self._record_files(), None)
                _end(self._store, run_id, "FAILED", event.time)
            case Scored():
                self._files(run_id, evaluation_files(self._folder, event.part), "evaluation")
                self._files(run_id, [self._folder / EVENTS_FILE], None)
            case Again() | Audited():
                self._files(run_id, [self._folder / EVENTS_FILE], None)
        return missing

    def _files_of_the_end(self, run_id: str, event: Finished) -> list[Path]:
        weights = [self._folder / event.best_weights, self._folder / event.last_weights]
        trainer = weights[0].parent.parent
        self._files(run_id, weights, "weights")
        tables = [trainer / "results.csv", trainer / "args.yaml"]
        self._files(run_id, [*tables, *self._record_files()], None)
        pictures = sorted(path for pattern in _PICTURES for path in trainer.glob(pattern))
        self._files(run_id, pictures, "pictures")
        self._files(run_id, evaluation_files(self._folder, "valid"), "evaluation")
        gone = shrunk(self._folder)
        relieved = {self._folder / name for name in gone.removed} if gone else set()
        return [path for path in weights if not path.is_file() and path not in relieved]

    def _record_files(self) -> list[Path]:
        return [self._folder / name for name in (JOB_FILE, EVENTS_FILE, "train.log", SHRUNK_FILE)]

    def _files(self, run_id: str, paths: Iterable[Path], folder: str | None) -> None:
        for path in paths:
            if path.exists():
                self._store.client.log_artifact(run_id, str(path), folder)


def _metrics(values: dict[str, float], at: float, step: int = 0) -> list[Metric]:
    """Return values as MLflow's metrics. What there is once has step 0: it is drawn as bars."""
    return [Metric(key, value, round(at * 1000), step) for key, value in values.items()]


def _started_tags(event: Started) -> dict[str, Any]:
    tags: dict[str, Any] = {"device": event.device}
    tags |= {k: event.environment[k] for k in _ENVIRONMENT_TAGS if k in event.environment}
    if event.resumed_from_epoch:
        tags["resumed_from_epoch"] = event.resumed_from_epoch
    if event.attempt > 1:
        tags["attempts"] = event.attempt
    if event.split > 1:
        tags["split"] = event.split
    return tags


def _end(store: TrackingStore, run_id: str, status: str, at: float) -> None:
    store.client.set_terminated(run_id, status, round(at * 1000))


def has_files(store: TrackingStore, run: TrackedRun, end: Finished | Failed) -> bool:
    """Return whether an ended run's artifacts are there, by the one that matters most."""
    folder, name = None, JOB_FILE
    if isinstance(end, Finished):
        folder, name = "weights", f"weights/{Path(end.best_weights).name}"
    place = run.info.artifact_uri
    if store.is_local and is_local_uri(place):  # To ask MLflow takes a query and a listing a run.
        return (Path(local_file_uri_to_path(place)) / name).exists()
    with refusing(store.uri):  # One look a run: a study has tens of them, a server may be far.
        files = store.client.list_artifacts(run.info.run_id, folder)
    return any(file.path == name for file in files)
