"""A study on its way to MLflow, which is imported where it is opened: in the carrier's thread.

MLflow's import takes seconds, and nobody who drives a study should wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Manifest
from spineseg.job import Job
from spineseg.places import StudyPlaces
from spineseg.runs import Run


class CarriedLater:
    """A `carried_study.CarriedStudy` that comes to be when it is opened; a `carrier.Target`."""

    def __init__(
        self, config: StudyConfig, places: StudyPlaces, manifest: Manifest, runs: Sequence[Run]
    ) -> None:
        """Prepare to carry a study; `runs` are those on record. Nothing is asked of the store."""
        self._given = (config, places, manifest, list(runs))
        self._made: Any = None  # A `CarriedStudy`.

    @property
    def answers(self) -> int:
        """How often the store has answered."""
        return int(self._made.answers) if self._made else 0

    @property
    def whole(self) -> set[Path]:
        """Folders of ended runs of which the store has all."""
        return set(self._made.whole) if self._made else set()

    @property
    def left(self) -> list[str]:
        """Names of ended runs that may still lack something in the store."""
        return list(self._made.left) if self._made else []

    def open(self) -> None:
        """Import MLflow where that is still to be done, and open the store, as `CarriedStudy`."""
        if self._made is None:
            module = import_module("spineseg.tracking.carried_study")
            self._made = module.CarriedStudy(*self._given)
        self._made.open()

    def carry(self, folder: Path, job: Job) -> None:
        """Bring a run up to date. Raises StoreError where the store does not take it."""
        self._opened.carry(folder, job)

    def idle(self) -> bool:
        """Do a piece of what is left to do, and return whether there is more."""
        return bool(self._opened.idle())

    def note(self, text: str) -> None:
        """Let the study's page open with `text`. Raises StoreError where it is not taken."""
        self._opened.note(text)

    @property
    def _opened(self) -> Any:
        if self._made is None:
            raise RuntimeError("the store is asked before it was opened")
        return self._made
