"""Two studies beside each other, film by film: baselines, and what each found to be best.

Only films can be paired that both kept for validation, with the same labels: neither has trained
on them. Arms, effects, intervals and p-values are those of one study's own evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spineseg.config.model import Model
from spineseg.config.recorded import by_name
from spineseg.data.manifest import Manifest
from spineseg.errors import ConfigError, DataError, StoreError
from spineseg.evidence.arms import Arm, MatchReader, confirmed_arms, effect_of
from spineseg.evidence.effects import Effect
from spineseg.evidence.significance import holm
from spineseg.evidence.standing import Standing
from spineseg.evidence.study_difference import Asked, differences
from spineseg.job import changes_in_words
from spineseg.metrics import METRICS
from spineseg.runs import Run
from spineseg.study_record import StudyRecord

LEAST_SHARE = 0.5
"""Share of the smaller validation part that both must have: of less, films would be picked."""
_PART = "valid"


class Side(Model):
    """One study's arm in a pair."""

    study: str
    arm: str
    changes: str
    trainings: int
    finalists: int = Field(description="Confirmed configurations that it was the best of; 0: none.")


class Pair(Model):
    """An arm of each study, and how far the second's lies above or below the first's."""

    what: Literal["baselines", "best"]
    sides: tuple[Side, Side]
    confirmed: bool = Field(description="Whether a claim may be made: else figures, no verdict.")
    covers: str = Field(description="What chance the intervals hold.")
    effects: tuple[Effect, ...] = Field(description="The second's less the first's, by metric.")


class Agreement(Model):
    """What of two studies' validation parts is the same: film by content, with its labels."""

    films: int
    patients: int
    validation: tuple[int, int] = Field(description="Validation films of each.")
    relabelled: int = Field(description="Films of both with other labels: left out.")
    fingerprints: tuple[str, str]

    @property
    def whole(self) -> bool:
        """Whether all data are the same, training films too."""
        return self.fingerprints[0] == self.fingerprints[1]


class TwoStudies(Model):
    """Two studies compared."""

    studies: tuple[str, str]
    objective: str
    synthetic: tuple[bool, bool]
    standing: tuple[Standing, Standing]
    agreement: Agreement
    pairs: tuple[Pair, ...]
    left_out: str = Field(description="Why the best are not compared; empty where they are.")
    differences: dict[str, list[str]]


def compare_studies(one: Asked, other: Asked) -> TwoStudies:
    """Return two studies compared on the validation films that they share.

    Raises ConfigError for a study and itself or a copy, and for unlike objectives; StoreError
    before a baseline has completed; DataError where their validation films do not agree.
    """
    _refuse_one_study(one, other)
    if one.config.objective != other.config.objective:
        raise ConfigError(
            f"{one.label} was run for {one.config.objective}, {other.label} for "
            f"{other.config.objective}: what is best differs; compare studies of one objective"
        )
    shared, relabelled = _shared_films(one, other)
    groups = _joint_groups(one.study.manifest, other.study.manifest, shared)
    readers = (
        MatchReader(one.study.manifest, called={name: name for name, _ in shared}),
        MatchReader(other.study.manifest, called={theirs: name for name, theirs in shared}),
    )
    asked = (one, other)
    found = [_pair("baselines", asked, [_baseline(a) for a in asked], readers, groups)]
    best = [_best(each, reader) for each, reader in zip(asked, readers, strict=True)]
    if {arm.name for arm, _ in best} != {"baseline"}:
        found.append(_pair("best", asked, best, readers, groups))
    return TwoStudies(
        studies=(one.label, other.label),
        objective=one.config.objective,
        synthetic=(one.study.manifest.synthetic, other.study.manifest.synthetic),
        standing=(Standing.of(one), Standing.of(other)),
        agreement=Agreement(
            films=len(shared),
            patients=len(set(groups)),
            validation=(one.study.manifest.count(_PART), other.study.manifest.count(_PART)),
            relabelled=relabelled,
            fingerprints=(one.study.manifest.fingerprint, other.study.manifest.fingerprint),
        ),
        pairs=_corrected(found),
        left_out="" if len(found) > 1 else "in neither study has anything beaten the baseline",
        differences=differences(one, other),
    )


def _refuse_one_study(one: Asked, other: Asked) -> None:
    if one.study.places.folder.resolve() == other.study.places.folder.resolve():
        raise ConfigError(
            f"study {one.config.name!r} is to be compared with itself; name another study, or none "
            "to compare its runs"
        )
    known = {run.job.id for run in one.study.runs}
    twins = [run.name for run in other.study.runs if run.job.id in known]
    if twins:
        raise ConfigError(
            f"{one.label} and {other.label} share {len(twins)} trainings, as {twins[0]}: one is a "
            "copy of the other; name a study with trainings of its own"
        )


def _shared_films(one: Asked, other: Asked) -> tuple[list[tuple[str, str]], int]:
    """Return the films, by their two names, that both validate on, and how many have other labels.

    Raises DataError where less than LEAST_SHARE of the smaller validation part is shared.
    """
    mine, theirs = (_by_film(asked.study.manifest) for asked in (one, other))
    both = mine.keys() & theirs.keys()
    same = [f for f in both if mine[f][1] == theirs[f][1]]
    counts = [len(mine), len(theirs)]
    least = min(counts)
    if len(same) < max(1, LEAST_SHARE * least):
        prints = [a.study.manifest.fingerprint[:12] for a in (one, other)]
        why = (
            f"{len(both) - len(same)} of them with other labels; " if len(both) > len(same) else ""
        )
        raise DataError(
            f"{one.label} validates on {counts[0]} films of the data {prints[0]}, {other.label} on "
            f"{counts[1]} of {prints[1]}: {len(both)} films are the same, {why}"
            f"{len(same)} agree, and {LEAST_SHARE:.0%} of the smaller part must; run both on one "
            "data config"
        )
    return sorted((mine[f][0], theirs[f][0]) for f in same), len(both) - len(same)


def _by_film(manifest: Manifest) -> dict[str, tuple[str, str]]:
    """Return a validation film's content -> its name and its labels; of copies the first."""
    found: dict[str, tuple[str, str]] = {}
    for entry in manifest.entries:
        if entry.part == _PART:
            found.setdefault(entry.content_sha256, (entry.name, entry.labels_sha256))
    return found


def _joint_groups(one: Manifest, other: Manifest, shared: Sequence[tuple[str, str]]) -> list[str]:
    """Return whose each film is: those of one person by either study go together."""
    whose = [{entry.name: entry.group for entry in manifest.entries} for manifest in (one, other)]
    sides = [[whose[side][pair[side]] for pair in shared] for side in (0, 1)]
    a, b = (np.unique(groups, return_inverse=True)[1] for groups in sides)
    nodes = int(a.max() + b.max() + 2)
    links = coo_array((np.ones(len(a)), (a, a.max() + 1 + b)), shape=(nodes, nodes))
    _, joined = connected_components(links, directed=False)
    return [str(joined[node]) for node in a]


def _baseline(asked: Asked) -> tuple[Arm, int]:
    arm = confirmed_arms(asked.study.runs).get("baseline")
    first = _completed(asked.study, "baseline")
    if not first and (arm is None or not arm.runs):
        raise StoreError(
            f"{asked.label}: its baseline has not completed, so nothing can be compared with it; "
            f"go on with `{by_name('run', asked.config)}`"
        )
    return arm or Arm("baseline", first[0], []), 0


def _best(asked: Asked, reader: MatchReader) -> tuple[Arm, int]:
    """Return the best confirmed configuration and of how many; else the best run, of none."""
    arms = confirmed_arms(asked.study.runs).values()
    finalists = [a for a in arms if a.name != "baseline" and len(reader.evaluated(a.runs)) > 1]
    if finalists:
        return finalists[0], len(finalists)
    tried = _completed(asked.study, "baseline", "variant", "search")
    run = max(tried, key=lambda run: run.value)
    if run.job.kind == "baseline":
        return _baseline(asked)
    return Arm(run.name, None, [run]), 0


def _completed(study: StudyRecord, *kinds: str) -> list[Run]:
    return [run for run in study.runs if run.outcome == "completed" and run.job.kind in kinds]


def _pair(
    what: Literal["baselines", "best"],
    asked: tuple[Asked, Asked],
    arms: Sequence[tuple[Arm, int]],
    readers: tuple[MatchReader, MatchReader],
    groups: Sequence[str],
) -> Pair:
    runs = [r.evaluated(arm.runs) for r, (arm, _) in zip(readers, arms, strict=True)]
    for each, (arm, _), some in zip(asked, arms, runs, strict=True):
        if not some:
            raise StoreError(
                f"{each.label}: {arm.name} left no records of its films, so it cannot be compared "
                "film by film; train it again"
            )
    before, after = (r.runs(some) for r, some in zip(readers, runs, strict=True))
    sides = [
        Side(
            study=each.label,
            arm=arm.name,
            changes=changes_in_words(_changes(some[0])),
            trainings=len(some),
            finalists=finalists,
        )
        for each, (arm, finalists), some in zip(asked, arms, runs, strict=True)
    ]
    several = min(map(len, runs)) > 1
    picked = what == "best" and not all(side.finalists for side in sides)
    effects = [effect_of(asked[1].label, before, after, groups, m.name) for m in METRICS]
    return Pair(
        what=what,
        sides=(sides[0], sides[1]),
        confirmed=several and not picked,
        covers=_covers([len(some) for some in runs]),
        effects=tuple(effects),
    )


def _changes(run: Run) -> dict[str, object]:
    return {k: v for k, v in run.job.changes.items() if k != "seed" or run.job.kind != "confirm"}


def _covers(trainings: Sequence[int]) -> str:
    """Return what chance an interval of arms of so many trainings holds."""
    films = "over patients, the same in both studies"
    if min(trainings) > 1:
        return f"{films}, and over the seeds of each study's own trainings"
    if max(trainings) > 1:
        return (
            f"{films}, and over seeds as far as the {max(trainings)} trainings of one study tell; "
            "the other trained once"
        )
    return (
        f"{films}; each was trained once, so how much another seed would change is not in them: "
        "they are too narrow"
    )


def _corrected(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Return the pairs with each metric's p-values corrected for their number."""
    adjusted: dict[str, list[float]] = defaultdict(list)
    for metric in METRICS:
        found = [next(e.p for e in pair.effects if e.metric == metric.name) for pair in pairs]
        adjusted[metric.name] = holm(found)
    return tuple(
        pair.model_copy(
            update={
                "effects": tuple(
                    e.model_copy(update={"p_holm": adjusted[e.metric][place]}) for e in pair.effects
                )
            }
        )
        for place, pair in enumerate(pairs)
    )
