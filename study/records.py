"""Where a study's records lie: its Optuna storage, its run folders, its lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy.exc
from optuna.trial import FrozenTrial

from spineseg.config.study import StudyConfig
from spineseg.errors import StoreError


def trial_name(trial: FrozenTrial) -> str:
    """Return a trial's name; its number where it was cut off before it had one."""
    return str(trial.user_attrs.get("name", f"trial-{trial.number}"))


class Records:
    """Where one study's records lie on this machine."""

    def __init__(self, config: StudyConfig) -> None:
        self.config = config
        self.root = config.store.root
        self.work = self.root / "work"
        self.folder = self.work / "studies" / config.name
        self.report = self.folder / "report.html"

    @property
    def data_cache(self) -> Path:
        """Where made, fetched and merged data lie, for all studies."""
        return self.work / "data"

    @property
    def weights_cache(self) -> Path:
        """Where published checkpoints lie."""
        return self.work / "weights"

    @property
    def trainer_cache(self) -> Path:
        """Ultralytics' private settings."""
        return self.work / "ultralytics"

    def run_folder(self, trial_number: int, name: str) -> Path:
        """Return the folder of one trial's job, events and weights."""
        return self.folder / f"{trial_number:03d}-{name}"

    def folder_of(self, trial: FrozenTrial) -> Path:
        """Return the folder of a trial on record."""
        return self.run_folder(trial.number, trial_name(trial))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study alone. Raises StoreError while another process drives it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "driver.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode().strip()
            os.close(descriptor)
            raise StoreError(
                f"study {self.config.name!r} is being run or promoted already (process {holder}); "
                "wait for it, or see `spineseg status`"
            ) from None
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def storage(self) -> optuna.storages.RDBStorage:
        """Return Optuna's storage. Raises StoreError where it cannot be opened."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        url = self.config.store.optuna_url
        options: dict[str, Any] = {}
        try:
            if url is None:
                self.root.mkdir(parents=True, exist_ok=True)
                url = f"sqlite:///{(self.root / 'optuna.db').resolve()}"
                options = {"connect_args": {"timeout": 60}}
            return optuna.storages.RDBStorage(url, engine_kwargs=options)
        except (OSError, sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise StoreError(
                f"Optuna's store {_without_password(url)} cannot be opened ({reason}); "
                "check store.root and store.optuna_url"
            ) from None

    def load(self) -> optuna.Study:
        """Return the study on record. Raises StoreError where there is none yet."""
        names = []
        if self.config.store.optuna_url or (self.root / "optuna.db").exists():
            storage = self.storage()
            names = optuna.study.get_all_study_names(storage)
        if self.config.name not in names:
            known = f"; on record: {', '.join(names)}" if names else ""
            raise StoreError(
                f"study {self.config.name!r} has not been run yet{known}; start it with "
                "`spineseg run`"
            )
        return optuna.load_study(study_name=self.config.name, storage=storage)


def _without_password(url: str | None) -> str:
    return str(sqlalchemy.engine.make_url(url)) if url else "optuna.db"
