"""A study's data, config, packages and command, on the study's run: what runs it again."""

from __future__ import annotations

import hashlib

from spineseg.config.recorded import read_origin
from spineseg.places import StudyPlaces
from spineseg.tracking.store import TrackingStore, refusing
from spineseg.tracking.tracked_runs import as_tags, log_study_artifacts

COMMAND, CONFIG = "command", "config"
FOLDER = "study"  # Among the run's artifacts.


def log_data_record(store: TrackingStore, run_id: str, places: StudyPlaces) -> None:
    """Put the manifest and the audit of the study's data there, where they are missing.

    Raises StoreError where the store does not answer.
    """
    files = {f"data/{path.name}": path for path in sorted(places.data_record.iterdir())}
    log_study_artifacts(store, run_id, files, replace=False)


def log_study_config(store: TrackingStore, run_id: str, places: StudyPlaces) -> None:
    """Put them there, anew where they have changed; nothing for a study that has none on record.

    Raises StoreError where the store does not answer.
    """
    files = [path for path in (places.config, places.packages) if path.is_file()]
    if not places.config.is_file():
        return
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    with refusing(store.uri):
        same = store.client.get_run(run_id).data.tags.get(CONFIG) == digest
    named = {f"{FOLDER}/{path.name}": path for path in files}
    log_study_artifacts(store, run_id, named, replace=not same)
    if not same:
        origin = read_origin(places.config)
        told = {COMMAND: origin.command} if origin else {}
        with refusing(store.uri):  # Last: cut off before it, the files are put there again.
            store.client.log_batch(run_id, tags=as_tags(told | {CONFIG: digest}))
