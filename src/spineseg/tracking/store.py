"""Opens the tracking store: the project's own under `mlruns/`, or an MLflow server."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from spineseg.errors import StoreError

for _name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking", "mlflow.models"):
    logging.getLogger(_name).setLevel(logging.ERROR)


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


def open_store(root: Path, mlflow_uri: str | None) -> TrackingStore:
    """Return the store at `mlflow_uri`, or the own one under `root`, made where it is missing.

    Raises StoreError where it cannot be reached or made.
    """
    uri = mlflow_uri or f"sqlite:///{(root / 'mlflow.db').resolve()}"
    with refusing(uri):
        if mlflow_uri is None:
            (root / "artifacts").mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
    return TrackingStore(uri, root, client)


def open_existing_store(root: Path, mlflow_uri: str | None) -> TrackingStore:
    """Return the store at `mlflow_uri`, or the own one under `root`; nothing is made.

    Raises StoreError where there is none, or it does not answer.
    """
    uri = mlflow_uri or f"sqlite:///{root / 'mlflow.db'}"
    file = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not file.is_file():
        raise StoreError(
            f"{file}: there is no tracking store; name a folder of records, a server as "
            "http://HOST:5000 or a database as sqlite:///FILE"
        )
    return open_store(root, mlflow_uri)


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn whatever a store raises into one line that names `what`."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:  # MLflow lets some through.
        if isinstance(error, OSError) and error.errno in (28, 122):
            raise  # A full disk has its own remedy.
        reason = without_password((str(error).splitlines() or [type(error).__name__])[0][:200])
        raise StoreError(
            f"tracking store {without_password(what)}: {reason}; "
            "check store.root and store.mlflow_uri, or --store"
        ) from None


def without_password(text: str) -> str:
    """Return `text` with the user and password of every URL in it blotted out."""
    return re.sub(r"(\w+://)[^/\s@]+@", r"\1***@", text)


def experiment_id(store: TrackingStore, name: str) -> str:
    """Return the id of the experiment `name`, made where it is missing."""
    with refusing(store.uri):
        found = store.client.get_experiment_by_name(name)
        if found is None:
            place = (store.root / "artifacts").resolve().as_uri() if store.is_local else None
            location = f"{place}/{name}" if place else None
            # Its kind makes MLflow's pages open on training runs, not on language models.
            tags = {"mlflow.experimentKind": "custom_model_development"}
            made = store.client.create_experiment(name, artifact_location=location, tags=tags)
            return str(made)
        if found.lifecycle_stage == "deleted":
            store.client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
