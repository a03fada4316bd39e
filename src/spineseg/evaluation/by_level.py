"""How the detections of each level meet its labels, from films' records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spineseg.evaluation.greedy import greedy_matches
from spineseg.evaluation.precision import IOU_THRESHOLDS, LevelMatches
from spineseg.evaluation.records import FilmRecord
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.metrics import MOST_DETECTIONS, Kind


def present_levels(records: Sequence[FilmRecord]) -> list[str]:
    """Return the levels that any record has labels of, in anatomical order."""
    there = {truth.level for record in records for truth in record.truths}
    return [level for level in ANATOMICAL_ORDER if level in there]


def overlaps(record: FilmRecord, kind: Kind, rows: Sequence[int]) -> np.ndarray:
    """Return the overlaps of a film's detections `rows`, (rows, labels)."""
    table = record.box_iou if kind == "box" else record.mask_iou
    return np.array([table[i] for i in rows], float).reshape(len(rows), len(record.truths))


def level_matches(records: Sequence[FilmRecord], level: str | None, kind: Kind) -> LevelMatches:
    """Return how the detections of one level meet its labels; None: whatever their levels."""
    confidences, films, hits = [], [], []
    labelled = np.zeros(len(records), int)
    for number, record in enumerate(records):
        labels = [i for i, t in enumerate(record.truths) if level is None or t.level == level]
        rows = [i for i, f in enumerate(record.found) if level is None or f.level == level]
        rows = rows[:MOST_DETECTIONS]
        labelled[number] = len(labels)
        if not rows:
            continue
        overlap = overlaps(record, kind, rows)[:, labels]
        confidences += [record.found[i].confidence for i in rows]
        films += [number] * len(rows)
        hits.append(_hits(overlap))
    if not confidences:
        nothing = np.zeros((len(IOU_THRESHOLDS), 0), bool)
        return LevelMatches(np.zeros(0), np.zeros(0, int), nothing, labelled)
    certain = np.array(confidences)
    order = np.argsort(-certain, kind="mergesort")
    return LevelMatches(
        certain[order], np.array(films)[order], np.concatenate(hits, axis=1)[:, order], labelled
    )


def matches_by_level(
    records: Sequence[FilmRecord], levels: Sequence[str], kind: Kind
) -> tuple[LevelMatches, ...]:
    """Return what `level_matches` does of each of `levels`, all looked for at once."""
    code = {level: number for number, level in enumerate(levels)}
    shape = len(levels), len(records)
    labelled = np.zeros(shape, int)
    own, at, certain, best = [], [], [], []  # Of each detection: level, film, overlap with label.
    several: dict[tuple[int, int], np.ndarray] = {}  # Hits where a level stands twice on a film.
    for number, record in enumerate(records):
        true = np.array([code.get(truth.level, -1) for truth in record.truths], int)
        found = np.array([code.get(each.level, -1) for each in record.found], int)
        np.add.at(labelled[:, number], true[true >= 0], 1)
        rows = _first_of_each(found)
        overlap, level = overlaps(record, kind, rows.tolist()), found[rows]
        for place in np.flatnonzero(labelled[:, number] > 1).tolist():
            several[place, number] = _hits(overlap[level == place][:, true == place])
        column = np.full(len(levels), len(true))  # Of a level without a label: none overlaps.
        column[true[true >= 0]] = np.flatnonzero(true >= 0)
        padded = np.hstack([overlap, np.full((len(rows), 1), -1.0)])
        own.append(level)
        at.append(np.full(len(rows), number))
        certain.append(np.array([record.found[i].confidence for i in rows.tolist()], float))
        best.append(padded[np.arange(len(rows)), column[level]])
    if not records:
        none = np.zeros(0)
        return _told_apart(none.astype(int), none.astype(int), none, none, labelled, several)
    return _told_apart(
        np.concatenate(own),
        np.concatenate(at),
        np.concatenate(certain),
        np.concatenate(best),
        labelled,
        several,
    )


def _first_of_each(levels: np.ndarray) -> np.ndarray:
    """Return the places of detections that have a level, the first MOST_DETECTIONS of each."""
    places = np.flatnonzero(levels >= 0)
    if len(places) <= MOST_DETECTIONS:
        return places
    seen = np.zeros(levels.max() + 1, int)
    kept = []
    for place in places.tolist():
        seen[levels[place]] += 1
        if seen[levels[place]] <= MOST_DETECTIONS:
            kept.append(place)
    return np.array(kept, int)


def _told_apart(
    level: np.ndarray,
    film: np.ndarray,
    certain: np.ndarray,
    overlap: np.ndarray,
    labelled: np.ndarray,
    several: Mapping[tuple[int, int], np.ndarray],
) -> tuple[LevelMatches, ...]:
    """Return each level's matches; a label is met by the first detection that reaches it.

    `several` has the hits where a level stands more than once on a film, by level and film.
    """
    order = np.lexsort((film, level))  # Stable: on a film as they stood, most confident first.
    level, film, certain, overlap = level[order], film[order], certain[order], overlap[order]
    met = IOU_THRESHOLDS[:, None] <= overlap
    group = level * labelled.shape[1] + film
    begins = np.searchsorted(group, group)
    so_far = np.cumsum(np.hstack([np.zeros((len(met), 1), int), met]), axis=1)
    hits = met & (so_far[:, 1:] - so_far[:, begins] == 1)
    for (one, number), known in several.items():
        hits[:, (level == one) & (film == number)] = known
    bounds = np.searchsorted(level, np.arange(len(labelled) + 1)).tolist()
    result = []
    for there, start, end in zip(labelled, bounds, bounds[1:], strict=False):
        rank = start + np.argsort(-certain[start:end], kind="mergesort")
        result.append(LevelMatches(certain[rank], film[rank], hits[:, rank], there))
    return tuple(result)


def _hits(overlap: np.ndarray) -> np.ndarray:
    """Return which detections meet a label at each threshold, (thresholds, detections)."""
    hits = np.zeros((len(IOU_THRESHOLDS), len(overlap)), bool)
    if not overlap.size:
        return hits
    if overlap.shape[1] == 1:  # Mostly: a level stands once on a film. The first that meets it.
        met = IOU_THRESHOLDS[:, None] <= overlap.T
        hits[np.arange(len(hits)), met.argmax(axis=1)] = met.any(axis=1)
        return hits
    best = overlap.max()
    for row, threshold in enumerate(IOU_THRESHOLDS):
        if best < threshold:
            break  # Thresholds rise: no detection meets a label at any that follow.
        hits[row] = greedy_matches(overlap, threshold) >= 0
    return hits
