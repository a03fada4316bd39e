"""What a study has shown: effects against the baseline with intervals, noise, luck in the search.

Built from the records of single films that every run leaves, so nothing is predicted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import MANIFEST_FILE, Manifest, load_manifest
from spineseg.errors import DataError
from spineseg.evaluation.evaluate import load_records, matches_file
from spineseg.evidence.effects import Effect
from spineseg.evidence.resampling import compare_arms
from spineseg.evidence.results import ArmResult, Evidence
from spineseg.evidence.run_matches import RunMatches
from spineseg.evidence.significance import detectable_effect, holm
from spineseg.job import Job
from study.confirm import Arm, confirmed_arms
from study.records import Records

METRICS = (
    "mask_map50_95",
    "mask_map50",
    "box_map50_95",
    "box_map50",
    "found_rate",
    "right_level_rate",
    "off_by_one_rate",
    "whole_column_right_rate",
)
_LEVEL = 0.05  # Chance of a false alarm that is put up with.
_VARIANT_RESAMPLES = 2_000
_PERMUTATIONS = 500


class MatchLoader:
    """Reads runs' per-film records once, as the study numbers them."""

    def __init__(self, records: Records, part: str = "valid") -> None:
        self._records = records
        self._part = part
        self._known: dict[int, RunMatches] = {}
        self._manifest: Manifest | None = None

    def run(self, trial: FrozenTrial) -> RunMatches:
        """Return a run's matches. Raises DataError where it has none, or on other data."""
        if trial.number not in self._known:
            folder = self._records.folder_of(trial)
            job = Job.read(folder)
            self._same_data(job.dataset)
            self._known[trial.number] = RunMatches.of(
                load_records(folder, job.numbering, self._part)
            )
        return self._known[trial.number]

    def runs(self, trials: Iterable[FrozenTrial]) -> list[RunMatches]:
        """Return the matches of several runs."""
        return [self.run(trial) for trial in trials]

    def has(self, trial: FrozenTrial) -> bool:
        """Return whether a run left records of this part."""
        return matches_file(self._records.folder_of(trial), self._part).exists()

    def patients(self, run: RunMatches) -> list[str]:
        """Return the patient of each of a run's films, by the manifest.

        Raises DataError for films that the data do not have: other data.
        """
        if self._manifest is None:
            raise DataError("no run was read yet, so there are no films to find patients of")
        group = {entry.name: entry.group for entry in self._manifest.entries}
        missing = [name for name in run.films if name not in group]
        if missing:
            raise DataError(
                f"film {missing[0]} is scored but not in the data; the run was made on other data"
            )
        return [group[name] for name in run.films]

    def _same_data(self, dataset: Path) -> None:
        if not (dataset / MANIFEST_FILE).exists():
            raise DataError(f"{dataset}: the data of the run are gone; make them with `make data`")
        manifest = load_manifest(dataset)
        if self._manifest is not None and manifest.fingerprint != self._manifest.fingerprint:
            raise DataError(
                f"runs have data {self._manifest.fingerprint[:12]} and "
                f"{manifest.fingerprint[:12]}; only runs on the same data can be compared"
            )
        self._manifest = manifest


def gather_evidence(config: StudyConfig, records: Records, study: optuna.Study) -> Evidence | None:
    """Return what the validation part shows of every variant and confirmed finalist.

    None before the baseline has completed.
    """
    completed = {
        str(t.user_attrs["name"]): t
        for t in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if "name" in t.user_attrs
    }
    loader = MatchLoader(records)
    baseline = completed.get("baseline")
    if baseline is None or not loader.has(baseline):
        return None
    arms = confirmed_arms(study)
    fresh = arms["baseline"].confirmations if "baseline" in arms else []
    fresh = [trial for trial in fresh if loader.has(trial)]
    replicates = [baseline, *fresh]
    before = loader.runs(replicates)
    patients = loader.patients(before[0])
    variants = [
        effect_of(
            str(trial.user_attrs["name"]),
            before,
            [loader.run(trial)],
            patients,
            config.objective,
            resamples=_VARIANT_RESAMPLES,
        )
        for trial in completed.values()
        if trial.user_attrs.get("kind") == "variant" and loader.has(trial)
    ]
    results = arm_results(config, arms, loader, completed)
    scores = [run.score(config.objective) for run in before]
    return Evidence(
        objective=config.objective,
        films=len(patients),
        patients=len(set(patients)),
        baseline_scores=scores,
        noise_sd=float(np.std(scores, ddof=1)) if len(scores) > 2 else None,
        seeds=config.confirm.seeds if config.confirm else 0,
        detectable_sd=detectable_effect(config.confirm.seeds) if config.confirm else None,
        variants=variants,
        arms=results,
        numbering=config.numbering,
    )


def arm_results(
    config: StudyConfig,
    arms: dict[str, Arm],
    loader: MatchLoader,
    completed: dict[str, FrozenTrial],
) -> list[ArmResult]:
    """Return each confirmed arm's scores and effects, Holm's correction over the finalists.

    An arm needs two runs or more with records, and so does the baseline's.
    """
    runs = {name: [t for t in arm.confirmations if loader.has(t)] for name, arm in arms.items()}
    runs = {name: trials for name, trials in runs.items() if len(trials) > 1}
    if "baseline" not in runs:
        return []
    before = loader.runs(runs["baseline"])
    patients = loader.patients(before[0])
    results = []
    for name, trials in runs.items():
        matches = loader.runs(trials)
        effects = (
            []
            if name == "baseline"
            else [effect_of(name, before, matches, patients, metric) for metric in METRICS]
        )
        chosen = completed.get(name)
        results.append(
            ArmResult(
                name=name,
                searched_score=chosen.values[0] if chosen is not None else None,
                scores=[run.score(config.objective) for run in matches],
                seeds=[int(t.user_attrs["changes"]["seed"]) for t in trials],
                runs=[str(t.user_attrs["name"]) for t in trials],
                effects=effects,
            )
        )
    return _corrected(results)


def effect_of(
    name: str,
    before: Sequence[RunMatches],
    after: Sequence[RunMatches],
    patients: Sequence[str],
    metric: str,
    *,
    resamples: int = 10_000,
) -> Effect:
    """Return an arm's effect on a metric against the baseline's runs."""
    found = compare_arms(
        before, after, patients, metric, resamples=resamples, permutations=_PERMUTATIONS
    )
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
