"""Where everything lies on this machine: caches for all studies, and one study's folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spineseg.errors import InUseError
from spineseg.files import is_locked, locked

DRIVER_LOCK = "driver.lock"
"""In a study's folder: who holds it drives the study."""
LOCK_FILE = "lock"
"""In a run's folder: who holds it trains the run."""
_POLL_SECONDS = 0.1


@contextmanager
def locked_within(path: Path, seconds: float) -> Iterator[bool]:
    """Hold the lock of `path` as soon as it is free; gives False where it is not in time."""
    deadline = time.monotonic() + seconds
    while True:
        with locked(path) as free:
            if free or time.monotonic() >= deadline:
                yield free
                return
        time.sleep(_POLL_SECONDS)


class Caches:
    """What is made or fetched once, for all studies."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "work" / "data"
        self.weights = root / "work" / "weights"
        self.trainer = root / "work" / "ultralytics"  # Ultralytics' private settings.
        self.models = root / "work" / "models"  # Weights fetched from a registry.


def studies_on_record(root: Path) -> list[str]:
    """Return the names of the studies under a root that hold a run, or a config, in order."""
    folder = root / "work" / "studies"
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(f.name for f in found if (f / "study.yaml").is_file() or has_runs(f))


def has_runs(study_folder: Path) -> bool:
    """Return whether a study's folder holds a run."""
    return any(study_folder.glob("[0-9]*-*/job.json"))


class StudyPlaces(Caches):
    """Where the records of one study lie."""

    def __init__(self, root: Path, study: str) -> None:
        super().__init__(root)
        self.study = study
        self.folder = root / "work" / "studies" / study
        self.data_record = self.folder / "data"  # The manifest and the audit of its data.
        self.config = self.folder / "study.yaml"  # The study as it is run, every key filled in.
        self.packages = self.folder / "requirements.lock"
        self.plan = self.folder / "plan.json"  # As it was when the study began.
        self.report = self.folder / "report.html"
        self.answer = self.folder / "answer.txt"  # What the page begins with, in words.
        self.verdict = self.folder / "promotion.json"
        self.promotions = root / "promotions.jsonl"
        self.openings = root / "test-openings.jsonl"  # By every study here.
        self.own_openings = self.folder / "test-openings.jsonl"  # By this one; goes with it.
        self.timing = self.folder / "timing"  # What `plan` trains for seconds.
        self._lock = self.folder / DRIVER_LOCK

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study alone. Raises InUseError while another process drives it."""
        with self.lock_within(0) as free:
            if not free:
                raise InUseError(
                    f"study {self.study!r} is being run or promoted already (process "
                    f"{self.holder()}); wait for it, or see `spineseg status {self.study}`"
                )
            yield

    @contextmanager
    def lock_within(self, seconds: float) -> Iterator[bool]:
        """Hold the study alone as soon as it is free; gives False where it is not in time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked_within(self._lock, seconds) as free:
            yield free

    def held_since(self) -> float | None:
        """Return when the process took the study that holds it, in seconds since the Unix epoch."""
        return self._lock.stat().st_mtime if is_locked(self._lock) else None

    def holder(self) -> str:
        """Return the number of the process that holds the study, or held it last."""
        return self._lock.read_text().strip()


def not_run_yet(places: StudyPlaces) -> str:
    """Return that a study has no run on record, and which have."""
    others = [name for name in studies_on_record(places.root) if name != places.study]
    known = f"; on record: {', '.join(others)}" if others else ""
    return f"study {places.study!r} has not been run yet{known}"
