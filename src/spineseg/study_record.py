"""The whole record of a study: its runs, and the manifest and the audit of its data.

All of it lies in the study's folder, which can be copied to another machine and read there.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spineseg.called import pasted
from spineseg.config.recorded import reference_in
from spineseg.data.audit import Audit
from spineseg.data.manifest import AUDIT_FILE, MANIFEST_FILE, Dataset, Manifest, load_manifest
from spineseg.errors import DataError, RecordError, StoreError
from spineseg.files import write_whole
from spineseg.places import StudyPlaces, not_run_yet
from spineseg.runs import Run, read_runs
from spineseg.standing import standing


@dataclass(frozen=True)
class StudyRecord:
    """A study as its folder tells it."""

    places: StudyPlaces
    runs: list[Run]
    manifest: Manifest
    audit: Audit

    def run(self, name: str) -> Run | None:
        """Return the run called `name`; of one that was tried again, the last."""
        return next((run for run in standing(self.runs) if run.name == name), None)

    def data_folder(self) -> Path | None:
        """Return where the study's data lie on this machine; None where they do not."""
        merged = self.places.data / f"merged-{self.manifest.fingerprint[:12]}"
        for folder in (*{run.job.dataset for run in self.runs}, merged):
            if _holds(folder, self.manifest.fingerprint):
                return folder
        return None

    def needed_data(self) -> Dataset:
        """Return the study's data. Raises DataError where they are not on this machine."""
        folder = self.data_folder()
        if folder is None:
            raise DataError(
                f"the data {self.manifest.fingerprint[:12]} of study {self.places.study!r} are not "
                f"on this machine; make them with `spineseg data {self.places.study}`"
            )
        return Dataset(folder, self.manifest)


def _holds(folder: Path, fingerprint: str) -> bool:
    try:
        return load_manifest(folder).fingerprint == fingerprint
    except (OSError, ValueError, DataError):
        return False


def read_study(places: StudyPlaces) -> StudyRecord:
    """Return the record of a study.

    Raises StoreError where it was never run, RecordError where its folder is damaged.
    """
    runs = read_runs(places.folder)
    if not runs:
        words = reference_in(places.root, places.study) if places.config.is_file() else ["FILE"]
        run = pasted(f"run {shlex.join(words)}")
        raise StoreError(f"{not_run_yet(places)}; start it with `{run}`")
    try:
        manifest = load_manifest(places.data_record)
        audit = Audit.model_validate_json((places.data_record / AUDIT_FILE).read_bytes())
    except (OSError, ValueError, DataError) as error:
        raise RecordError(
            f"{places.data_record}: the manifest or the audit of the study's data cannot be read "
            f"({type(error).__name__}); put them back, or let `spineseg run` write them"
        ) from None
    return StudyRecord(places, runs, manifest, audit)


def keep_data_record(places: StudyPlaces, dataset: Dataset, more: Iterable[Path] = ()) -> None:
    """Copy the manifest and the audit of a study's data, and what else is told, into its folder."""
    places.data_record.mkdir(parents=True, exist_ok=True)
    for file in (dataset.folder / MANIFEST_FILE, dataset.folder / AUDIT_FILE, *more):
        write_whole(places.data_record / file.name, file.read_bytes())
