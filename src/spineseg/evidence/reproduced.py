"""A training and its reproduction: old figures beside new ones, and how near they come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field
from scipy.stats import t as student

from spineseg.config.model import Model
from spineseg.films import SYNTHETIC
from spineseg.metrics import METRICS, metric_named, signed
from spineseg.runs import Run

Nearness = Literal["equal to the digit", "within seed noise", "beyond seed noise", "not equal"]
_LEVEL = 0.95


class Figure(Model):
    """A score of the best weights, then and now."""

    metric: str
    then: float
    now: float

    @property
    def equal(self) -> bool:
        """Whether they are the same to the last digit; a share of nothing is no number in both."""
        return self.then == self.now or (math.isnan(self.then) and math.isnan(self.now))


class Noise(Model):
    """How far two trainings lie apart that differ in their seed alone."""

    trainings: int = Field(description="Of the study's baseline.")
    sd: float
    bound: float = Field(description="Two of them lie no further apart in 95 of 100 cases.")


class Reproduced(Model):
    """What came of a training that was run again."""

    run: str
    run_id: str
    again: str = Field(description="The study that it was run as.")
    objective: str
    synthetic: bool
    data_fingerprint: str
    code: tuple[str, str] = Field(description="Version then and now.")
    otherwise: tuple[str, ...] = Field(description="What of packages and machine is not as then.")
    figures: tuple[Figure, ...]
    epochs: tuple[int, int]
    best_epoch: tuple[int, int]
    train_seconds: tuple[float, float]
    parted: int | None = Field(description="First epoch whose validation score differs.")
    noise: Noise | None = Field(description="None below three trainings of the baseline.")
    nearness: Nearness

    def text(self) -> str:
        """Return old and new side by side as a person reads it."""
        code = "the same" if self.code[0] == self.code[1] else " then, now ".join(self.code)
        lines = [
            f"{self.run}, run again as study {self.again}",
            SYNTHETIC if self.synthetic else "",
            f"data {self.data_fingerprint[:12]}, the same; code {code}",
            *(f"otherwise: {each}" for each in self.otherwise),
            "",
            f"{'':<20}  {'then':>12}  {'now':>12}  difference",
            *(_row(figure) for figure in self.figures),
            f"{'epochs':<20}  {self.epochs[0]:>12}  {self.epochs[1]:>12}",
            f"{'best epoch':<20}  {self.best_epoch[0]:>12}  {self.best_epoch[1]:>12}",
            f"{'training, s':<20}  {self.train_seconds[0]:>12.1f}  {self.train_seconds[1]:>12.1f}",
            "",
            self.answer(),
        ]
        return "\n".join(line for place, line in enumerate(lines) if line or place > 1)

    def answer(self) -> str:
        """Return in a sentence or two how near the new figures come to the old ones."""
        if self.nearness == "equal to the digit":
            return f"Equal to the digit: all {len(self.figures)} figures, after as many epochs."
        goal = next(figure for figure in self.figures if figure.metric == self.objective)
        words = f"{metric_named(self.objective).label} {signed(goal.now - goal.then)}"
        parted = f" The curves part in epoch {self.parted}." if self.parted else ""
        if self.noise is None:
            return (
                f"Not equal: {words}. Fewer than three trainings of the baseline are on record, so "
                f"the noise between seeds is not known.{parted}"
            )
        bound = (
            f"two trainings of the baseline that differ in their seed alone lie no further apart "
            f"than {self.noise.bound:.3f} in {_LEVEL * 100:.0f} of 100 cases (standard deviation "
            f"{self.noise.sd:.4f} over {self.noise.trainings})"
        )
        if self.nearness == "within seed noise":
            return f"Not equal, but within the noise of seeds: {words}; {bound}.{parted}"
        return f"Not reproduced: {words}, and {bound}.{parted}"


def _row(figure: Figure) -> str:
    difference = "equal" if figure.equal else f"{figure.now - figure.then:+.6f}"
    return (
        f"{metric_named(figure.metric).label:<20}  {figure.then:>12.6f}  {figure.now:>12.6f}  "
        f"{difference}"
    )


def beside(
    then: Run,
    now: Run,
    *,
    run_id: str,
    baseline_scores: Sequence[float],
    otherwise: Sequence[str] = (),
) -> Reproduced:
    """Return a completed run and its reproduction, side by side.

    `baseline_scores` are those of the old study's baseline in the objective, seed by seed. Raises
    DataError where scores are missing, RecordError where a run has not finished.
    """
    scores = [run.scores().scores for run in (then, now)]
    figures = [
        Figure(metric=m.name, then=scores[0][m.name], now=scores[1][m.name]) for m in METRICS
    ]
    ends = [run.ended for run in (then, now)]
    noise = _noise(baseline_scores)
    objective = then.job.objective
    goal = next(figure for figure in figures if figure.metric == objective)
    nearness: Nearness = "not equal"
    if all(figure.equal for figure in figures) and ends[0].epochs == ends[1].epochs:
        nearness = "equal to the digit"
    elif noise is not None:
        near = abs(goal.now - goal.then) <= noise.bound
        nearness = "within seed noise" if near else "beyond seed noise"
    return Reproduced(
        run=f"{then.job.study}/{then.name}",
        run_id=run_id,
        again=now.job.study,
        objective=objective,
        synthetic=then.job.synthetic,
        data_fingerprint=then.job.data_fingerprint,
        code=(then.job.code_version, now.job.code_version),
        otherwise=(*otherwise, *_unlike_machines(then, now)),
        figures=tuple(figures),
        epochs=(ends[0].epochs, ends[1].epochs),
        best_epoch=(ends[0].best_epoch, ends[1].best_epoch),
        train_seconds=(ends[0].train_seconds, ends[1].train_seconds),
        parted=_parted(then, now, objective),
        noise=noise,
        nearness=nearness,
    )


def _noise(scores: Sequence[float]) -> Noise | None:
    """Return the noise between seeds, widened since few seeds tell it badly (Student's t)."""
    if len(scores) < 3:
        return None
    sd = float(np.std(scores, ddof=1))
    bound = float(student.ppf((1 + _LEVEL) / 2, len(scores) - 1)) * math.sqrt(2) * sd
    return Noise(trainings=len(scores), sd=sd, bound=bound)


def _unlike_machines(then: Run, now: Run) -> list[str]:
    """Return what two runs were trained on and that differs, but for the code."""
    told = [
        {"device": run.started.device} | run.started.environment if run.started else {}
        for run in (then, now)
    ]
    keys = [key for key in told[0] if key in told[1] and key not in ("code", "spineseg")]
    return [f"{k} {told[0][k]} then, {told[1][k]} now" for k in keys if told[0][k] != told[1][k]]


def _parted(then: Run, now: Run, objective: str) -> int | None:
    pairs = zip(then.epochs, now.epochs, strict=False)
    return next((a.epoch for a, b in pairs if a.score(objective) != b.score(objective)), None)
