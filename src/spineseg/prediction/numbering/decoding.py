"""Numbers a column as a whole: the most probable run of levels over all detections of a film.

A network names each vertebra by itself; its errors are nearly all one level up or down, with
levels that come twice and levels left out. But a spine is ordered: the levels of bodies that lie
next to each other follow each other. So detections are gathered into bodies whatever their level,
the bodies are put in order along the column, and a hidden Markov model (Rabiner 1989) runs down
it: its states are the levels, a body emits the scores that the network gave all 24 of them, a step
down the column costs what the gap between two bodies makes of it, and a body may be no vertebra at
all. The Viterbi path is the numbering; the forward-backward algorithm says how sure it is.

Both directions along the column are weighed against each other, so films may be flipped or turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spineseg.column_order import column_order
from spineseg.levels import ANATOMICAL_ORDER, CLASS_RANK
from spineseg.prediction.numbering.bodies import apart_in_bodies, gathered_bodies, usual_spacing
from spineseg.prediction.numbering.chain import Chain
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.numbering.states import EXTRA, PLAIN, emitted_by, ends_of, framed_as

_LEAST_CERTAIN = 0.03  # Less certain detections take no part in the column.
_MOST_BODIES = 40
_EQUAL = 0.05  # Likelihoods of both directions that are as close as that decide nothing.
_ALTERNATIVE = 0.02  # Less probable levels of a body are left out.


class Numbered(NamedTuple):
    """A level given to a detection; a body's less probable levels come with less confidence."""

    detection: int
    level: str
    confidence: float
    chosen: bool  # Part of the most probable run, and not just a possibility.


def number_column(
    boxes: np.ndarray, level_scores: np.ndarray, model: NumberingModel, *, height_px: float
) -> list[Numbered]:
    """Return the levels of one film's detections, most confident first.

    `boxes` are (detections, 4) left, top, right, bottom in px; `level_scores` are
    (detections, 24), 0..1, in CLASS_NAMES' order. A detection that shows a body which a better one
    shows, too, is left out; what is likely no vertebra of the column keeps its own level at little
    confidence.
    """
    if not len(boxes):
        return []
    # As records keep them: so a film that is scored has the same levels as one that is predicted.
    boxes, level_scores = np.round(boxes, 3), np.round(level_scores, 5)
    scores = np.zeros((len(boxes), len(ANATOMICAL_ORDER)))
    scores[:, list(CLASS_RANK)] = level_scores
    bodies, scores = gathered_bodies(boxes, scores)
    certain = np.clip(scores.sum(axis=1), 0.0, 0.999)
    inner = [i for i in range(len(bodies)) if certain[i] >= _LEAST_CERTAIN][:_MOST_BODIES]
    outer = [i for i in range(len(bodies)) if i not in set(inner)]
    numbered = _numbered(bodies, boxes, scores, certain, inner, model, height_px)
    for i in outer:
        numbered.append(_alone(bodies[i], scores[i], certain[i]))
    return sorted(numbered, key=lambda n: -n.confidence)


def _alone(detection: int, scores: np.ndarray, certain: float) -> Numbered:
    return Numbered(detection, ANATOMICAL_ORDER[int(scores.argmax())], certain * 0.1, False)


def _numbered(
    bodies: Sequence[int],
    boxes: np.ndarray,
    scores: np.ndarray,
    certain: np.ndarray,
    inner: Sequence[int],
    model: NumberingModel,
    height_px: float,
) -> list[Numbered]:
    if not inner:
        return []
    states = EXTRA if model.transitional else PLAIN
    places = boxes[[bodies[i] for i in inner]]
    centres = (places[:, :2] + places[:, 2:]) / 2
    sizes = np.maximum(places[:, 2:] - places[:, :2], 1e-6)
    order = column_order(centres / np.median(sizes, axis=0)) if len(inner) > 1 else [0]
    if centres[order[0], 1] > centres[order[-1], 1]:
        order = order[::-1]
    column = [inner[i] for i in order]
    emitted = emitted_by(scores[column], states)
    emitted *= framed_as(centres[order, 1] / height_px, model.columns.framing, states)
    ends = ends_of(model.columns.spans, states)
    apart = apart_in_bodies(centres[order], sizes[order])
    pitch = usual_spacing(apart, certain[column])
    down = Chain(apart, pitch, emitted, certain[column], ends, states.steps)
    up = Chain(
        apart[::-1, ::-1], pitch[::-1], emitted[::-1], certain[column][::-1], ends, states.steps
    )
    # Equal they are with one sure body amid undecided ones; then the film is held upright.
    upright = down.likelihood >= up.likelihood * (1 - _EQUAL)
    chosen_states = down.path() if upright else up.path()[::-1]
    total = down.likelihood + up.likelihood
    if not total > 0:
        return [_alone(bodies[i], scores[i], certain[i]) for i in inner]
    posterior = (down.posterior() * down.likelihood + up.posterior()[::-1] * up.likelihood) / total
    numbered: list[Numbered] = []
    for place, i in enumerate(column):
        chosen = chosen_states[place]
        given = []
        for state in np.flatnonzero(posterior[place] > _ALTERNATIVE):
            if state != chosen:
                share = float(certain[i] * min(posterior[place, state], 0.5))
                given.append(Numbered(bodies[i], states.names[state], share * 0.5, False))
        if chosen >= 0:
            given.append(Numbered(bodies[i], states.names[chosen], float(certain[i]), True))
        left = 1 - posterior[place].sum()
        if left > 0.5:
            given.append(_alone(bodies[i], scores[i], float(certain[i] * left)))
        # No level twice for one body: the most confident of them stays.
        numbered += {n.level: n for n in sorted(given, key=lambda n: n.confidence)}.values()
    return numbered
