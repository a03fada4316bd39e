"""Average precision by COCO's rules, from levels' matches: exact, and over many resamples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from spineseg.metrics import AveragePrecision

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
CONFIDENCES = np.linspace(0, 1, 201)


@dataclass(frozen=True)
class LevelMatches:
    """One level's detections over all films, most confident first."""

    confidences: np.ndarray  # (detections,)
    films: np.ndarray  # (detections,) int: the film's place among the records
    hits: np.ndarray  # (thresholds, detections) bool
    labelled: np.ndarray  # (films,) int: labelled vertebrae of the level

    @property
    def truths(self) -> int:
        """Labelled vertebrae over all films."""
        return int(self.labelled.sum())


def thresholds_of(metric: AveragePrecision) -> np.ndarray:
    """Return which of IOU_THRESHOLDS a metric is the mean over, (10,) bool."""
    low, high = metric.ious
    return (low - 1e-6 < IOU_THRESHOLDS) & (high + 1e-6 > IOU_THRESHOLDS)


def average_precision(matches: LevelMatches) -> np.ndarray:
    """Return the average precision at each IoU threshold, (10,), as pycocotools' COCOeval.

    Precision is made monotonous from the right and read at 101 recalls.
    """
    result = np.zeros(len(IOU_THRESHOLDS))
    if not len(matches.confidences):
        return result
    for i, hit in enumerate(matches.hits):
        true = np.cumsum(hit, dtype=float)
        false = np.cumsum(~hit, dtype=float)
        recall = true / matches.truths
        precision = true / (true + false + np.spacing(1))
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        at = np.searchsorted(recall, RECALLS, side="left")
        read = np.where(at < len(precision), precision[np.minimum(at, len(precision) - 1)], 0.0)
        result[i] = read.mean()
    return result


def at_confidences(matches: LevelMatches) -> tuple[np.ndarray, np.ndarray]:
    """Return precision and recall at IoU 0.5 over CONFIDENCES, (201,) each."""
    kept = np.searchsorted(-matches.confidences, -CONFIDENCES, side="right")
    true = np.concatenate([[0], np.cumsum(matches.hits[0])])[kept]
    precision = np.where(kept > 0, true / np.maximum(kept, 1), 1.0)
    return precision, true / matches.truths


_CHUNK = 2500  # Resamples at a time: enough that calls cost little, and several for the cores.


def resampled_map(levels: Sequence[LevelMatches], weights: np.ndarray) -> np.ndarray:
    """Return the mean average precision at each IoU threshold, (resamples, 10).

    `weights`, (resamples, films), say how often each film is drawn. Levels that a resample has
    no label of are left out of its mean, as COCO does; NaN where it has none at all. Only places
    where a detection hits count for the precision's envelope, so only those are looked at.
    """
    drawn = np.ascontiguousarray(weights.T, dtype=np.float32)  # (films, resamples)
    parts = [
        np.ascontiguousarray(drawn[:, start : start + _CHUNK])
        for start in range(0, drawn.shape[1], _CHUNK)
    ]
    plans = [_plan(level) for level in levels]
    if len(parts) == 1:
        return _chunk_map(plans, parts[0]).T
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # NumPy lets go of the lock.
        return np.concatenate([m.T for m in threads.map(partial(_chunk_map, plans), parts)])


class _Plan(NamedTuple):
    """Where one level's detections hit, laid out for all thresholds at once.

    A row is one hit at one threshold; first stand the first hits of all thresholds, then their
    second hits, and so on, thresholds of many hits first. Thresholds of the same hits share rows.
    """

    labelled: np.ndarray  # (films,) float32: labelled vertebrae
    films: list[list[int]]  # Films of the detections up to each place with a hit, from the last.
    place: np.ndarray  # (rows,) int: of these places the row's
    film: np.ndarray  # (rows,) int: the film that the row's hit is on
    widths: list[int]  # Thresholds that have a first hit, a second, ...
    column: list[int]  # Of each IoU threshold that hits at all: which of the thresholds it is.


class _Tables(NamedTuple):
    """Room for the tables of a level: to get it anew for each takes ten times their arithmetic."""

    seen: np.ndarray  # (places, resamples) float32: detections drawn up to a place
    true: np.ndarray  # (rows, resamples) float32
    precision: np.ndarray  # (rows, resamples) float32

    @classmethod
    def of(cls, plans: Sequence[_Plan], resamples: int) -> _Tables:
        """Return tables with room for the largest level."""
        places = max((len(plan.films) for plan in plans), default=0)
        rows = max((len(plan.film) for plan in plans), default=0)
        return cls(*(np.empty((n, resamples), np.float32) for n in (places, rows, rows)))


def _plan(level: LevelMatches) -> _Plan:
    met = [np.flatnonzero(row).tolist() for row in level.hits]
    met = met[: met.index([])] if [] in met else met  # Thresholds rise: none that follows is met.
    found = sorted({tuple(at) for at in met}, key=lambda at: -len(at))
    widths = [sum(len(at) > i for at in found) for i in range(len(found[0]) if found else 0)]
    rows = [found[j][i] for i, width in enumerate(widths) for j in range(width)]
    places, films = sorted(set(rows)), level.films.tolist()
    number = {place: i for i, place in enumerate(places)}
    return _Plan(
        labelled=level.labelled.astype(np.float32),
        films=[films[a + 1 : b + 1] for a, b in zip([-1, *places], places, strict=False)],
        place=np.array([number[at] for at in rows], int),
        film=level.films[rows],
        widths=widths,
        column=[found.index(tuple(at)) for at in met],
    )


def _chunk_map(plans: Sequence[_Plan], drawn: np.ndarray) -> np.ndarray:
    total = np.zeros((len(IOU_THRESHOLDS), drawn.shape[1]), np.float32)
    count = np.zeros(drawn.shape[1], np.float32)
    tables = _Tables.of(plans, drawn.shape[1])
    for plan in plans:
        # Not `@`: a product so small is not worth the threads that it starts.
        truths = np.einsum("f,fr->r", plan.labelled, drawn)
        there = truths > 0
        count += there
        if plan.widths:
            read = _precision_read(plan, drawn, 100 / np.maximum(truths, 1), tables)
            read = np.where(there, read, 0)
            for row, column in enumerate(plan.column):
                total[row] += read[column]
    with np.errstate(invalid="ignore"):
        return total / np.where(count > 0, count, np.nan)


def _precision_read(
    plan: _Plan, drawn: np.ndarray, per_recall: np.ndarray, tables: _Tables
) -> np.ndarray:
    """Return average precision, (thresholds, resamples); `per_recall`: a hundred over the labels.

    All counts are whole numbers below 2**24: float32 holds them exactly.
    """
    rows, blocks = len(plan.film), _blocks(plan.widths)
    true, precision = tables.true[:rows], tables.precision[:rows]
    np.take(drawn, plan.film, axis=0, out=true, mode="clip")  # Other modes make a copy first.
    for before, now in blocks:
        true[now] += true[before]
    np.take(_seen(plan, drawn, tables.seen), plan.place, axis=0, out=precision, mode="clip")
    np.divide(true, precision, out=precision)
    for before, now in reversed(blocks):
        np.maximum(precision[before], precision[now], out=precision[before])
    # Recall k/100 is read at the first hit that reaches it; recall 0 at the very first.
    true *= per_recall
    true += np.float32(1e-4)
    np.floor(true, out=true)
    for before, now in reversed(blocks):
        true[now] -= true[before]
    first = plan.widths[0]
    true[:first] += 1
    later = np.zeros((first, drawn.shape[1]), np.float32)
    if drawn.shape[1] == 1:  # Added as one row is: by NumPy's own order, in its last digit.
        for column in range(first):
            at = [now.start + column for _, now in blocks if now.start + column < now.stop]
            later[column] = np.einsum("h,h->", true[at, 0], precision[at, 0])
    true *= precision
    for _, now in blocks if drawn.shape[1] > 1 else ():
        later[: now.stop - now.start] += true[now]
    return np.asarray((true[:first] + later) / 101)


def _seen(plan: _Plan, drawn: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return how many detections are drawn up to each place with a hit, (places, resamples)."""
    count = np.zeros(drawn.shape[1], np.float32)
    for place, films in enumerate(plan.films):
        for film in films:
            count += drawn[film]
        np.maximum(count, 1e-9, out=table[place])
    return table[: len(plan.films)]


def _blocks(widths: Sequence[int]) -> list[tuple[slice, slice]]:
    """Return the rows of each hit but the first, behind those of the hit before it."""
    starts = np.cumsum([0, *widths]).tolist()
    return [
        (slice(before, before + width), slice(now, now + width))
        for before, now, width in zip(starts, starts[1:], widths[1:], strict=False)
    ]
