"""A database by its address: connected to, its refusals in one line, a lock waited for."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy.pool import NullPool

from spineseg.errors import StoreError
from spineseg.files import without_password

T = TypeVar("T")
REFUSALS = (
    OSError,
    ImportError,
    LookupError,  # What is gone from the database, as a study that was deleted there.
    RuntimeError,
    ValueError,
    sqlalchemy.exc.SQLAlchemyError,
)
_PASSING = (
    *("locked", "busy", "refused", "starting up", "shutting down", "terminating connection"),
    *("timeout", "timed out", "too many", "closed the connection", "recovery mode"),
)
"""What a database says that may answer soon."""
TRIED_SECONDS, _SAID_EVERY_SECONDS, _PAUSE_SECONDS = 300.0, 20.0, 1.0
# A network that drops packets would else hold a request for a quarter of an hour.
_POSTGRESQL = {"connect_timeout": 5, "keepalives_idle": 10, "tcp_user_timeout": 20_000}


class StoreAwayError(StoreError):
    """The database does not answer, or is locked: it may soon."""


def engine_options(url: str) -> tuple[str, dict[str, Any]]:
    """Return the address with its driver named, and how its connections are made."""
    scheme, separator, rest = url.partition("://")
    if scheme in ("postgres", "postgresql"):
        driver = "psycopg" if importlib.util.find_spec("psycopg") else "psycopg2"
        url = f"postgresql+{driver}{separator}{rest}"
    asked = sqlalchemy.make_url(url)
    if asked.get_backend_name() == "sqlite":
        # Opened anew each time: a file that was moved away is noticed, and filled again. A lock is
        # waited for by whoever can say so, not within SQLite.
        pool = {} if asked.database in (None, "", ":memory:") else {"poolclass": NullPool}
        return url, {"connect_args": {"timeout": 2}, **pool}
    if asked.get_driver_name() not in ("psycopg", "psycopg2"):
        return url, {"pool_pre_ping": True}
    told = {key: value for key, value in _POSTGRESQL.items() if key not in asked.query}
    return url, {"pool_pre_ping": True, "connect_args": told}


@contextmanager
def refusing(url: str | None, *more: type[Exception]) -> Iterator[None]:
    """Turn whatever the store at `url` (None: the own file) raises into a StoreError of one line.

    `more` are a library's own errors. StoreAwayError where it does not answer, or is locked.
    """
    try:
        yield
    except REFUSALS + more as error:
        told: Exception = error
        if not isinstance(error, sqlalchemy.exc.SQLAlchemyError):
            told = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise unusable(url, told) from error


def unusable(url: str | None, error: Exception) -> StoreError:
    """Return what is told of a store that raised `error`."""
    said = str(getattr(error, "orig", None) or error)
    lines = said.splitlines()
    # Blotted out first: of an address that is cut one no longer sees what its password is.
    reason = without_password((lines or [type(error).__name__])[0])[:200]
    remedy = "check store.optuna_url"
    if url is None or url.startswith("sqlite:"):
        remedy = "check store.root and store.optuna_url, or move the file away: it is filled again"
    if isinstance(error, ImportError) and str(url).startswith("postgres"):
        remedy = "install its driver by `make setup EXTRA=postgres`, and begin with postgresql://"
    place = without_password(url or "optuna.db")
    may_pass = isinstance(error, sqlalchemy.exc.OperationalError | sqlalchemy.exc.TimeoutError)
    away = may_pass and any(word in said.lower() for word in _PASSING)
    kind = StoreAwayError if away else StoreError
    return kind(f"Optuna's store {place} cannot be used ({reason}); {remedy}")


def patiently(
    work: Callable[[], T],
    say: Callable[[str], None],
    seconds: float = TRIED_SECONDS,
    stopping: Callable[[], bool] = lambda: False,
) -> T:
    """Return what `work` returns, tried again for `seconds` while the store is away or locked.

    `say` hears of it at once and every 20 s; it ends early where `stopping` says so. Raises what
    `work` raised last.
    """
    began = time.monotonic()
    said = -_SAID_EVERY_SECONDS
    while True:
        try:
            return work()
        except StoreAwayError as error:
            waited = time.monotonic() - began
            if waited >= seconds or stopping():
                raise
            if waited - said >= _SAID_EVERY_SECONDS:
                said = waited
                say(f"{error}; tried again for {seconds - waited:.0f} s more (Ctrl-C stops)")
            time.sleep(_PAUSE_SECONDS)
