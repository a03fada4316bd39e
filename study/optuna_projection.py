"""What the run folders say, brought to Optuna's database at its own pace: it may be away."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import optuna
from optuna.study import StudyDirection
from optuna.trial import TrialState

from spineseg.config.study import StudyConfig
from spineseg.database import patiently
from spineseg.errors import RecordError, RefusedError
from spineseg.events import Event, EventReader
from spineseg.job import JOB_FILE, Job
from spineseg.lease import Lease
from spineseg.places import StudyPlaces
from spineseg.runs import Run, read_run
from spineseg.trial_record import TrialRecord, refuse_contradiction, refuse_missing, trial_of
from study.optuna_database import open_storage, refusing, study_held
from study.optuna_trials import (
    distribution,
    frozen_trial,
    reopen,
    store_outcome,
    stored_trials,
    trial_numbers,
)

log = logging.getLogger(__name__)
_NEVER_A_RUN = optuna.trial.create_trial(state=TrialState.FAIL)


class OptunaProjection:
    """A study's trials in Optuna's database: one for each run, by number, and nothing lost.

    What the database lacks is sent, wherever an earlier process was cut off. Where a `lease` is
    given, nothing is written that another driver may write by now.
    """

    def __init__(self, config: StudyConfig, lease: Lease | None = None) -> None:
        self._config, self._lease = config, lease
        self._folder = StudyPlaces(config.store.root, config.name).folder
        self._storage: optuna.storages.RDBStorage | None = None
        self._study_id = -1
        self._sent: dict[int, TrialRecord] = {}
        self._read: dict[str, tuple[EventReader, list[Event]]] = {}
        self._waiting: list[Path] = []

    @property
    def storage(self) -> optuna.storages.RDBStorage:
        """The database, once open."""
        assert self._storage is not None
        return self._storage

    def open(self) -> None:
        """Connect, make what is missing, and look which runs are there whole. Raises StoreError."""
        if self._storage is not None:
            self._storage.engine.dispose()
        self._sent.clear()
        self._storage = open_storage(self._config)
        name = self._config.name
        with refusing(self._config):
            optuna.create_study(
                study_name=name, storage=self.storage, direction="maximize", load_if_exists=True
            )
            self._study_id = self.storage.get_study_id_from_name(name)
            if self.storage.get_study_directions(self._study_id) != [StudyDirection.MAXIMIZE]:
                raise ValueError(f"its study {name!r} does not maximise, so it is another's")
            closed = trial_numbers(self.storage, self._study_id, closed=True)
        jobs = self._folder.glob(f"[0-9]*-*/{JOB_FILE}")
        folders = sorted((job.parent for job in jobs if _number(job.parent) >= 0), key=_number)
        self._waiting = [folder for folder in folders if _number(folder) not in closed]

    def carry(self, folder: Path, job: Job) -> None:
        """Bring this run's trial up to date from its log. Raises StoreError."""
        reader, events = self._read.setdefault(job.id, (EventReader(folder, job.id), []))
        try:
            events += reader.new_events()
            run = Run(folder, job, tuple(events))
            self.bring_up(run)
        except RecordError as error:
            raise RefusedError(str(error)) from None
        if run.end is not None:
            del self._read[job.id]

    def idle(self) -> bool:
        """Bring up one run more that the database lacked; False where there is none left."""
        if not self._waiting:
            return False
        try:
            self.bring_up(read_run(self._waiting[0]))
        except RecordError as error:  # This run's alone: the others follow.
            log.warning("Optuna's database did not take %s: %s", self._waiting[0].name, error)
        del self._waiting[0]
        return True

    def bring_up(self, run: Run) -> None:
        """Send what the database lacks of a run, and of those before it.

        Raises StoreError where it does not take it, RecordError where it tells something else.
        """
        if self._lease is not None:
            self._lease.assure()
        number, wanted = run.job.number, trial_of(run)
        try:
            with refusing(self._config):
                stored = self._sent.get(number) or self._stored(number) or self._added(run)
                refuse_contradiction(stored, wanted, run)
                if stored.never_was_a_run:
                    reopen(self.storage, stored)
                if not stored.is_closed:
                    self._complete(stored, wanted, run)
                self._sent[number] = stored
        except BaseException:
            self._sent.pop(number, None)  # Nobody knows what of it was taken.
            raise
        if run.end is not None:
            del self._sent[number]

    def _stored(self, number: int) -> TrialRecord | None:
        return stored_trials(self.storage, self._study_id, number).get(number)

    def _added(self, run: Run) -> TrialRecord:
        """Return the run's trial, made open: its number is its place, so earlier ones come first.

        A number that no folder has was given to what never became a run, and stays taken.
        """
        number = run.job.number
        while (there := len(trial_numbers(self.storage, self._study_id))) < number:
            folder = next(self._folder.glob(f"{there:03d}-*"), None)
            if folder is None:
                self.storage.create_new_trial(self._study_id, _NEVER_A_RUN)
            else:
                self.bring_up(read_run(folder))
        trial_id = self.storage.create_new_trial(self._study_id, frozen_trial(run, begun=True))
        stored = self._stored(number)
        if stored is None or stored.trial_id != trial_id:
            raise ValueError(f"another process gave trial {number} away; run one driver at a time")
        return stored

    def _complete(self, stored: TrialRecord, wanted: TrialRecord, run: Run) -> None:
        for key, value in wanted.attributes.items():
            if key not in stored.attributes or stored.attributes[key] != value:
                self.storage.set_trial_user_attr(stored.trial_id, key, value)
        for key in wanted.params.keys() - stored.params.keys():
            axis = distribution(run.job.space[key])
            inner = axis.to_internal_repr(wanted.params[key])
            self.storage.set_trial_param(stored.trial_id, key, inner, axis)
        stored.attributes, stored.params = wanted.attributes, wanted.params
        store_outcome(self.storage, stored, wanted, run)

    def refuse_contradictions(self, runs: Iterable[Run]) -> dict[int, TrialRecord]:
        """Return all trials of the database. Raises RecordError where one contradicts its folder.

        Also where it has none: an ended run would not be run again.
        """
        with refusing(self._config):
            trials = stored_trials(self.storage, self._study_id)
        by_number = {run.job.number: run for run in runs}
        for number, stored in trials.items():
            if run := by_number.get(number):
                refuse_contradiction(stored, trial_of(run), run)
            else:
                refuse_missing(self._config.name, stored)
        return trials

    def close_trials(self, trials: Iterable[TrialRecord]) -> None:
        """Close trials that never were a run: they wait, or were cut off before their folder."""
        with refusing(self._config):
            for stored in trials:
                self.storage.set_trial_user_attr(stored.trial_id, "name", None)
                self.storage.set_trial_state_values(stored.trial_id, TrialState.FAIL)


def _number(folder: Path) -> int:
    """Return a run's number; -1 for a folder that is none."""
    number = folder.name.partition("-")[0]
    return int(number) if number.isdigit() else -1


def fill_optuna(config: StudyConfig, runs: Sequence[Run], say: Callable[[str], None]) -> None:
    """Bring the database to what the folders say, where no driver has the study.

    Raises InUseError where one has it, and what `open_study` raises.
    """
    with study_held(config, say):
        patiently(lambda: open_study(config, runs), say)


def open_study(config: StudyConfig, runs: Sequence[Run]) -> optuna.Study:
    """Return the study in Optuna's database, made or brought to what its run folders say.

    Raises StoreError where the database cannot be used, RecordError, naming both values,
    where it tells something else of a run.
    """
    projection = OptunaProjection(config)
    projection.open()
    trials = projection.refuse_contradictions(runs)
    for run in sorted(runs, key=lambda run: run.job.number):
        stored = trials.get(run.job.number)
        if stored is None or not stored.is_closed or stored.never_was_a_run:
            projection.bring_up(run)
    with refusing(config):
        return optuna.load_study(study_name=config.name, storage=projection.storage)
