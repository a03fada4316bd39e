"""Opens the tracking store: the project's own under `mlruns/`, or an MLflow server."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import mlflow
import requests
from alembic.util import CommandError
from mlflow.entities import Experiment, ViewType
from mlflow.exceptions import MlflowException, RestException
from mlflow.tracking import MlflowClient
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri
from sqlalchemy.exc import SQLAlchemyError

from spineseg.errors import NoneYetError, RefusedError, StoreError
from spineseg.files import without_password as without_password
from spineseg.files import write_whole
from spineseg.places import locked_within
from spineseg.tracking.file_transfer import be_patient_with_files

for _name in ("alembic", "mlflow.tracking", "mlflow.models", "mlflow.pyfunc"):
    logging.getLogger(_name).setLevel(logging.ERROR)
# It prints a traceback of what it raises as well; `refusing` tells that in one line.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

_REFUSALS = {  # Words of a store that is there and will not: of no use to ask again.
    *("BAD_REQUEST", "INVALID_PARAMETER_VALUE", "INVALID_STATE", "FEATURE_DISABLED"),
    *("RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST", "ALREADY_EXISTS", "NOT_FOUND"),
    *("PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"),
}
_PASSING = (408, 429)  # HTTP's words for: later.
_HERE = (ImportError, PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError)
_MAKING_SECONDS = 60.0  # MLflow makes a new store in seconds; on a slow disk in more.


@dataclass(frozen=True)
class TrackingStore:
    """An open store. `root` is the study's own folder, where local artifacts lie."""

    uri: str
    root: Path
    client: MlflowClient

    @property
    def is_local(self) -> bool:
        """Whether this is the project's own store on this machine."""
        return self.uri.startswith("sqlite:")

    @property
    def is_server(self) -> bool:
        """Whether this is a server, with pages of its own; else a database."""
        return self.uri.startswith(("http:", "https:"))


def is_remote(mlflow_uri: str | None) -> bool:
    """Return whether a store is asked over a network: it may be away, and nothing is broken."""
    return bool(mlflow_uri) and not str(mlflow_uri).startswith("sqlite:")


def open_store(root: Path, mlflow_uri: str | None) -> TrackingStore:
    """Return the store at `mlflow_uri`, or the own one under `root`, made where it is missing.

    Raises StoreError where it cannot be reached or made.
    """
    uri = _address(root, mlflow_uri)
    with refusing(uri):
        if mlflow_uri is None:
            (root / "artifacts").mkdir(parents=True, exist_ok=True)
        with _made_by_one(uri, root):
            store = _opened(uri, root)
            if mlflow_uri is None:
                _drop_empty_default(store)
            return store


def _drop_empty_default(store: TrackingStore) -> None:
    """Delete the experiment that MLflow makes with a store, where nobody has put anything there."""
    default, everything = ["0"], ViewType.ALL
    there = store.client.search_experiments(filter_string="name = 'Default'")
    if [experiment.experiment_id for experiment in there] != default:
        return
    if store.client.search_runs(default, run_view_type=everything, max_results=1):
        return
    if store.client.search_logged_models(default, max_results=1):
        return
    if not store.client.search_traces(default, max_results=1, include_spans=False):
        with suppress(MlflowException):  # A store that may only be read keeps it.
            store.client.delete_experiment(default[0])


def open_existing_store(root: Path, mlflow_uri: str | None) -> TrackingStore:
    """Return the store at `mlflow_uri`, or the own one under `root`; nothing is made or grown.

    Raises StoreError where there is none, or it does not answer.
    """
    uri = _address(root, mlflow_uri)
    file = _sqlite_file(uri)
    if file is not None and not _is_tracking_store(file):
        raise NoneYetError(
            f"{file}: there is no tracking store",
            "name a folder of records, a server as http://HOST:5000 or a database as "
            "sqlite:///FILE",
        )
    with refusing(uri):
        return _opened(uri, root)


def _opened(uri: str, root: Path) -> TrackingStore:
    be_patient_with_files()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.search_experiments(max_results=1)
    return TrackingStore(uri, root, client)


def _address(root: Path, mlflow_uri: str | None) -> str:
    return mlflow_uri or f"sqlite:///{(root / 'mlflow.db').resolve()}"


def _sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite address, None for any other."""
    path = uri.removeprefix("sqlite:///").partition("?")[0]  # Behind it: how it is opened.
    return Path(path) if uri.startswith("sqlite:///") else None


def _is_tracking_store(file: Path) -> bool:
    """Return whether a file is a database of MLflow's; it is only read."""
    if not file.is_file():
        return False
    asked = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'experiments'"
    try:
        address = f"{file.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            return database.execute(asked).fetchone() is not None
    except sqlite3.Error:
        return False


@contextmanager
def _made_by_one(uri: str, root: Path) -> Iterator[None]:
    """Let one process at a time make a SQLite store, and open it: MLflow does so without a lock."""
    file = _sqlite_file(uri)
    if file is None or not file.parent.is_dir():
        yield
        return
    with locked_within(file.with_name(f"{file.name}.lock"), _MAKING_SECONDS) as free:
        if not free:
            raise StoreError(
                f"{file}: another process has been opening it for {_MAKING_SECONDS:.0f} s; try "
                "again when that has ended"
            )
        if not file.exists():
            _make_whole(file, root)
        yield


def _make_whole(file: Path, root: Path) -> None:
    """Make a new SQLite store aside: MLflow cannot open one whose making was killed, ever again."""
    aside = file.with_name(f".{file.name}.new")
    for left in (aside, aside.with_name(f"{aside.name}-journal")):
        left.unlink(missing_ok=True)
    _opened(f"sqlite:///{aside}", root)
    write_whole(file, aside.read_bytes())
    aside.unlink()


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn whatever a store raises into one line that names `what`.

    RefusedError where it answers, and waiting does not help.
    """
    try:
        yield
    except (MlflowException, SQLAlchemyError, CommandError, ImportError, OSError) as error:
        # MLflow lets some of what is below it through.
        if isinstance(error, OSError) and error.errno in (28, 122):
            raise  # A full disk has its own remedy.
        raise (RefusedError if _refuses(error) else StoreError)(
            f"tracking store {without_password(what)}: {_reason(error)}; {_remedy(what, error)}"
        ) from None


def _refuses(error: Exception) -> bool:
    """Return whether a store is there and will not, so that waiting does not help."""
    if isinstance(error, requests.HTTPError):  # What a server's files are kept by.
        status = error.response.status_code if error.response is not None else None
    elif isinstance(error, MlflowException):
        if error.error_code in _REFUSALS:
            return True
        told = re.search(r"failed with error code (\d{3})\b", str(error))  # A proxy's, as 413.
        status = int(told[1]) if told and not isinstance(error, RestException) else None
    else:
        return isinstance(error, _HERE)
    return status is not None and 400 <= status < 500 and status not in _PASSING


def _reason(error: Exception) -> str:
    text = str(error)
    if "Connection refused" in text:
        return "refuses connections"
    asked = isinstance(error, MlflowException | OSError) and not isinstance(error, RestException)
    if asked and ("timed out" in text or "timeout exception" in text):
        of_a_file = re.search(r"read timeout=([\d.]+)", text)
        limit = float(of_a_file[1] if of_a_file else os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"])
        return f"does not answer within {limit:.0f} s"
    return without_password((text.splitlines() or [type(error).__name__])[0])[:200]


def _remedy(what: str, error: Exception) -> str:
    check = "check store.root and store.mlflow_uri, or --store"
    if "readonly database" in str(error):
        return f"it may be read and not written here; get the right to, or {check}"
    if "error code 401" in str(error):
        return "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to a login of that server"
    if isinstance(error, ImportError):
        return f"install that database's driver, or {check}"
    if what.startswith("sqlite:") and isinstance(error, SQLAlchemyError | CommandError):
        return (
            "if it is damaged or another program's, move it away: it is filled again from the run "
            f"folders; or {check}"
        )
    return check


def experiments(store: TrackingStore, view: int = ViewType.ACTIVE_ONLY) -> list[Experiment]:
    """Return all experiments of a store; with ViewType.ALL deleted ones, too."""
    found: list[Experiment] = []
    page: str | None = None
    with refusing(store.uri):
        while True:
            some = store.client.search_experiments(view, page_token=page)
            found += some
            page = some.token
            if not page:
                return found


def experiment_id(store: TrackingStore, name: str) -> str:
    """Return the id of the experiment `name`, made where it is missing."""
    with refusing(store.uri):
        found = store.client.get_experiment_by_name(name)
        if found is None:
            place = (store.root / "artifacts").resolve().as_uri() if store.is_local else None
            location = f"{place}/{name}" if place else None
            # Its kind makes MLflow's pages open on training runs, not on language models.
            tags = {"mlflow.experimentKind": "custom_model_development"}
            try:
                made = store.client.create_experiment(name, artifact_location=location, tags=tags)
                return str(made)
            except MlflowException as error:
                found = store.client.get_experiment_by_name(name)  # Another was quicker.
                if found is None or error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        _refuse_moved(store, name, found.artifact_location)
        if found.lifecycle_stage == "deleted":
            store.client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)


def _refuse_moved(store: TrackingStore, name: str, location: str) -> None:
    """Raise RefusedError where an own store would write beside the records of another root."""
    if not store.is_local or not is_local_uri(location):
        return
    place = (store.root / "artifacts").resolve()
    found = Path(local_file_uri_to_path(location)).resolve()
    if not found.is_relative_to(place):
        raise RefusedError(
            f"tracking store {store.uri}: keeps the files of {name!r} in {found}, not in {place}, "
            "as one that was copied or moved does; move its file away: it is filled again from the "
            "run folders by the next command (the registry is not: mlruns/promotions.jsonl has its "
            "history), or name another store.mlflow_uri"
        )
