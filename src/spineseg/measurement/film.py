"""One film's outlines in, its figures out; refused where they would say nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from shapely import Polygon

from spineseg.errors import DataError
from spineseg.films import Outline, Spacing
from spineseg.levels import ANATOMICAL_ORDER, RANK, View, place, view_of
from spineseg.measurement import frontal, neck
from spineseg.measurement.bodies import Body
from spineseg.measurement.figures import (
    CentrelineCurve,
    CurveFound,
    Disc,
    Figure,
    FilmMeasures,
    Side,
    Slip,
)
from spineseg.measurement.fitting import fitted_bodies

LEAST_BODIES = 4
"""Of fewer bodies nothing is measured: which curve they belong to is anybody's guess."""
MASK_EDGE_PX = 0.5
"""A mask's outline goes through the middles of its outermost pixels."""
LEAST_SIDE_PX = 4.0
"""A mask with less to a side, px of the film's rows, says nothing of a body's tilt."""
LEAST_CELLS = 4.0
"""Cells of a network's masks from end plate to end plate, below which they tell no tilt."""
_DRAWS = 400
_BORDER = 0.003  # Of the film: an outline that comes so near is cut off there.
_FROM_MEAN = float(np.sqrt(np.pi / 2))  # Mean distance of a normal error -> its standard deviation.


@dataclass(frozen=True)
class Given:
    """What is known of a film beside its outlines."""

    size_px: tuple[int, int]  # Height and width, as outlined.
    aspect: float  # True width over height.
    view: View | None = None  # None: as the levels say.
    front: Side | None = None  # Side that the face looks to; None: as C1's arch says.
    outline_error: float | None = None  # Mean distance from labels, share of the film's height.
    spacing: Spacing | None = None
    inside_px: float = 0.0  # How far outlines lie within their bodies: MASK_EDGE_PX, of masks.
    cell_px: float = 0.0  # Of the masks' own grid, in px of the film; 0: outlines have none.


def measure(outlines: Sequence[Outline], given: Given) -> FilmMeasures:
    """Return the figures of one film.

    Raises DataError, with the reason and what helps, where no body is outlined, fewer than four,
    one level twice, or another view than was named.
    """
    _refuse(outlines, given)
    cut = {o.level for o in outlines if _is_cut(o.points, given) and o.level != "C1"}
    whole = {o.level: _in_true_shape(o.points, given) for o in outlines if o.level not in cut}
    view = given.view or view_of([o.level for o in outlines])
    fitted = {k: v for k, v in whole.items() if not (k == "C1" and view == "lateral")}
    bodies = fitted_bodies(fitted, LEAST_SIDE_PX if given.inside_px else 0.0)
    if len(bodies) < LEAST_BODIES:
        raise DataError(
            f"{len(bodies)} bodies lie whole on the film and are large enough (C1 is none), "
            f"{LEAST_BODIES} are needed; take a film with more of the column"
        )
    told = _Told(bodies, given)
    common = {
        "view": view,
        "levels": tuple(bodies),
        "corners_px": {level: _on_film(body.corners, given) for level, body in bodies.items()},
        "missing": _missing(bodies),
        "cut": tuple(sorted(cut, key=place)),
        "too_small": tuple(sorted(set(fitted) - set(bodies), key=place)),
        "aspect": given.aspect,
        "outline_error": given.outline_error,
    }
    if view == "frontal":
        found = _frontal(told)
        if (coarse := _coarse(bodies, given)) is not None:
            notes = (coarse, *found.pop("notes"))
            found |= {"curves": (), "tilts_deg": {}, "notes": notes}
        return FilmMeasures(**common, **found)
    arch = whole.get("C1")
    return FilmMeasures(**common, **_lateral(told, None if arch is None else _centre(arch)))


class _Told:
    """Figures of a film's bodies, with intervals from many draws of them."""

    def __init__(self, bodies: dict[str, Body], given: Given) -> None:
        self.bodies, self.given = bodies, given
        self._drawn: dict[str, Body] | None = None
        if given.outline_error is not None:
            rng = np.random.default_rng(0)
            sigma = given.outline_error * given.size_px[0] * _FROM_MEAN
            self._drawn = {level: b.drawn(sigma, _DRAWS, rng) for level, b in bodies.items()}

    def figure(self, of: Callable[[Mapping[str, Body]], np.ndarray], digits: int = 2) -> Figure:
        """Return a figure of the bodies."""
        value = round(float(of(self.bodies)), digits)
        if self._drawn is None:
            return Figure(value=value)
        away = np.quantile(of(self._drawn), [0.025, 0.975])
        low, high = (round(float(end), digits) for end in away)
        return Figure(value=value, low=min(low, value), high=max(high, value))

    def tilts(self) -> dict[str, Figure]:
        """Return each body's tilt."""

        def of(level: str) -> Callable[[Mapping[str, Body]], np.ndarray]:
            return lambda bodies: bodies[level].tilt_deg

        return {level: self.figure(of(level)) for level in self.bodies}


def _coarse(bodies: Mapping[str, Body], given: Given) -> str | None:
    """Return in words that the masks' grid is too coarse for tilts, None where it is not."""
    if not given.cell_px:
        return None
    heights = [
        float(np.linalg.norm(body.lower.mean(0) - body.upper.mean(0))) for body in bodies.values()
    ]
    cells = float(np.median(heights)) / given.cell_px
    if cells >= LEAST_CELLS:
        return None
    return (
        f"Cobb angles, tilts: a body is {cells:.1f} cells of the network's masks high, and of "
        f"fewer than {LEAST_CELLS:g} they come out far too small; take weights for larger films"
    )


def _frontal(told: _Told) -> dict[str, Any]:
    bodies = told.bodies
    notes = []
    over = frontal.upper_end(bodies)
    is_balanced = over is not None and frontal.is_upright(bodies)
    if not is_balanced:
        notes.append("balance: needs T1 or C7, and L5, in a column that stands upright on the film")
    return {
        "curves": tuple(
            CurveFound(
                upper=curve.upper,
                lower=curve.lower,
                convex_to=curve.convex_to,
                midlines_deg=told.figure(curve.midlines_deg),
                plates_deg=told.figure(curve.plates_deg),
            )
            for curve in frontal.curves(bodies)
        ),
        "centreline": _centreline(told),
        "tilts_deg": told.tilts(),
        "balance_over": over if is_balanced else None,
        "balance_percent": told.figure(frontal.balance_percent) if is_balanced else None,
        "notes": tuple(notes),
    }


def _centreline(told: _Told) -> CentrelineCurve | None:
    curve = frontal.centreline_curve(told.bodies)
    if curve is None:
        return None
    return CentrelineCurve(
        upper=curve.upper,
        lower=curve.lower,
        convex_to=curve.convex_to,
        angle_deg=told.figure(lambda of: frontal.centreline_deg(curve, of)),
    )


def _lateral(told: _Told, arch: np.ndarray | None) -> dict[str, object]:
    bodies, notes = told.bodies, list[str]()
    seen = neck.front_of(bodies, arch)
    front = told.given.front or seen
    if seen is not None and front != seen:
        raise DataError(
            f"looks to the {seen} by C1's arch, and is said to look to the {front}; leave --front "
            "out, or look at its C1"
        )
    found: dict[str, object] = {
        "front": front,
        "tilts_deg": told.tilts(),
        "discs": tuple(_disc(told, *gap) for gap in neck.gaps(bodies)),
    }
    if front is None:
        notes.append(
            "lordosis, slips: the side that the face looks to is not known, C1's arch not being "
            "outlined before C2; name it with --front"
        )
    else:
        if {"C2", "C7"} <= bodies.keys():
            found["lordosis_deg"] = told.figure(lambda of: neck.lordosis_deg(of, front))
            found["posterior_tangents_deg"] = told.figure(
                lambda of: neck.posterior_tangents_deg(of, front)
            )
        else:
            notes.append("C2-C7 angles: need both C2 and C7")
        found["slips"] = tuple(_slip(told, *gap, front) for gap in neck.gaps(bodies))
    return found | {"notes": tuple(notes)}


def _disc(told: _Told, upper: str, lower: str) -> Disc:
    ratio = told.figure(lambda of: neck.disc_ratio(of[upper], of[lower]), 4)
    spacing, mm = told.given.spacing, None
    if spacing is not None and spacing.kind == "calibrated":
        left, right = neck.disc_heights(told.bodies[upper], told.bodies[lower])
        mm = round(float(left + right) / 2 * spacing.row_mm, 2)
    return Disc(upper=upper, lower=lower, ratio=ratio, mean_mm=mm)


def _slip(told: _Told, upper: str, lower: str, front: Side) -> Slip:
    percent = told.figure(lambda of: neck.slip_percent(of[upper], of[lower], front), 1)
    known = percent.low is not None and percent.high is not None
    is_slip = known and not (percent.low or 0.0) <= 0 <= (percent.high or 0.0)
    quarter = neck.quarter(percent.value) if is_slip else None
    return Slip(upper=upper, lower=lower, percent=percent, quarter=quarter)


def _refuse(outlines: Sequence[Outline], given: Given) -> None:
    levels = [outline.level for outline in outlines]
    if not levels:
        raise DataError("no vertebra is outlined; take a film of a spine, or lower --confidence")
    beyond = [level for level in levels if level not in RANK]
    if beyond:
        raise DataError(
            f"{beyond[0]} lies beyond the 24 levels, so that others may be misnamed; "
            "look at the numbering first"
        )
    doubled = [level for level, count in Counter(levels).items() if count > 1]
    if doubled:
        raise DataError(
            f"{', '.join(sorted(doubled, key=place))} is outlined twice, so that its figures would "
            "be of either; mend the numbering, or use --numbering sequence"
        )
    if len(levels) < LEAST_BODIES:
        raise DataError(
            f"{len(levels)} levels are outlined ({', '.join(levels)}), {LEAST_BODIES} are needed; "
            "take a film with more of the column"
        )
    seen = view_of(levels)
    if given.view is not None and given.view != seen:
        raise DataError(
            f"is to be {given.view}, and its levels are those of a {seen} film "
            f"({', '.join(sorted(levels, key=place))}); name another --view, or the right film"
        )


def _missing(bodies: Mapping[str, Body]) -> tuple[str, ...]:
    ranks = [RANK[level] for level in bodies]
    between = ANATOMICAL_ORDER[min(ranks) : max(ranks) + 1]
    return tuple(level for level in between if level not in bodies)


def _in_true_shape(points: np.ndarray, given: Given) -> np.ndarray:
    """Return an outline, (points, 2) fractions, in px of the film's rows both ways."""
    height, width = given.size_px
    px = points * [width, height]
    if given.inside_px:
        grown = Polygon(px).buffer(0).buffer(given.inside_px, join_style="mitre")
        largest = max(getattr(grown, "geoms", [grown]), key=lambda one: one.area)
        px = np.array(largest.exterior.coords)[:-1] if not largest.is_empty else px
    return np.asarray(px * [given.aspect * height / width, 1.0])


def _on_film(corners: np.ndarray, given: Given) -> tuple[tuple[float, float], ...]:
    height, width = given.size_px
    px = corners / [given.aspect * height / width, 1.0]
    return tuple((round(float(x), 1), round(float(y), 1)) for x, y in px)


def _is_cut(points: np.ndarray, given: Given) -> bool:
    height, width = given.size_px
    edge = np.maximum(_BORDER, (given.inside_px + 0.01) / np.array([width, height]))
    return bool((points < edge).any() or (points > 1 - edge).any())


def _centre(outline: np.ndarray) -> np.ndarray:
    whole = Polygon(outline).buffer(0)
    return outline.mean(0) if whole.is_empty else np.array(whole.centroid.coords[0])
