"""Labels as an annotator left them -> clean outlines: what can be mended is, and is reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from shapely import Polygon

from spineseg.films import Outline
from spineseg.levels import level_named, plain_name, spelt

NoteKind = Literal[
    "box", "out-of-range", "repeated-points", "self-crossing", "pieces", "duplicate", "damaged"
]

_REACH = 0.1  # Drawn beyond the film by no more than this share of its side: cut at the edge.
_SAME_POINT = 1e-6
_LEAST_AREA = 1e-6  # Of the film: less than one pixel of 1000 x 1000.
_LONGEST_NOTE = 500
_MAIN_PIECE = 0.95  # A piece with this share of the area is the vertebra; the rest are crumbs.
IS_BOX = "is a box, not an outline; draw its outline"
"""Of a label that is refused, and that a config can accept."""
_NO_RING = np.zeros((0, 2))
_SAME_OUTLINE = 0.9  # Intersection over union.
MOST_LABELS = 200  # On one film, which shows 24 levels: more is no film's labels.
_MOST_POINTS = 10_000  # Of an outline: more than the pixels around a body.
_MOST_CROSSINGS = 20_000  # Of an outline with itself, about; more is a scribble.


@dataclass(frozen=True)
class RawLabel:
    """One label as read: rings of points, (points, 2) fractions of width and height."""

    name: str
    where: str  # FILE:LINE or FILE: annotation ID
    rings: tuple[np.ndarray, ...]
    is_box: bool = False
    problem: str | None = None  # Why it could not be read; then there are no rings.


@dataclass(frozen=True)
class Note:
    """What was found wrong with one label; `damaged` could not be mended."""

    kind: NoteKind
    where: str
    text: str


@dataclass(frozen=True)
class CleanLabels:
    """One film's outlines, all that was mended or wrong, and class names that are no level."""

    outlines: tuple[Outline, ...]
    notes: tuple[Note, ...]
    unmapped: tuple[str, ...]


def too_many(count: int, where: str) -> RawLabel:
    """Return the one problem that more labels than `MOST_LABELS` on a film are."""
    problem = f"is one of {count} labels on one film, more than {MOST_LABELS}; mend its labels"
    return all_labels(where, problem)


def all_labels(where: str, problem: str) -> RawLabel:
    """Return the one problem that stands for all labels of a film."""
    return RawLabel("", where, (), problem=problem)


def clean_labels(
    raw: Iterable[RawLabel],
    *,
    class_map: Mapping[str, str] | None = None,
    drop_classes: Sequence[str] = (),
    boxes: str = "refuse",
) -> CleanLabels:
    """Return the outlines that `raw` gives, each simple, inside the film and of known level.

    Class names are compared in the letters that they look like. More labels than any film has are
    one damage and give no outline.
    """
    raw = tuple(raw)
    if len(raw) > MOST_LABELS:
        raw = (too_many(len(raw), raw[0].where),)
    mapped = {plain_name(name): level for name, level in (class_map or {}).items()}
    dropped = {plain_name(name) for name in drop_classes}
    sound = _sound([label.rings[0] if len(label.rings) == 1 else _NO_RING for label in raw])
    outlines: list[Outline] = []
    polygons: list[Polygon] = []
    notes: list[Note] = []
    unmapped: list[str] = []
    for label, as_it_is in zip(raw, sound, strict=True):
        if label.problem:
            line = " ".join(label.problem.split())[:_LONGEST_NOTE]  # It may quote a file.
            notes.append(Note("damaged", label.where, line))
            continue
        if plain_name(label.name) in dropped:
            continue
        level = (class_map or {}).get(label.name) or mapped.get(plain_name(label.name))
        level = level or level_named(label.name)
        if level is None:
            unmapped.append(spelt(label.name))
            continue
        if label.is_box:
            if boxes == "refuse":
                notes.append(Note("damaged", label.where, IS_BOX))
                continue
            notes.append(Note("box", label.where, "is a box; its rectangle was taken"))
        polygon, points = as_it_is, label.rings[0] if label.rings else _NO_RING
        if polygon is None:
            polygon, found = mended(label.rings)
            notes += [Note(kind, label.where, text) for kind, text in found]
            if polygon is None:
                continue
            points = np.array(polygon.exterior.coords)[:-1]
        twin = next(
            (i for i, o in enumerate(outlines) if o.level == level and _same(polygon, polygons[i])),
            None,
        )
        if twin is not None:
            notes.append(Note("duplicate", label.where, f"{level} is there twice; one was kept"))
            continue
        outlines.append(Outline(level, points))
        polygons.append(polygon)
    return CleanLabels(tuple(outlines), tuple(notes), tuple(dict.fromkeys(unmapped)))


def _sound(rings: Sequence[np.ndarray]) -> list[Polygon | None]:
    """Return the polygon of each ring that needs no mending, None for the others.

    All at once: nearly all labels are sound, and one look at each takes ten times as long.
    """
    sizes = np.array([len(ring) for ring in rings])
    chosen = np.flatnonzero((sizes >= 3) & (sizes <= _MOST_POINTS)).tolist()
    found: list[Polygon | None] = [None] * len(rings)
    if not chosen:
        return found
    points = np.concatenate([rings[i] for i in chosen])
    sizes = sizes[chosen]
    starts = np.cumsum(sizes) - sizes
    before = np.arange(len(points)) - 1
    before[starts] = starts + sizes - 1
    whole = (points >= 0).all(axis=1) & (points <= 1).all(axis=1)  # NaN is neither.
    with np.errstate(invalid="ignore"):  # Infinity less infinity.
        apart = np.abs(points - points[before]).max(axis=1) >= _SAME_POINT
    fit = np.logical_and.reduceat(whole & apart, starts)
    chosen = [i for i, fits in zip(chosen, fit, strict=True) if fits]
    if not chosen:
        return found
    kept = np.concatenate([rings[i] for i in chosen])
    owners = np.repeat(np.arange(len(chosen)), [len(rings[i]) for i in chosen])
    polygons = shapely.polygons(shapely.linearrings(kept, indices=owners))
    good = shapely.is_valid(polygons) & (shapely.area(polygons) >= _LEAST_AREA)
    for i, polygon, fine in zip(chosen, polygons, good, strict=True):
        found[i] = polygon if fine else None
    return found


def mended(rings: Sequence[np.ndarray]) -> tuple[Polygon | None, list[tuple[NoteKind, str]]]:
    """Return one simple polygon within 0..1, or None; and what had to be done to have it.

    `rings` are (points, 2). A polygon that is sound keeps its points as they are.
    """
    notes: list[tuple[NoteKind, str]] = []
    parts: list[Polygon] = []
    points_in_all = sum(len(ring) for ring in rings)
    if points_in_all > _MOST_POINTS:
        return None, [("damaged", f"has {points_in_all} points, more than {_MOST_POINTS}; thin it")]
    for ring in rings:
        if not np.isfinite(ring).all():
            return None, [("damaged", "has a coordinate that is no number")]
        over = float(np.max(np.abs(ring - 0.5)) - 0.5) if ring.size else 0.0
        if over > _REACH:
            worst = ring.ravel()[int(np.argmax(np.abs(ring.ravel() - 0.5)))]
            return None, [
                ("damaged", f"coordinate {worst:g} lies outside the film, 0..1; are these pixels?")
            ]
        points, repeated = _without_repeats(ring)
        if repeated:
            notes.append(("repeated-points", f"{repeated} repeated points were removed"))
        if len(points) < 3:
            continue
        part = _simple(Polygon(points), notes)
        if part is None:
            return None, [*notes, ("damaged", "crosses itself and leaves several pieces")]
        if over > 0:
            notes.append(("out-of-range", f"left the film by {over:.1%} of its side; was cut off"))
            part = _main_piece(shapely.intersection(part, shapely.box(0, 0, 1, 1)))
        if part is not None and part.area >= _LEAST_AREA:
            parts.append(part)
    if not parts:
        return None, [*notes, ("damaged", "encloses nothing")]
    if len(parts) == 1:
        return parts[0], notes
    whole = _main_piece(shapely.union_all(parts))
    if whole is None:
        return None, [*notes, ("damaged", f"is drawn in {len(parts)} pieces apart; join them")]
    return whole, [*notes, ("pieces", f"was drawn in {len(parts)} pieces; the main one was kept")]


def _without_repeats(ring: np.ndarray) -> tuple[np.ndarray, int]:
    """Drop points that repeat the one before, the closing point first of all."""
    if len(ring) > 1 and np.abs(ring[0] - ring[-1]).max() < _SAME_POINT:
        ring = ring[:-1]  # A ring closed in writing is no mistake.
    if len(ring) < 2:
        return ring, 0
    keep = np.abs(np.diff(ring, axis=0, prepend=ring[-1:])).max(axis=1) >= _SAME_POINT
    return ring[keep], int(len(ring) - keep.sum())


def _simple(polygon: Polygon, notes: list[tuple[NoteKind, str]]) -> Polygon | None:
    """Return `polygon` without self-crossings, None where that leaves a choice."""
    if polygon.is_valid:
        return polygon
    hull = polygon.convex_hull
    if len(polygon.exterior.coords) == 5 and isinstance(hull, Polygon):
        if len(hull.exterior.coords) == 5:  # Four corners in a wrong order have one right one.
            notes.append(("self-crossing", "its four corners were put in order"))
            return hull
        if hull.area < _LEAST_AREA:
            return hull
    if _crossings(np.array(polygon.exterior.coords)) > _MOST_CROSSINGS:
        return None
    piece = _main_piece(shapely.make_valid(polygon, method="structure", keep_collapsed=False))
    if piece is None or not _goes_round(polygon, piece):
        return None
    notes.append(("self-crossing", "crossed itself; the crumbs were cut off"))
    return piece


def _goes_round(polygon: Polygon, piece: Polygon) -> bool:
    """Return whether a ring goes round its main piece a whole number of times, crumbs apart.

    A five-pointed star does not: its middle counts twice.
    """
    x, y = np.array(polygon.exterior.coords).T
    turns = abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2 / max(piece.area, 1e-12)
    return piece.area < _LEAST_AREA or (turns > 0.5 and abs(turns - round(turns)) < 1 - _MAIN_PIECE)


def _crossings(ring: np.ndarray) -> float:
    """Return about how often a ring, (points, 2), crosses itself: by some of its sides.

    It bounds the time of mending, which grows with the crossings' square.
    """
    start, end = ring[:-1], ring[1:]
    some = np.unique(np.linspace(0, len(start) - 1, 100).astype(int))

    def side(a: np.ndarray, b: np.ndarray, point: np.ndarray) -> np.ndarray:
        way, there = b - a, point - a
        return np.sign(way[..., 0] * there[..., 1] - way[..., 1] * there[..., 0])

    a, b = start[some, None], end[some, None]
    crossed = (side(a, b, start) * side(a, b, end) < 0) & (
        side(start, end, a) * side(start, end, b) < 0
    )
    return float(crossed.sum()) * len(start) / len(some) / 2


def _main_piece(shape: shapely.Geometry) -> Polygon | None:
    """Return the polygon that has nearly all of the area; holes are filled."""
    pieces = [
        Polygon(piece.exterior)
        for piece in shapely.get_parts(shape, return_index=False)
        for piece in ([piece] if isinstance(piece, Polygon) else shapely.get_parts(piece))
        if isinstance(piece, Polygon)
    ]
    if not pieces:
        return Polygon([(0, 0), (0, 0), (0, 0)])  # Of no area; the caller says so.
    largest = max(pieces, key=lambda piece: piece.area)
    return largest if largest.area >= _MAIN_PIECE * sum(p.area for p in pieces) else None


def _same(one: Polygon, other: Polygon) -> bool:
    if not one.intersects(other):
        return False
    shared = one.intersection(other).area
    return bool(shared >= _SAME_OUTLINE * (one.area + other.area - shared))
