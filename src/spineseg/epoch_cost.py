"""What one epoch takes, by configuration: as measured, else by multiply-adds and what is fixed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from spineseg.config.networks import NETWORKS
from spineseg.config.training import TrainConfig

Kind = tuple[str, int, int | str]
"""Network, image size in pixels, batch: trainings that are alike in these take alike."""


def kind_of(config: TrainConfig) -> Kind:
    """Return what an epoch's seconds hang on, beside the data and the machine."""
    return config.model, config.image_size_px, config.batch


def relative_work(config: TrainConfig, baseline: TrainConfig) -> float:
    """Return the multiply-adds of one epoch as a multiple of the baseline's."""
    work = NETWORKS[config.model].work / NETWORKS[baseline.model].work
    return work * (config.image_size_px / baseline.image_size_px) ** 2


@dataclass(frozen=True)
class EpochCost:
    """Seconds of an epoch: of kinds that were measured, and a line through them for the others."""

    baseline: TrainConfig
    measured: dict[Kind, float]
    fixed: float  # Seconds that hang on no multiply-add, as of reading films.
    each: float  # Seconds for the baseline's multiply-adds.

    def seconds(self, config: TrainConfig) -> float:
        """Return what one epoch takes."""
        known = self.measured.get(kind_of(config))
        work = relative_work(config, self.baseline)
        return known if known is not None else self.fixed + self.each * work


def epoch_cost(
    baseline: TrainConfig, trainings: Sequence[tuple[TrainConfig, float]]
) -> EpochCost | None:
    """Return what epochs take by trainings and their seconds an epoch; None without one.

    With kinds of one size alone all is taken to grow with the multiply-adds, which is the most.
    """
    if not trainings:
        return None
    seconds: dict[Kind, list[float]] = defaultdict(list)
    work: dict[Kind, float] = {}
    for config, each in trainings:
        seconds[kind_of(config)].append(each)
        work[kind_of(config)] = relative_work(config, baseline)
    measured = {kind: median(found) for kind, found in seconds.items()}
    fixed, each = _line([(work[kind], measured[kind]) for kind in measured])
    return EpochCost(baseline, measured, fixed, each)


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return (fixed, each) of seconds = fixed + each x work, neither below 0.

    Least squares of the relative errors: an epoch of seconds counts like one of minutes.
    """
    whole = [(work, seconds) for work, seconds in points if seconds > 0]
    if not whole:
        return 0.0, 0.0
    # Of 1 = fixed / seconds + each x work / seconds, the normal equations.
    a = sum(1 / s**2 for _, s in whole)
    b = sum(w / s**2 for w, s in whole)
    c = sum(w * w / s**2 for w, s in whole)
    p, q = sum(1 / s for _, s in whole), sum(w / s for w, s in whole)
    if (det := a * c - b * b) > 1e-9 * a * c:
        fixed, each = (p * c - q * b) / det, (a * q - b * p) / det
        if fixed >= 0 and each >= 0:
            return fixed, each
        if each < 0:
            return p / a, 0.0
    return 0.0, q / c
