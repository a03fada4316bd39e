"""Optuna's database, opened: its own file under the root, or another by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import optuna
import sqlalchemy

from spineseg import database
from spineseg.config.study import StudyConfig
from spineseg.database import engine_options, patiently
from spineseg.errors import StoreError
from spineseg.files import without_password
from spineseg.lease import Lease

optuna.logging.set_verbosity(optuna.logging.WARNING)


def refusing(config: StudyConfig) -> AbstractContextManager[None]:
    """Turn whatever Optuna's store raises into a StoreError of one line.

    StoreAwayError where it does not answer, or is locked.
    """
    return database.refusing(config.store.optuna_url, optuna.exceptions.OptunaError)


def open_storage(config: StudyConfig) -> optuna.storages.RDBStorage:
    """Return Optuna's storage, its tables made where they are missing.

    Raises StoreAwayError where it does not answer or is locked, StoreError where it cannot be used.
    """
    url, root = config.store.optuna_url, config.store.root
    with refusing(config):
        if url is None:
            root.mkdir(parents=True, exist_ok=True)
            url = f"sqlite:///{(root / 'optuna.db').resolve()}"
        address, options = engine_options(url)
        engine = sqlalchemy.create_engine(address, **options)
        try:
            # Both keep their version in a table alembic_version: one would take the other's.
            mlflows = sqlalchemy.inspect(engine).has_table("registered_models")
        finally:
            engine.dispose()
        if mlflows or url == config.store.mlflow_uri:
            raise StoreError(
                f"Optuna's store {without_password(url)} is MLflow's database, and Optuna needs "
                "one of its own; name another as store.optuna_url"
            )
        return optuna.storages.RDBStorage(address, engine_kwargs=options)


@contextmanager
def study_held(
    config: StudyConfig,
    say: Callable[[str], None],
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[Lease]:
    """Hold the study in Optuna's database alone; a database that is locked is waited for.

    Raises InUseError where another driver, of another root or machine, has it.
    """

    def taken() -> Lease:
        storage = open_storage(config)
        own = config.store.optuna_url is None
        lease = Lease(storage.engine, config.name, config.store.root, say=say, own_file=own)
        lease.take()
        return lease

    lease = patiently(taken, say, stopping=stopping)
    try:
        yield lease
    finally:
        lease.let_go()
