"""Arms: one configuration and its trainings, and what they show against the baseline's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np

from spineseg.data.manifest import Manifest
from spineseg.errors import DataError
from spineseg.evaluation.records import FilmRecord
from spineseg.evidence.comparison import compare_arms
from spineseg.evidence.effects import Effect
from spineseg.evidence.results import ArmResult
from spineseg.evidence.run_matches import RunMatches
from spineseg.evidence.significance import holm
from spineseg.films import Part
from spineseg.metrics import METRICS
from spineseg.runs import Run


class Arm(NamedTuple):
    """One configuration: where it was found, and its completed trainings on fresh seeds."""

    name: str
    found: Run | None
    fresh: list[Run]

    @property
    def runs(self) -> list[Run]:
        """The trainings that may speak for it.

        The baseline's first one is among them: nobody picked it, so no luck lies in it.
        """
        first = [self.found] if self.name == "baseline" and self.found else []
        return [*self.fresh, *first]

    @property
    def mean(self) -> float:
        """The objective's mean over those trainings, on the validation part."""
        return fmean(run.value for run in self.runs)


def confirmed_arms(runs: Iterable[Run]) -> dict[str, Arm]:
    """Return the arms that were trained on fresh seeds: the baseline first, then best first."""
    completed = [run for run in runs if run.outcome == "completed"]
    fresh: dict[str, list[Run]] = defaultdict(list)
    for run in completed:
        if run.job.kind == "confirm":
            fresh[run.job.arm].append(run)
    found = {run.name: run for run in completed if run.job.kind != "confirm"}
    arms = [Arm(name, found.get(name), again) for name, again in fresh.items()]
    arms.sort(key=lambda arm: (arm.name != "baseline", -arm.mean))
    return {arm.name: arm for arm in arms}


class MatchReader:
    """Reads runs' records of one part once, as their study numbers, and knows whose films are."""

    def __init__(
        self, manifest: Manifest, part: Part = "valid", *, called: Mapping[str, str] | None = None
    ) -> None:
        """Prepare to read all films of a part, or those that `called` has: name -> its other."""
        self.part = part
        self._manifest = manifest
        self._called = called
        self._known: dict[str, RunMatches] = {}

    def run(self, run: Run) -> RunMatches:
        """Return a run's matches. Raises DataError where it has none, or on other data."""
        if run.job.data_fingerprint != self._manifest.fingerprint:
            raise DataError(
                f"{run.folder}: was made on data {run.job.data_fingerprint[:12]}, the study's are "
                f"{self._manifest.fingerprint[:12]}; only runs on the same data can be compared"
            )
        if run.job.id not in self._known:
            self._known[run.job.id] = RunMatches.of(self._records(run))
        return self._known[run.job.id]

    def _records(self, run: Run) -> list[FilmRecord]:
        records = run.records(self.part)
        if self._called is None:
            return records
        known = {record.name: record for record in records}
        missing = [name for name in self._called if name not in known]
        if missing:
            raise DataError(
                f"{run.folder}: has no record of the film {missing[0]}; put a backup in its place"
            )
        return [
            known[name].model_copy(update={"name": other}) for name, other in self._called.items()
        ]

    def runs(self, runs: Iterable[Run]) -> list[RunMatches]:
        """Return the matches of several runs."""
        return [self.run(run) for run in runs]

    def evaluated(self, runs: Iterable[Run]) -> list[Run]:
        """Return those of the runs that left records of the part."""
        return [run for run in runs if run.is_evaluated(self.part)]

    def patients(self, run: RunMatches) -> list[str]:
        """Return the patient of each of a run's films.

        Raises DataError for films that the data do not have: other data.
        """
        group = {entry.name: entry.group for entry in self._manifest.entries}
        missing = [name for name in run.films if name not in group]
        if missing:
            raise DataError(
                f"film {missing[0]} is scored but not in the data; the run was made on other data"
            )
        return [group[name] for name in run.films]


def arm_results(arms: Iterable[Arm], reader: MatchReader, objective: str) -> list[ArmResult]:
    """Return each arm's scores and effects on the reader's part, corrected over the finalists.

    An arm needs two runs or more with records, and so does the baseline's.
    """
    there = {arm.name: (arm, reader.evaluated(arm.runs)) for arm in arms}
    there = {name: (arm, runs) for name, (arm, runs) in there.items() if len(runs) > 1}
    if "baseline" not in there:
        return []
    before = reader.runs(there["baseline"][1])
    patients = reader.patients(before[0])
    results = []
    for name, (arm, runs) in there.items():
        matches = reader.runs(runs)
        picked = arm.found is not None and name != "baseline"
        results.append(
            ArmResult(
                name=name,
                searched_score=arm.found.value if picked and arm.found else None,
                scores=[run.score(objective) for run in matches],
                seeds=[run.job.config.seed for run in runs],
                runs=[run.name for run in runs],
                effects=[
                    effect_of(name, before, matches, patients, metric.name)
                    for metric in (METRICS if name != "baseline" else ())
                ],
            )
        )
    return _corrected(results)


def effect_of(
    name: str,
    before: Sequence[RunMatches],
    after: Sequence[RunMatches],
    patients: Sequence[str],
    metric: str,
) -> Effect:
    """Return an arm's effect on a metric against the baseline's runs."""
    found = compare_arms(before, after, patients, metric)
    return Effect(
        name=name,
        metric=metric,
        baseline=found.baseline,
        challenger=found.challenger,
        low=found.low,
        high=found.high,
        p=found.p,
        p_holm=None,
        runs=len(after),
        baseline_runs=len(before),
    )


def _corrected(results: list[ArmResult]) -> list[ArmResult]:
    """Return the arms with each metric's p-values corrected for the number of finalists."""
    finalists = [result for result in results if result.effects]
    if not finalists:
        return results
    table = np.array([[effect.p for effect in arm.effects] for arm in finalists])
    adjusted = np.array([holm(column.tolist()) for column in table.T]).T
    corrected = {
        arm.name: arm.model_copy(
            update={
                "effects": [
                    effect.model_copy(update={"p_holm": float(p)})
                    for effect, p in zip(arm.effects, row, strict=True)
                ]
            }
        )
        for arm, row in zip(finalists, adjusted, strict=True)
    }
    return [corrected.get(result.name, result) for result in results]
