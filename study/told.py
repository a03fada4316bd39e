"""Whom a running study tells: MLflow and Optuna's database, each by a carrier of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module

from spineseg.carrier import Carrier
from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Dataset
from spineseg.errors import RefusedError
from spineseg.lease import Lease
from spineseg.limits.shrink import shrink, shrinkable
from spineseg.places import StudyPlaces
from spineseg.report.study_note import Ended, running_note
from spineseg.runs import Run
from spineseg.standing import standing
from spineseg.tracking.carried_later import CarriedLater
from spineseg.trials import most_trainings
from study.optuna_projection import OptunaProjection

_OWN_SECONDS = 5.0


class Told:
    """Both stores of a study while it runs; neither is ever waited for."""

    def __init__(
        self,
        config: StudyConfig,
        places: StudyPlaces,
        dataset: Dataset,
        runs: Sequence[Run],
        lease: Lease,
        say: Callable[[str], None],
    ) -> None:
        """Begin to carry; `runs` are those on record."""
        self._config, self._places, self._say, self._lease = config, places, say, lease
        self._synthetic = dataset.manifest.synthetic
        self._runs = {run.job.number: run for run in runs}
        self._mlflow = CarriedLater(config, places, dataset.manifest, runs)
        self._carriers = {
            "MLflow": Carrier(self._mlflow, "MLflow", say),
            "Optuna's database": Carrier(OptunaProjection(config, lease), "Optuna's database", say),
        }
        for carrier in self._carriers.values():
            carrier.start()
        # What compares the study takes seconds to import: meanwhile, in the thread that has MLflow.
        self._carriers["MLflow"].note(partial(import_module, "study.compare"), "imports")
        if config.store.mlflow_uri is None and (places.root / "mlflow.db").exists():
            self._carriers["MLflow"].first_answer(_OWN_SECONDS)  # A file answers at once.
            self.check()

    def news(self, run: Run) -> None:
        """Say that something happened in a run, as far as its log has been read."""
        first = run.job.number not in self._runs
        self._runs[run.job.number] = run
        for carrier in self._carriers.values():
            carrier.news(run.folder, run.job, ended=run.end is not None)
        if first or run.end is not None:
            self._note()
            self._shrink()

    def check(self) -> None:
        """Raise what ends the study: another driver has it, or MLflow has another one's records."""
        self._lease.renew()
        refusal = self._carriers["MLflow"].first_answer(0)
        if isinstance(refusal, RefusedError):
            raise refusal

    def close(self, seconds: float) -> None:
        """Let both stores have what they take, and say what follows next time."""
        for name, carrier in self._carriers.items():
            missed = carrier.close(seconds)
            if missed:
                self._say(
                    f"{name} has not taken all of {len(missed)} runs "
                    f"({', '.join(missed[:5])}{' ..' if len(missed) > 5 else ''}): "
                    "the rest follows with the next command"
                )
        self._shrink()

    def _note(self) -> None:
        """Let the study's page in MLflow open with how far it is."""
        runs = standing(list(self._runs.values()))
        told: list[Ended] = [Ended.of(r.job, r.end) for r in runs if r.end and not r.asked_again]
        note = running_note(self._config, self._synthetic, told, most_trainings(self._config))
        self._carriers["MLflow"].note(lambda: self._mlflow.note(note))

    def _shrink(self) -> None:
        """Remove what `store.keep` lets go of runs that MLflow has whole."""
        for run in shrinkable(self._config, list(self._runs.values()), self._places):
            if run.folder in self._mlflow.whole:
                shrink(run, time.time())
