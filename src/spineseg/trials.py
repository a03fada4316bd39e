"""What a study trains: its certain trials, its confirmations, and what is still to come at most.

The best of many looks better than it is: it was also the luckiest. So the best configurations and
the baseline are trained again with seeds that no choice was made by, and compared by those runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from spineseg.config.search import Axis, Choices, IntRange
from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.epoch_cost import relative_work
from spineseg.errors import ConfigError
from spineseg.job import Job, RunKind, first_difference
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.runs import Run
from spineseg.standing import standing

FRESH_SEED = 1000
"""Fresh seeds are the baseline's own seed plus this and 1, 2, ...: none that a search trains on."""
PASSING = ("killed", "out_of_memory", "stalled")
"""Failures that another time, or another neighbour, may not meet."""
MOST_TRIES = 3
"""Failed trainings of one name on record, after which a passing failure is left to a person."""
OF_ITSELF = f"a passing failure; tried at most {MOST_TRIES} times of itself"
"""Why `again` asks, for the record."""
_TURNS: tuple[RunKind, ...] = ("baseline", "variant", "search", "confirm", "timing")
_SIZES = ("model", "image_size_px")  # What a searched training's time hangs on.


@dataclass(frozen=True)
class TrialSpec:
    """What one trial is: its name, its reason, its difference from the baseline."""

    kind: RunKind
    name: str
    changes: dict[str, Any]
    hypothesis: str | None = None
    arm: str = ""  # The configuration that it trains; empty: its own.

    @classmethod
    def of_run(cls, run: Run) -> TrialSpec:
        """Return what a run on record is."""
        job = run.job
        return cls(job.kind, job.name, job.changes, job.hypothesis, job.arm)


def certain_trials(config: StudyConfig) -> list[TrialSpec]:
    """Return the trials that run whatever the search does: the baseline, then the variants."""
    return [
        TrialSpec("baseline", "baseline", {}),
        *(TrialSpec("variant", v.name, v.changes, v.hypothesis) for v in config.variants),
    ]


def train_config(config: StudyConfig, spec: TrialSpec) -> TrainConfig:
    """Return the training that a trial stands for."""
    return config.baseline.with_(**spec.changes)


def is_ready(config: StudyConfig, spec: TrialSpec, runs: Iterable[Run]) -> bool:
    """Return whether a trial may begin: one that the baseline prompts waits until that is done."""
    name = prompted_by(config, spec)
    return name is None or any(run.name == name and run.outcome == "completed" for run in runs)


def prompted_by(config: StudyConfig, spec: TrialSpec) -> str | None:
    """Return which run's network prompts a trial's, by name; None where none of the study's does.

    On a fresh seed it is the baseline's on that seed: else what one training was lucky in would
    stand in all that are to tell luck apart.
    """
    if not train_config(config, spec).is_prompted_by_baseline:
        return None
    return f"baseline{spec.name.removeprefix(spec.arm)}" if spec.kind == "confirm" else "baseline"


def confirmation_trials(config: StudyConfig) -> int:
    """Return how many trainings confirmation takes at most."""
    return 0 if config.confirm is None else (_most_finalists(config) + 1) * config.confirm.seeds


def _most_finalists(config: StudyConfig) -> int:
    candidates = len(config.variants) + config.search.trials
    return min(config.confirm.top, candidates) if config.confirm else 0


def most_trainings(config: StudyConfig) -> int:
    """Return how many trainings the study comes to at most."""
    return len(certain_trials(config)) + config.search.trials + confirmation_trials(config)


def finalists(runs: Iterable[Run], config: StudyConfig) -> list[Run]:
    """Return the best completed variants and searched runs by the objective, best first."""
    if config.confirm is None:
        return []
    completed = [
        run for run in runs if run.outcome == "completed" and run.job.kind in ("variant", "search")
    ]
    completed.sort(key=lambda run: (-run.value, run.job.number))
    return completed[: config.confirm.top]


def confirmations(runs: Sequence[Run], config: StudyConfig) -> list[TrialSpec]:
    """Return what confirmation trains of baseline and finalists; none before the baseline is done.

    To be asked when nothing else is left to run. A study whose search goes on later may have
    other finalists then: they are confirmed as well, and nothing is trained twice.
    """
    done = any(run.job.kind == "baseline" and run.outcome == "completed" for run in runs)
    if config.confirm is None or not done:
        return []
    arms: list[tuple[str, dict[str, Any]]] = [("baseline", {})]
    arms += [(run.name, run.job.changes) for run in finalists(runs, config)]
    return _on_fresh_seeds(arms, config)


def confirmations_known(runs: Sequence[Run], config: StudyConfig) -> list[TrialSpec]:
    """Return the confirmations that no choice hangs on any more, though trainings are under way.

    These are the baseline's, and those of runs that stay among the finalists whatever comes of the
    variants and searched runs under way. With none of these, they are all of `confirmations`.
    """
    under_way = sum(r.outcome == "running" and r.job.kind in ("variant", "search") for r in runs)
    places = config.confirm.top if config.confirm else 0
    certain = finalists(runs, config)[: max(0, places - under_way)]
    arms = {"baseline", *(run.name for run in certain)}
    return [spec for spec in confirmations(runs, config) if spec.arm in arms]


def _on_fresh_seeds(
    arms: Sequence[tuple[str, dict[str, Any]]], config: StudyConfig
) -> list[TrialSpec]:
    seeds = config.confirm.seeds if config.confirm else 0
    return [
        TrialSpec(
            "confirm",
            f"{name}-seed-{number}",
            {**changes, "seed": config.baseline.seed + FRESH_SEED + number},
            f"{name} once more, on a fresh seed",
            arm=name,
        )
        for number in range(1, seeds + 1)  # Seed by seed: half of it is fair.
        for name, changes in arms
    ]


def to_come(config: StudyConfig, runs: Sequence[Run]) -> list[TrialSpec]:
    """Return what the study still begins at most, in order; what has begun is not among it.

    What no one knows yet, searched trials and finalists, is as large as it can become.
    """
    runs = standing(runs)
    known = {run.name for run in runs}
    searched = sum(run.job.kind == "search" for run in runs)
    asked = asked_again(runs)
    first = [spec for spec in asked if spec.kind != "confirm"]
    first += [spec for spec in certain_trials(config) if spec.name not in known]
    drawn, left = drawn_at_ends(config), config.search.trials - searched
    first += [TrialSpec("search", "", _largest(config, drawn))] * left
    under_way = any(run.outcome == "running" and run.job.kind != "confirm" for run in runs)
    if first or under_way:
        tried = [*(variant.changes for variant in config.variants), *drawn]
        arms: list[tuple[str, dict[str, Any]]] = [("baseline", {})]
        arms += [("", _largest(config, tried))] * _most_finalists(config)
        fresh = _on_fresh_seeds(arms, config)
    else:
        fresh = confirmations(runs, config)
    again = [spec for spec in asked if spec.kind == "confirm"]
    return [*first, *again, *(spec for spec in fresh if spec.name not in known)]


def asked_again(runs: Iterable[Run]) -> list[TrialSpec]:
    """Return what is asked for anew after a failure and has not begun: the baseline, variants,
    searched runs, fresh seeds, each by the failed runs' numbers.

    A queue takes it after the interrupted runs and before all that was never tried: enqueued by
    its name although that is known, its confirmations with those that are still to come. Each has
    the name, and of a searched one the place in the space, that the failed run has, and is given
    the next free number. It is gone from here as soon as the new run's folder is there.
    """
    asked = [run for run in standing(runs) if run.failed and run.asked_again]
    asked.sort(key=lambda run: _TURNS.index(run.job.kind))
    return [TrialSpec.of_run(run) for run in asked]


def again(runs: Sequence[Run], config: StudyConfig) -> list[Run]:
    """Return the failed runs that are tried again of themselves when a study is taken up.

    The caller appends `Again` to the log of each, and `asked_again` has them then. They are what
    the study cannot do without, its baseline and the confirmations that it asks for, where their
    failure was a passing one and fewer than `MOST_TRIES` of their name are on record. All else, and
    any other failure, waits for `spineseg retry`.
    """
    tries = Counter(run.name for run in runs if run.failed)
    needed = {"baseline", *(spec.name for spec in confirmations(runs, config))}
    return [
        run
        for run in standing(runs)
        if run.failed
        and run.failed.kind in PASSING
        and run.asked_again is None
        and run.name in needed
        and tries[run.name] < MOST_TRIES
    ]


def _largest(config: StudyConfig, tried: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return which of some differences from the baseline makes the longest training."""

    def work(changes: dict[str, Any]) -> float:
        training = config.baseline.with_(**changes)
        return relative_work(training, config.baseline) * training.epochs

    return max(tried, key=work, default={})


def drawn_at_ends(config: StudyConfig) -> list[dict[str, Any]]:
    """Return the searched trials that may be longest: what their length hangs on at its ends."""
    if not config.search.trials:
        return []
    ends: dict[str, tuple[Any, ...]] = {}
    for name in _SIZES:
        match config.search.space.get(name):
            case Choices(choices=choices):
                ends[name] = choices
            case IntRange(low=low, high=high, step=step):
                ends[name] = (low, high - (high - low) % step)
    values = product(*ends.values())
    return [config.search.fixed | dict(zip(ends, value, strict=True)) for value in values]


def numbering_of(config: StudyConfig) -> NumberingModel:
    """Return how the study's models give levels, without what the data say of columns."""
    return NumberingModel(numbering=config.numbering, transitional=config.transitional)


def refuse_another(config: StudyConfig, runs: Iterable[Run], fingerprint: str | None) -> None:
    """Raise ConfigError where runs on record are of another baseline, data or rule than now.

    They would not be comparable. `fingerprint` is that of the data now; None: not looked at.
    """
    variants = {variant.name: variant.changes for variant in config.variants}
    for run in runs:
        job = run.job
        pairs: list[tuple[str, Any, Any]] = [
            ("objective", job.objective, config.objective),
            ("numbering", _choice(job.numbering), _choice(numbering_of(config))),
            ("baseline", _kept(job.config, job), _kept(config.baseline, job)),
        ]
        if job.kind == "variant" and job.name in variants:
            pairs.append((f"variants.{job.name}.changes", job.changes, variants[job.name]))
        for name, axis in job.space.items():
            if name in config.search.space:
                wanted = _fixed_part(config.search.space[name])
                pairs.append((f"search.space.{name}", _fixed_part(axis), wanted))
        if fingerprint is not None:
            pairs.append(("data_fingerprint", job.data_fingerprint, fingerprint))
        for key, before, now in pairs:
            if before != now:
                key, was, asked = first_difference(key, before, now)
                raise ConfigError(
                    f"study {config.name!r} on record has {key} {was}, now {asked}: its runs "
                    "would not be comparable; give the study another name, or restore the value"
                )


def _fixed_part(axis: Axis) -> dict[str, Any]:
    """Return what of an axis may not change within a study: Optuna learns from one kind only."""
    return {"kind": type(axis).__name__} | axis.model_dump(include={"choices", "log"})


def _choice(numbering: NumberingModel) -> dict[str, Any]:
    """Return how columns are numbered, without what the data say of them."""
    return numbering.model_dump(exclude={"columns"})


def _kept(config: TrainConfig, job: Job) -> dict[str, Any]:
    """Return what of a config a run has from its baseline: all but the run's own changes."""
    return {key: getattr(config, key) for key in job.config.model_dump() if key not in job.changes}
