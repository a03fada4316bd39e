"""A study on its way to MLflow while it runs: what a carrier calls, in the carrier's thread."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from mlflow.entities import Run as TrackedRun
from mlflow.tracking import MlflowClient

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.errors import RecordError, RefusedError, StoreError
from spineseg.files import without_password
from spineseg.film_pictures import picture_names, shown_films
from spineseg.job import Job
from spineseg.places import StudyPlaces
from spineseg.runs import Run, first_baseline, read_run
from spineseg.tracking.carry import carry_one, tell_renamed
from spineseg.tracking.file_transfer import telling_of_progress
from spineseg.tracking.projection import RunProjection
from spineseg.tracking.store import TrackingStore, experiment_id, open_store, refusing
from spineseg.tracking.study_files import log_data_record, log_study_config
from spineseg.tracking.tracked_runs import (
    STUDY_KEY,
    is_of_an_earlier_version,
    job_runs,
    open_study_run,
    put_study_note,
)
from spineseg.tracking.twins import found_run
from spineseg.tracking.views.written import put_views
from spineseg.tries import tried_again

_MOST_MISSES = 2  # Of one thing that a store chokes on while it takes others.
log = logging.getLogger(__name__)


class CarriedStudy:
    """One study's runs in one MLflow store: those that train, then those of before.

    A `spineseg.carrier.Target`. After a failure all that is known of the store is forgotten, and
    asked of it again: a request that was given up may have been done, and another store may
    answer at the same address.
    """

    def __init__(
        self, config: StudyConfig, places: StudyPlaces, manifest: Manifest, runs: Sequence[Run]
    ) -> None:
        """Prepare to carry a study; `runs` are those on record. Nothing is asked of the store."""
        self._config, self._places, self._manifest = config, places, manifest
        self._first = runs[0].job if runs else None
        self._ended = {run.folder: run.name for run in runs if run.end}
        self._later = tried_again(runs)
        self._store: TrackingStore | None = None
        self._parent = ""
        self._following: dict[Path, RunProjection] = {}
        self._chores: deque[Callable[[], None]] = deque()
        self._unlooked: dict[Path, str] = {}
        self._there: dict[str, TrackedRun] = {}
        self._baseline: Run | None = None
        self._refused: dict[Path, str] = {}
        self._renamed = 0
        self._misses: Counter[str] = Counter()  # Of a folder or a chore, each a StoreError.
        self._warned: set[str] = set()
        self.answers = 0  # How often the store has answered.
        self.whole: set[Path] = set()  # Folders of ended runs of which it has all.

    @property
    def left(self) -> list[str]:
        """Names of ended runs that may still lack something in the store."""
        return list(dict.fromkeys([*self._refused.values(), *self._unlooked.values()]))

    def open(self) -> None:
        """Connect, and find or make the study's run.

        Raises StoreError where the store does not answer, RefusedError where it has another study
        of that name.
        """
        opened = open_store(self._places.root, self._config.store.mlflow_uri)
        counted = cast(MlflowClient, _Counted(opened.client, self._answered))
        store = dataclasses.replace(opened, client=counted)
        self._parent = open_study_run(store, self._config, self._manifest, self._first)
        self._store = store
        self._following.clear()
        self._there.clear()
        self.whole.clear()
        # What it choked on comes last, and after some misses not again: others wait behind it.
        chores = sorted((self._study_files, self._views, self._look), key=self._misses_of)
        self._chores = deque(chore for chore in chores if self._misses_of(chore) < _MOST_MISSES)
        folders = sorted(self._ended, key=self._misses_of)
        self._unlooked = {
            folder: self._ended[folder]
            for folder in folders
            if self._misses_of(folder) < _MOST_MISSES
        }

    def carry(self, folder: Path, job: Job) -> None:
        """Bring a run up to date. Raises StoreError where the store does not take it."""
        known = self._following.get(folder)
        projection = known or RunProjection(self._open, lambda: self._parent, folder, job)
        self._following[folder] = projection
        try:
            projection.carry()
        except RefusedError:
            del self._following[folder]  # It may have been deleted there: then it is made anew.
            raise
        if not projection.ended:
            return
        del self._following[folder]
        self._ended[folder] = job.name
        self._refused.pop(folder, None)
        self.whole.add(folder)
        if job.kind == "baseline" and len(self._ended) > 1 and self._look not in self._chores:
            self._unlooked |= self._ended  # Others ended first: now they can be compared with it.
            self._chores.append(self._look)

    def idle(self) -> bool:
        """Do one piece: the study's files, its views, or a run of before; False: nothing is left.

        Raises StoreError where the store does not answer: the piece is done later. One that fails
        twice is left: it may be this piece alone that the store chokes on.
        """
        if self._chores:
            chore = self._chores[0]
            try:
                chore()
            except (RefusedError, RecordError, OSError) as error:
                self._warn("the study's files, views or runs", error)
            except StoreError as error:
                if self._misses_again(chore):
                    self._warn("the study's files, views or runs", error)
                raise
            self._chores.popleft()
            return True
        if self._unlooked:
            folder, name = next(iter(self._unlooked.items()))
            try:
                self._bring(folder)
                self._refused.pop(folder, None)
                self._misses.pop(_key(folder), None)
                self.whole.add(folder)
            except (RefusedError, RecordError, OSError) as error:
                self._warn(folder.name, error)
                self._refused[folder] = name
            except StoreError as error:
                if self._misses_again(folder):
                    self._warn(folder.name, error)
                    self._refused[folder] = name
                raise
            del self._unlooked[folder]
            return True
        tell_renamed(self._renamed)
        self._renamed = 0
        return False

    def note(self, text: str) -> None:
        """Let the study's page open with `text`. Raises StoreError where it is not taken."""
        with refusing(self._open.uri):  # A second run of the study may have come late.
            name = self._config.name
            experiment = experiment_id(self._open, name)
            found = found_run(self._open, experiment, STUDY_KEY, name)
        self._parent = str(found.info.run_id) if found else self._parent
        put_study_note(self._open, self._parent, text, running=True)

    @property
    def _open(self) -> TrackingStore:
        if self._store is None:
            raise RuntimeError("the store is asked before it was opened")
        return self._store

    def _misses_of(self, what: Path | Callable[[], None]) -> int:
        return self._misses[_key(what)]

    def _misses_again(self, what: Path | Callable[[], None]) -> bool:
        """Count that the store did not take this; return whether that was once too often."""
        self._misses[_key(what)] += 1
        return self._misses_of(what) >= _MOST_MISSES

    def _warn(self, what: str, error: Exception) -> None:
        words = f"MLflow did not take {what}: {without_password(str(error))}"
        if words not in self._warned:
            self._warned.add(words)
            log.warning("%s", words)

    def _answered(self) -> None:
        self.answers += 1

    def _study_files(self) -> None:
        log_data_record(self._open, self._parent, self._places)
        log_study_config(self._open, self._parent, self._places)

    def _views(self) -> None:
        put_views(self._open, self._config, picture_names(shown_films(self._manifest)))

    def _look(self) -> None:
        self._there = job_runs(self._open, self._config.name, mend=True)
        self._baseline = first_baseline(self._places.folder)

    def _bring(self, folder: Path) -> None:
        """Bring what the store misses of a run that has ended, unless it is just being carried."""
        if folder in self._following:
            return
        run = read_run(folder)
        found = self._there.get(run.job.id)
        renamed = found is not None and is_of_an_earlier_version(found)
        later = self._later.get(run.job.id)
        carry_one(self._open, self._parent, run, found, self._baseline, later)
        self._renamed += renamed


class _Counted:
    """MLflow's client, which says of each answer, and each piece of a file, that it came."""

    def __init__(self, client: MlflowClient, answered: Callable[[], None]) -> None:
        self._client, self._answered = client, answered

    def __getattr__(self, name: str) -> Any:
        asks = getattr(self._client, name)

        def ask(*given: Any, **named: Any) -> Any:
            with telling_of_progress(self._answered):
                answer = asks(*given, **named)
            self._answered()
            return answer

        return ask


def _key(what: Path | Callable[[], None]) -> str:
    return str(what) if isinstance(what, Path) else what.__name__
