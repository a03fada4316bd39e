"""Says whether an address can be a tracking store's at all, without asking anybody."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from spineseg.errors import ConfigError
from spineseg.files import without_password

_REMEDY = (
    "give store.mlflow_uri as http://HOST:5000, sqlite:///FILE or postgresql://USER@HOST/NAME, or "
    "leave it out for the study's own store"
)


def refuse_bad_address(uri: str | None) -> None:
    """Raise ConfigError for an address that no tracking store can have; None is the own store's.

    Whether one answers there is not asked: a study trains while its store is away.
    """
    problem = _problem(uri) if uri else None
    if uri and problem is not None:
        raise ConfigError(f"tracking store {without_password(uri)!r}: {problem}; {_REMEDY}")


def _problem(uri: str) -> str | None:
    scheme = uri.partition(":")[0].lower()
    if uri.startswith("databricks"):
        return None
    if scheme in ("http", "https") and "//" in uri:
        return _problem_of_server(uri)
    from mlflow.store.db.db_types import DATABASE_ENGINES  # Slow to import; often it is not asked.

    if scheme.partition("+")[0] not in DATABASE_ENGINES:
        return "is the address of no server and of no database that MLflow knows"
    try:
        found = make_url(uri)
        found.get_dialect().import_dbapi()
    except ImportError as error:
        return f"{error}: that database's driver is not installed; install it"
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        return without_password(str(error).splitlines()[0])
    if scheme == "sqlite" and found.database in (None, "", ":memory:"):
        return "names no file"
    return None


def _problem_of_server(uri: str) -> str | None:
    if any(letter.isspace() for letter in uri):
        return "has a space in it"
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        return str(error)
    if not parts.hostname:
        return "names no host"
    return "has port 0" if port == 0 else None
