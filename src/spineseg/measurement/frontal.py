"""What a frontal film says of a column: Cobb angles of all its curves, and its balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spineseg.measurement.bodies import Body, tilt_deg, turned_deg

LEAST_CURVE_DEG = 5.0
"""Smaller angles beside the largest go untold: readers differ by so much (Carman et al. 1990)."""

Bodies = Mapping[str, Body]


@dataclass(frozen=True)
class Curve:
    """One curve of a column: from which body to which, and to which side of the film it bends."""

    upper: str
    lower: str
    convex_to: str  # "left" or "right"

    def midlines_deg(self, bodies: Bodies) -> np.ndarray:
        """Return the angle between the end vertebrae's midlines."""
        return _between(bodies[self.upper].midline, bodies[self.lower].midline)

    def plates_deg(self, bodies: Bodies) -> np.ndarray:
        """Return Cobb's own angle: the upper's upper end plate to the lower's lower one (1948)."""
        return _between(bodies[self.upper].upper, bodies[self.lower].lower)


def centreline_curve(bodies: Bodies) -> Curve | None:
    """Return the largest curve of the line through the bodies' centres; None of fewer than two.

    A coarse mask keeps a body's place far better than its tilt. The line is smoother than the
    bodies' tilts, so that its angle is the smaller one.
    """
    found = _curves(list(bodies), np.array([float(t) for t in _across_deg(bodies).values()]))
    return found[0] if found else None


def centreline_deg(curve: Curve, bodies: Bodies) -> np.ndarray:
    """Return the angle between the lines across the centreline at a curve's ends."""
    across = _across_deg(bodies)
    return np.abs(turned_deg(across[curve.lower] - across[curve.upper]))


def _across_deg(bodies: Bodies) -> dict[str, np.ndarray]:
    """Return how far lines across the centreline fall to the right, from neighbour to neighbour."""
    levels, centres = list(bodies), [body.centre for body in bodies.values()]
    last = len(levels) - 1
    downs = [centres[min(i + 1, last)] - centres[max(i - 1, 0)] for i in range(len(levels))]
    return {
        level: np.asarray(np.degrees(np.arctan2(-down[..., 0], down[..., 1])))
        for level, down in zip(levels, downs, strict=True)
    }


def curves(bodies: Bodies) -> tuple[Curve, ...]:
    """Return all curves, the largest first; none of fewer than two bodies.

    `bodies` go from head to pelvis. The largest is that of the two whose midlines enclose the
    largest angle. Above its upper end and below its lower one the next is looked for in the same
    way, from that end on, and told from 5 degrees on. So were the angles that come with the AASCE
    films computed (Wu et al. 2017); their curves are three, these as many as there are.
    """
    return _curves(list(bodies), np.array([float(body.tilt_deg) for body in bodies.values()]))


def _curves(levels: Sequence[str], tilts: np.ndarray) -> tuple[Curve, ...]:
    if len(levels) < 2:
        return ()
    apart = np.abs(turned_deg(tilts[:, None] - tilts))
    first, last = sorted(int(at) for at in np.unravel_index(np.argmax(apart), apart.shape))
    if first == last:
        first, last = 0, len(levels) - 1  # All are tilted alike.
    ends = [(first, last)]
    while ends[0][0] > 0:
        end = ends[0][0]
        ends.insert(0, (int(np.argmax(apart[: end + 1, end])), end))
        if ends[0][0] == end:
            break
    while ends[-1][1] < len(levels) - 1:
        start = ends[-1][1]
        ends.append((start, start + int(np.argmax(apart[start:, start]))))
        if ends[-1][1] == start:
            break
    told = [e for e in ends if e == (first, last) or apart[e] >= LEAST_CURVE_DEG]
    told.sort(key=lambda e: -apart[e])
    return tuple(
        Curve(levels[a], levels[b], "left" if turned_deg(tilts[b] - tilts[a]) < 0 else "right")
        for a, b in told
    )


def upper_end(bodies: Bodies) -> str | None:
    """Return the body whose place over L5 says the balance: C7, else T1, else none."""
    return next((level for level in ("C7", "T1") if level in bodies), None)


def is_upright(bodies: Bodies) -> bool:
    """Return whether the upper end lies above L5 rather than beside it."""
    if "L5" not in bodies or (over := upper_end(bodies)) is None:
        return False
    x, y = bodies[over].centre - bodies["L5"].centre
    return bool(abs(x) < abs(y))


def balance_percent(bodies: Bodies) -> np.ndarray:
    """Return how far C7's or T1's centre lies beside L5's, to the film's right, in % of its height.

    Raises KeyError where neither or no L5 is there.
    """
    away = bodies[upper_end(bodies) or "C7"].centre - bodies["L5"].centre
    return np.asarray(100 * away[..., 0] / np.abs(away[..., 1]))


def _between(line: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(turned_deg(tilt_deg(other) - tilt_deg(line)))
