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

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from ..config import Model, Numbering
from ..data.column import column_order
from ..films import LabelledFilm
from ..levels import ANATOMICAL_ORDER, CLASS_RANK, RANK

_SAME_BODY = 0.35  # Boxes that overlap by so much (IoU) show one body.
_LEAST_STEP_PX = 0.01  # Nor are boxes around one point two bodies, whatever their sizes.
_LEAST_CERTAIN = 0.03  # Less certain detections take no part in the column.
_MOST_BODIES = 40
_MOST_SKIPPED = 4  # So many detections in a row may be no vertebra.
_SCORE_FLOOR = 0.004  # What a level's score is at least: the network may be wrong.
_TRUST = 0.35  # Exponent of the scores: neighbours err together, so they count for less than all.
_GAP_SPREAD = 0.28  # Standard deviation of the logarithm of spacing along a column.
_GAP_FLOOR = 1e-4
_STEP_PER_BODY = 1.25  # Spacing along the column in heights of a body: the disc is the rest.
_SUREST = 12  # So many bodies, or those half as sure, tell the spacing at first.
_MOST_UNEVEN = 1.5  # Spacing along a column stays within this factor of its median.
_PASSES = 1  # The first goes by the surest bodies, the others by the steps found.
_WORTH = 4.0  # Odds that a body fits in less well than the very best, made up for.
_MISS = 0.03  # Probability that the network misses a vertebra.
_FREE = 0.05  # Weight of columns that begin and end anywhere, beside those known from training.
_MOST_SPANS = 8
_LEAST_FRAMED = 10  # Films that must show a level before its height is relied on.
_LEAST_FRAMING_SD = 0.01
_MOST_MISFRAMED = 4.5  # Three standard deviations off: further is no worse.
_FRAMING_TRUST = 2.0
_EQUAL = 0.05  # Likelihoods of both directions that are as close as that decide nothing.
_TRANSITIONAL = 0.05  # Probability of an extra level where it is allowed for.
_ALTERNATIVE = 0.02  # Less probable levels of a body are left out.


class NumberingModel(Model):
    """How levels are given, and what is known of columns: it goes with the weights."""

    numbering: Numbering = Field(
        "argmax", description="'argmax': each detection's best level; 'sequence': whole columns."
    )
    spans: dict[str, float] = Field(
        default_factory=dict,
        description="'TOP-BOTTOM' -> share of training films that are labelled from one to the "
        "other; empty: nothing is known.",
    )
    framing: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description="Level -> mean and standard deviation of its height in the training films, "
        "0 their upper edge, 1 the lower: films are framed alike. Empty: nothing is known.",
    )
    transitional: bool = Field(False, description="Allow for an extra level, T13 or L6.")


def learnt_from(films: Iterable[LabelledFilm]) -> dict[str, dict[str, Any]]:
    """Return what training films say of columns: `spans` and `framing` of a NumberingModel."""
    ends: Counter[str] = Counter()
    heights: dict[str, list[float]] = defaultdict(list)
    shown: Counter[str] = Counter()  # films by level
    for film in films:
        ranks = [RANK[outline.level] for outline in film.outlines]
        if ranks:
            ends[f"{ANATOMICAL_ORDER[min(ranks)]}-{ANATOMICAL_ORDER[max(ranks)]}"] += 1
        shown.update({outline.level for outline in film.outlines})
        for outline in film.outlines:
            edges = outline.points[:, 1].min(), outline.points[:, 1].max()
            heights[outline.level].append(float(np.mean(edges)))
    return {
        "spans": {span: n / ends.total() for span, n in ends.most_common(_MOST_SPANS)},
        "framing": {
            level: (float(np.mean(values)), max(float(np.std(values)), _LEAST_FRAMING_SD))
            for level, values in heights.items()
            if shown[level] >= _LEAST_FRAMED
        },
    }


class Numbered(NamedTuple):
    """A level given to a detection; a body's less probable levels come with less confidence."""

    detection: int
    level: str
    confidence: float
    chosen: bool  # Part of the most probable run, and not just a possibility.


class _States(NamedTuple):
    """The levels that a column may have, in order down it."""

    names: tuple[str, ...]
    steps: np.ndarray  # (from, to) vertebrae that one lies below the other; < 1: not below


def _states(transitional: bool) -> _States:
    names = list(ANATOMICAL_ORDER)
    places = [float(RANK[name]) for name in names]
    if transitional:
        at = RANK["L1"]
        names[at:at] = ["T13"]
        places[at:at] = [RANK["T12"] + 0.5]
        names.append("L6")
        places.append(places[-1] + 1)
    position = np.array(places)
    # T13 is one step from T12 and from L1, which without it are one step apart.
    return _States(tuple(names), np.ceil(position[None] - position[:, None]).astype(int))


_PLAIN, _EXTRA = _states(False), _states(True)


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
    scores = np.zeros((len(boxes), len(ANATOMICAL_ORDER)))
    scores[:, list(CLASS_RANK)] = level_scores
    bodies, scores = _bodies(boxes, scores)
    certain = np.clip(scores.sum(axis=1), 0.0, 0.999)
    inner = [i for i in range(len(bodies)) if certain[i] >= _LEAST_CERTAIN][:_MOST_BODIES]
    outer = [i for i in range(len(bodies)) if i not in set(inner)]
    numbered = _numbered(bodies, boxes, scores, certain, inner, model, height_px)
    for i in outer:
        numbered.append(_alone(bodies[i], scores[i], certain[i]))
    return sorted(numbered, key=lambda n: -n.confidence)


def _alone(detection: int, scores: np.ndarray, certain: float) -> Numbered:
    return Numbered(detection, ANATOMICAL_ORDER[int(scores.argmax())], certain * 0.1, False)


def _bodies(boxes: np.ndarray, scores: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return each body's best detection and its scores, (bodies, 24), highest of its detections."""
    best = scores.sum(axis=1)
    order = np.argsort(-best, kind="stable")
    overlap = _box_iou(boxes)
    bodies: list[int] = []
    gathered: list[np.ndarray] = []
    for i in order:
        near = [k for k, body in enumerate(bodies) if overlap[i, body] > _SAME_BODY]
        if near:
            closest = max(near, key=lambda k: overlap[i, bodies[k]])
            np.maximum(gathered[closest], scores[i], out=gathered[closest])
        else:
            bodies.append(int(i))
            gathered.append(scores[i].copy())
    return bodies, np.array(gathered)


def _box_iou(boxes: np.ndarray) -> np.ndarray:
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    overlap = shared / np.maximum(area[:, None] + area[None] - shared, 1e-9)
    # Boxes around one point have no step between them, so they cannot be two bodies of a column.
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    apart = np.abs(middles[:, None] - middles[None]).max(axis=2)
    return np.where(apart < _LEAST_STEP_PX, 1.0, overlap)


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
    states = _EXTRA if model.transitional else _PLAIN
    places = boxes[[bodies[i] for i in inner]]
    centres = (places[:, :2] + places[:, 2:]) / 2
    sizes = np.maximum(places[:, 2:] - places[:, :2], 1e-6)
    order = column_order(centres / np.median(sizes, axis=0)) if len(inner) > 1 else [0]
    if centres[order[0], 1] > centres[order[-1], 1]:
        order = order[::-1]
    column = [inner[i] for i in order]
    emitted = _emitted(scores[column], states)
    emitted *= _framed(centres[order, 1] / height_px, model.framing, states)
    ends = _ends(model.spans, states)
    apart = _apart(centres[order], sizes[order])
    pitch = _pitch_of_certain(apart, certain[column])
    for _ in range(_PASSES):
        down = _Chain(apart, pitch, emitted, certain[column], ends, states)
        up = _Chain(
            apart[::-1, ::-1], pitch[::-1], emitted[::-1], certain[column][::-1], ends, states
        )
        # Equal they are with one sure body amid undecided ones; then the film is held upright.
        upright = down.likelihood >= up.likelihood * (1 - _EQUAL)
        chosen_states = down.path() if upright else up.path()[::-1]
        pitch = _pitch_of_path(apart, pitch, chosen_states, states)
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


def _emitted(scores: np.ndarray, states: _States) -> np.ndarray:
    """Return the likelihood of each body's scores under each state, (bodies, states), at most 1."""
    known = {name: scores[:, rank] for name, rank in RANK.items()}
    known["T13"] = _TRANSITIONAL * np.sqrt(known["T12"] * known["L1"])
    known["L6"] = _TRANSITIONAL * known["L5"]
    columns = np.stack([known[name] for name in states.names], axis=1) + _SCORE_FLOOR
    return (columns / columns.max(axis=1, keepdims=True)) ** _TRUST


def _framed(
    heights: np.ndarray, framing: Mapping[str, tuple[float, float]], states: _States
) -> np.ndarray:
    """Return how well bodies at those heights fit each state, (bodies, states), at most 1.

    Bodies of a film are high or low together, so all of them count as one observation. A film
    that is framed otherwise, or turned, fits badly everywhere; what that can cost is bounded.
    """
    misfit = np.full((len(heights), len(states.names)), _MOST_MISFRAMED)
    for column, name in enumerate(states.names):
        if name in framing:
            mean, sd = framing[name]
            misfit[:, column] = np.minimum(((heights - mean) / sd) ** 2 / 2, _MOST_MISFRAMED)
    if not framing:
        misfit[:] = 0
    return np.exp(-misfit * _FRAMING_TRUST / len(heights))


class _Ends(NamedTuple):
    """Spans that a column may have: weights, and the cost of bodies missed at either end."""

    weights: np.ndarray  # (spans,)
    first: np.ndarray  # (spans, states) probability that the first body seen has that level
    last: np.ndarray  # (spans, states)


def _ends(spans: Mapping[str, float], states: _States) -> _Ends:
    count = len(states.names)
    weights, first, last = [1.0], [np.full(count, 1 / count)], [np.ones(count)]
    if spans:
        weights = [_FREE]
        for span, share in spans.items():
            top, bottom = (states.names.index(name) for name in span.split("-"))
            above, below = states.steps[top], states.steps[:, bottom]
            weights.append((1 - _FREE) * share)
            first.append(np.where(above >= 0, _MISS ** np.maximum(above, 0.0), 0.0))
            last.append(np.where(below >= 0, _MISS ** np.maximum(below, 0.0), 0.0))
    return _Ends(np.array(weights), np.array(first), np.array(last))


class _Chain:
    """The hidden Markov model of one film's bodies in one direction."""

    def __init__(
        self,
        apart: np.ndarray,
        pitch: np.ndarray,
        emitted: np.ndarray,
        certain: np.ndarray,
        ends: _Ends,
        states: _States,
    ) -> None:
        self._count = len(apart)
        self._ends = ends
        self._body = emitted * certain[:, None] * _WORTH  # (bodies, states): it is a vertebra
        self._none = 1 - certain  # (bodies,): it is none
        self._before = np.concatenate([[1.0], np.cumprod(self._none)])
        self._after = np.concatenate([np.cumprod(self._none[::-1])[::-1], [1.0]])
        self._moves = self._transitions(apart, pitch, states.steps)
        self._forward = self._run()
        weights = ends.weights[:, None]
        self._arrive = self._forward * ends.last * weights  # (bodies, spans, states)
        self.likelihood = float((self._arrive.sum(axis=(1, 2)) * self._after[1:]).sum())

    def _transitions(
        self, apart: np.ndarray, usual: np.ndarray, steps: np.ndarray
    ) -> dict[tuple[int, int], Any]:
        """Return (i, j) -> (states, states): from body i to j, those between being none."""
        moves: dict[tuple[int, int], Any] = {}
        if self._count < 2:
            return moves
        counts = np.maximum(steps, 1)
        for i in range(self._count):
            none = 1.0
            for j in range(i + 1, min(self._count, i + 2 + _MOST_SKIPPED)):
                gap = apart[i, j] / np.sqrt(usual[i] * usual[j])
                off = (
                    np.log(max(gap, 1e-3)) - np.log(np.arange(1, counts.max() + 1))
                ) / _GAP_SPREAD
                fits = np.maximum(np.exp(-0.5 * off**2), _GAP_FLOOR)
                fits = fits * _MISS ** np.arange(counts.max())
                moves[i, j] = np.where(steps >= 1, fits[counts - 1], 0.0) * none
                none *= self._none[j]
        return moves

    def _run(self) -> np.ndarray:
        """Return (bodies, spans, states): the probability of all up to a body in that state."""
        forward = np.zeros((self._count, *self._ends.first.shape))
        for j in range(self._count):
            reached = self._ends.first * self._before[j]
            for i in range(max(0, j - 1 - _MOST_SKIPPED), j):
                reached = reached + forward[i] @ self._moves[i, j]
            forward[j] = reached * self._body[j]
        return forward

    def posterior(self) -> np.ndarray:
        """Return (bodies, states): the probability of each state; the rest to one: no vertebra."""
        backward = np.zeros_like(self._forward)
        for i in reversed(range(self._count)):
            left = self._ends.last * self._after[i + 1]
            for j in range(i + 1, min(self._count, i + 2 + _MOST_SKIPPED)):
                left = left + (backward[j] * self._body[j]) @ self._moves[i, j].T
            backward[i] = left
        joint = self._forward * backward * self._ends.weights[:, None]
        return np.asarray(joint.sum(axis=1) / max(self.likelihood, 1e-300))

    def path(self) -> list[int]:
        """Return the state of each body in the most probable run, -1: no vertebra (Viterbi)."""
        best = np.zeros_like(self._forward)
        origin = np.full((*self._forward.shape, 2), -1)
        for j in range(self._count):
            reached = self._ends.first * self._before[j] * self._ends.weights[:, None]
            for i in range(max(0, j - 1 - _MOST_SKIPPED), j):
                steps = best[i][:, :, None] * self._moves[i, j]  # (spans, from, to)
                source = steps.argmax(axis=1)
                value = np.take_along_axis(steps, source[:, None], axis=1)[:, 0]
                better = value > reached
                reached = np.where(better, value, reached)
                origin[j, ..., 0] = np.where(better, i, origin[j, ..., 0])
                origin[j, ..., 1] = np.where(better, source, origin[j, ..., 1])
            best[j] = reached * self._body[j]
        ending = best * self._ends.last * self._after[1:, None, None]
        body, span, state = np.unravel_index(int(ending.argmax()), ending.shape)
        path = [-1] * self._count
        while body >= 0:
            path[int(body)] = int(state)
            body, state = origin[body, span, state]
        return path


def _apart(centres: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return how far bodies lie apart, (bodies, bodies), in their own widths and heights.

    So a film that was stretched, as the original's were, is as good as one that was not. Sizes are
    smoothed along the column: a single box may be wrong.
    """
    near = np.stack([_smooth(side) for side in sizes.T], axis=1)
    between = (near[:, None] + near[None]) / 2
    return np.asarray(np.hypot(*((centres[:, None] - centres[None]) / between).transpose(2, 0, 1)))


def _pitch_of_certain(apart: np.ndarray, certain: np.ndarray) -> np.ndarray:
    """Return the spacing to expect at each body, by the steps between the surest of them."""
    best = np.sort(certain)[::-1][:_SUREST]
    sure = np.flatnonzero(certain >= np.median(best) / 2)
    if len(sure) < 4:
        return np.full(len(apart), _STEP_PER_BODY)
    steps = np.array([apart[a, b] for a, b in pairwise(sure)])
    middles = np.array([(a + b) / 2 for a, b in pairwise(sure)])
    return _steady(np.interp(np.arange(len(apart)), middles, _smooth(steps)))


def _steady(pitch: np.ndarray) -> np.ndarray:
    """Return spacings kept near their median: along a column they change little by little."""
    usual = float(np.median(pitch))
    return np.clip(pitch, usual / _MOST_UNEVEN, usual * _MOST_UNEVEN)


def _pitch_of_path(
    apart: np.ndarray, pitch: np.ndarray, chosen: Sequence[int], states: _States
) -> np.ndarray:
    """Return the spacing to expect at each body, by the steps that were made along the column."""
    bodies = [i for i, state in enumerate(chosen) if state >= 0]
    if len(bodies) < 4:
        return pitch
    ends = list(pairwise(bodies))
    steps = [max(1, abs(int(states.steps[chosen[a], chosen[b]]))) for a, b in ends]
    found = np.array([apart[a, b] / n for (a, b), n in zip(ends, steps, strict=True)])
    middles = np.array([(a + b) / 2 for a, b in ends])
    return _steady(np.interp(np.arange(len(apart)), middles, _smooth(found)))


def _smooth(values: np.ndarray) -> np.ndarray:
    """Return the running median over five, mirrored at the ends: no end is its own median."""
    padded = np.pad(values, 2, mode="symmetric")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1))
