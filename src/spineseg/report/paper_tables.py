"""A study's tables for a paper: confirmed configurations, their settings and seeds, every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from spineseg.evidence.arms import confirmed_arms
from spineseg.evidence.effects import Effect
from spineseg.evidence.results import ArmResult, StudySummary
from spineseg.job import AS_CONFIGURED, changes_in_words
from spineseg.metrics import METRICS
from spineseg.report.paper_table import PaperTable
from spineseg.report.table import TABLED
from spineseg.report.wording import (
    NONE,
    count,
    difference_text,
    interval_text,
    label,
    p_text,
    value_text,
)
from spineseg.study_record import StudyRecord

_EFFECT_COLUMNS = [
    *("mean", "baseline_mean", "difference", "low_95", "high_95", "p", "p_holm", "verdict"),
    *("trainings", "baseline_trainings"),
]
_EFFECT_HEAD = ["difference", "95 % interval", "p (Holm)", "verdict"]


class _Arm(NamedTuple):
    """One configuration's trainings, scored on one part."""

    part: str
    result: ArmResult
    baseline: ArmResult


def paper_tables(study: StudyRecord, summary: StudySummary) -> list[PaperTable]:
    """Return every table that there is; where nothing is confirmed, that of the runs alone."""
    arms = [
        _Arm(part, result, results[0])
        for part, results in (
            ("validation", summary.evidence.arms if summary.evidence else []),
            ("test", summary.test.arms if summary.test else []),
        )
        for result in results
    ]
    if not arms:
        return [_runs(study, summary)]
    return [
        _confirmed(summary, arms),
        _every_metric(arms),
        _settings(study),
        _seeds(summary, arms),
        _runs(study, summary),
    ]


def _confirmed(summary: StudySummary, arms: Sequence[_Arm]) -> PaperTable:
    goal = summary.objective
    changes = {run.name: changes_in_words(run.changes) or AS_CONFIGURED for run in summary.runs}
    values, words = [], []
    for part, arm, base in arms:
        effect, changed = arm.effect(goal), changes.get(arm.name, NONE)
        seeds = " ".join(map(str, arm.seeds))
        mean_only = [arm.mean, base.mean, *[""] * 6, len(arm.scores), len(base.scores)]
        figures = _effect_values(effect) if effect else mean_only
        values.append([part, arm.name, changed, goal, *figures, seeds])
        mean = f"{value_text(goal, arm.mean)} ({len(arm.scores)})"
        words.append([part, arm.name, changed, mean, *_effect_words(effect)])
    finalists = len({a.result.name for a in arms}) - 1
    beside = f" and of {count(finalists, 'finalist')}" if finalists else ""
    return PaperTable(
        "confirmed",
        f"{label(goal)} of the baseline{beside} on fresh seeds: means over their "
        "trainings, whose number is in brackets, and differences to the baseline.",
        ["part", "configuration", "changes", "metric", *_EFFECT_COLUMNS, "seeds"],
        values,
        ["part", "configuration", "changes", f"mean {label(goal)}", *_EFFECT_HEAD],
        words,
    )


def _effect_values(effect: Effect) -> list[Any]:
    return [
        *(effect.challenger, effect.baseline, effect.difference, effect.low, effect.high),
        *(effect.p, effect.p_holm, effect.verdict, effect.runs, effect.baseline_runs),
    ]


def _effect_words(effect: Effect | None) -> list[str]:
    if effect is None:
        return [NONE] * len(_EFFECT_HEAD)
    difference = difference_text(effect.metric, effect.difference)
    return [difference, interval_text(effect), p_text(effect.p_corrected), effect.verdict]


def _every_metric(arms: Sequence[_Arm]) -> PaperTable:
    values, words = [], []
    for part, arm, _ in arms:
        for effect in arm.effects:
            values.append([part, arm.name, effect.metric, *_effect_values(effect)])
            means = [value_text(effect.metric, e) for e in (effect.baseline, effect.challenger)]
            words.append([part, arm.name, label(effect.metric), *means, *_effect_words(effect)])
    head = ["part", "configuration", "metric", "baseline", "its own", *_EFFECT_HEAD]
    return PaperTable(
        "metrics",
        "Each confirmed configuration beside the baseline in every metric.",
        ["part", "configuration", "metric", *_EFFECT_COLUMNS],
        values,
        head,
        words,
    )


def _settings(study: StudyRecord) -> PaperTable:
    """Return every hyperparameter of each arm but its seed, as its trainings were asked for."""
    arms = {
        name: arm.runs[0].job.config.model_dump(exclude={"seed"})
        for name, arm in confirmed_arms(study.runs).items()
        if arm.runs
    }
    keys = list(next(iter(arms.values()), {}))
    values = [[key, *(settings[key] for settings in arms.values())] for key in keys]
    words = [[key, *(_setting(value) for value in row)] for key, *row in values]
    return PaperTable(
        "hyperparameters",
        "Every hyperparameter of each confirmed configuration; of its seeds, the table of seeds.",
        ["hyperparameter", *arms],
        values,
        ["hyperparameter", *arms],
        words,
    )


def _setting(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _seeds(summary: StudySummary, arms: Sequence[_Arm]) -> PaperTable:
    goal = summary.objective
    values: list[list[Any]] = [
        [part, arm.name, *row]
        for part, arm, _ in arms
        for row in zip(arm.runs, arm.seeds, arm.scores, strict=True)
    ]
    words = [[*row[:3], str(row[3]), value_text(goal, row[4])] for row in values]
    return PaperTable(
        "seeds",
        f"{label(goal)} of every training that the means are over, with its seed.",
        ["part", "configuration", "training", "seed", goal],
        values,
        ["part", "configuration", "training", "seed", label(goal)],
        words,
    )


def _runs(study: StudyRecord, summary: StudySummary) -> PaperTable:
    """Return every training in the order of the study, those on fresh seeds too."""
    jobs = {(run.name, run.job.number): run.job for run in study.runs}
    metrics = [metric.name for metric in METRICS]
    shown = [metric.name for metric in TABLED]
    values, words = [], []
    for run in summary.runs:
        job, changed = jobs[run.name, run.number], changes_in_words(run.changes)
        scores = {name: run.value(name) for name in metrics}
        values.append(
            [run.name, run.kind, job.arm, run.outcome, run.seed, changed]
            + ["" if scores[name] is None else scores[name] for name in metrics]
            + [run.epochs, run.train_seconds, job.commit, run.note]
        )
        cells = [_score(name, scores[name]) for name in shown]
        outcome = "; ".join(filter(None, (run.outcome, run.note)))
        head = [run.name, outcome, str(run.seed), changed or AS_CONFIGURED]
        words.append([*head, *cells, str(run.epochs)])
    return PaperTable(
        "runs",
        f"All {len(summary.runs)} trainings of the study, on the validation films.",
        [
            *("run", "kind", "configuration", "outcome", "seed", "changes", *metrics),
            *("epochs", "train_seconds", "commit", "note"),
        ],
        values,
        ["run", "outcome", "seed", "changes", *(label(name) for name in shown), "epochs"],
        words,
    )


def _score(metric: str, value: float | None) -> str:
    return NONE if value is None else value_text(metric, value)
