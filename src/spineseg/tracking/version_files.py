"""What a registered version carries in short tags and, proven by a hash, in files of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from spineseg.errors import StoreError
from spineseg.files import sha256_of
from spineseg.prediction.suffixes import WEIGHT_SUFFIXES
from spineseg.tracking.store import TrackingStore, without_password

T = TypeVar("T")


def hash_tag(name: str) -> str:
    """Return the tag that holds the SHA-256 of a version's file `NAME.json`."""
    return f"{name}_sha256"


def version_file(
    store: TrackingStore, found: ModelVersion, name: str, read: Callable[[str], T]
) -> T | None:
    """Return what `read` makes of a version's file `NAME.json`, checked by the hash in its tag.

    Versions of before have the same text in a tag `NAME`; None where there is neither. Raises
    StoreError where the file is gone, has another hash, or cannot be read.
    """
    if hash_tag(name) not in found.tags:
        return version_tag(store, found, name, read) if name in found.tags else None
    file, wanted = f"{name}.json", found.tags[hash_tag(name)]
    what = f"{described(store, found)}: its file {file}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            uri = f"models:/{found.name}/{found.version}/{file}"
            path = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder))
            sha256, text = sha256_of(path), path.read_text()
        except (MlflowException, OSError):
            raise StoreError(
                f"{what} is gone; put its artifacts back, or promote a run again with "
                "`spineseg promote`"
            ) from None
    if sha256 != wanted:
        raise StoreError(
            f"{what} has the SHA-256 {sha256[:12]}, its tag {hash_tag(name)} says {wanted[:12]}: "
            "one of the two was altered; put the file back, or promote a run again with "
            "`spineseg promote`"
        )
    try:
        return read(text)
    except ValueError:
        raise StoreError(
            f"{what} cannot be read by this version of the software; promote the run again"
        ) from None


def version_tag(store: TrackingStore, found: ModelVersion, key: str, read: Callable[[str], T]) -> T:
    """Return what `read` makes of a version's tag. Raises StoreError where there is none."""
    if key not in found.tags:
        raise StoreError(lacking(store, found, key))
    try:
        return read(found.tags[key])
    except ValueError:
        raise StoreError(
            f"{described(store, found)}: its tag {key} is {found.tags[key][:40]!r}, which this "
            "version of the software cannot read; promote the run again, or mend the tag"
        ) from None


def lacking(store: TrackingStore, found: ModelVersion, key: str) -> str:
    """Return the line on a version without a tag that it must have."""
    return (
        f"{described(store, found)}: has no tag {key}, which `spineseg promote` writes and a "
        "registration by hand does not; promote the run, or add the tag"
    )


def described(store: TrackingStore, found: ModelVersion) -> str:
    """Return which version of which store this is."""
    return f"model {found.name!r} version {found.version} of {without_password(store.uri)}"


def has_weights(found: ModelVersion) -> bool:
    """Return whether a version's weights lie where it says."""
    uri = f"models:/{found.name}/{found.version}/artifacts"
    try:
        files = mlflow.artifacts.list_artifacts(artifact_uri=uri)
    except (MlflowException, OSError):
        return False
    return any(file.path.endswith(WEIGHT_SUFFIXES) for file in files)
