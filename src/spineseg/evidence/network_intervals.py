"""How sure the scores of single trainings are, where several families stand side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spineseg.evaluation.counts import count_film
from spineseg.evidence.arms import MatchReader
from spineseg.evidence.resampling import draw_patients
from spineseg.evidence.results import BOUNDARY, RIGHT_AMONG_FOUND
from spineseg.runs import Run
from spineseg.standing import best_of_each_network
from spineseg.study_record import StudyRecord

RESAMPLES = 2_000
_METRICS = ("mask_map50", "mask_map50_95", "whole_column_right_rate")
Interval = tuple[float, float]


def network_intervals(study: StudyRecord, reader: MatchReader) -> dict[str, dict[str, Interval]]:
    """Return 95 % intervals over patients, by run and score; none with networks of one family.

    Of baseline, variants, and each network's best searched training. Percentiles of scores over
    patients drawn anew, all films of one together; seeds are not drawn, since each run has one.
    """
    completed = [run for run in study.runs if run.outcome == "completed"]
    if len({run.job.config.family for run in completed}) < 2:
        return {}
    return {run.name: _intervals(run, reader) for run in _spoken_for(completed)}


def _spoken_for(completed: Sequence[Run]) -> list[Run]:
    certain = [run for run in completed if run.job.kind in ("baseline", "variant")]
    searched = best_of_each_network(run for run in completed if run.job.kind == "search")
    return [*certain, *searched.values()]


def _intervals(run: Run, reader: MatchReader) -> dict[str, Interval]:
    matches = reader.run(run)
    weights = draw_patients(reader.patients(matches), RESAMPLES, 0)
    drawn = {metric: matches.scores(metric, weights) for metric in _METRICS}
    with np.errstate(invalid="ignore", divide="ignore"):
        right, found = (
            matches.scores(f"{name}_rate", weights) for name in ("right_level", "found")
        )
        drawn[RIGHT_AMONG_FOUND] = right / found
        films = [count_film(record).boundary_px for record in run.records(reader.part)]
        off = weights @ np.array([sum(film) for film in films])
        drawn[BOUNDARY] = off / (weights @ np.array([len(film) for film in films]))
    return {
        name: (float(np.quantile(known, 0.025)), float(np.quantile(known, 0.975)))
        for name, scores in drawn.items()
        if len(known := scores[np.isfinite(scores)])
    }
