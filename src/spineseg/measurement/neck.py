"""What a lateral neck film says: lordosis, the height of each disc, and each body's slip."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from spineseg.levels import levels_apart
from spineseg.measurement.bodies import Body, dot, length, tilt_deg, turned_deg
from spineseg.measurement.figures import Side

Bodies = Mapping[str, Body]
_ARCH_AHEAD = 0.2  # Of C2's width, by which C1's arch must lie beside C2 to say where front is.
_QUARTERS = ("I", "II", "III", "IV")


def front_of(bodies: Bodies, arch: np.ndarray | None) -> Side | None:
    """Return the side of the film that the face looks to, `left` or `right`; None if unknown.

    C1's anterior arch, whose centre `arch` (2,) is, lies before C2.
    """
    if arch is None or "C2" not in bodies:
        return None
    c2 = bodies["C2"]
    across = c2.lower[1] - c2.lower[0]
    ahead = float((arch - c2.centre) @ across / (across @ across))
    if abs(ahead) < _ARCH_AHEAD:
        return None
    return "right" if ahead > 0 else "left"


def gaps(bodies: Bodies, highest: str = "C2") -> list[tuple[str, str]]:
    """Return the pairs of neighbouring bodies that are both there, from `highest` downwards."""
    below = [level for level in bodies if levels_apart(highest, level) >= 0]
    return [pair for pair in pairwise(below) if levels_apart(*pair) == 1]


def lordosis_deg(bodies: Bodies, front: str) -> np.ndarray:
    """Return C2-C7's Cobb angle, between both lower end plates; lordosis, open to the back, is > 0.

    Raises KeyError where one of them is not there.
    """
    turn = turned_deg(tilt_deg(bodies["C7"].lower) - tilt_deg(bodies["C2"].lower))
    return -turn if front == "left" else turn


def posterior_tangents_deg(bodies: Bodies, front: str) -> np.ndarray:
    """Return the angle between C2's and C7's posterior walls, as `lordosis_deg` (Harrison 2000)."""
    back = "right" if front == "left" else "left"
    turn = turned_deg(tilt_deg(bodies["C7"].side(back)) - tilt_deg(bodies["C2"].side(back)))
    return -turn if front == "left" else turn


def disc_heights(upper: Body, lower: Body) -> tuple[np.ndarray, np.ndarray]:
    """Return a disc's height at the film's left and right, in the bodies' units.

    The distances of the four corners about it from the line that halves the angle of both bodies'
    midlines: unlike the gap between end plates, they do not grow with slip (Frobin et al. 1997).
    """
    angle = np.radians(upper.tilt_deg + turned_deg(lower.tilt_deg - upper.tilt_deg) / 2)
    down = np.stack([-np.sin(angle), np.cos(angle)], -1)
    left, right = (dot(lower.upper[..., end, :] - upper.lower[..., end, :], down) for end in (0, 1))
    return left, right


def disc_ratio(upper: Body, lower: Body) -> np.ndarray:
    """Return a disc's mean height over the depth of the body above it, at its lower end plate."""
    left, right = disc_heights(upper, lower)
    return np.asarray((left + right) / 2 / length(upper.lower))


def slip_percent(upper: Body, lower: Body, front: str) -> np.ndarray:
    """Return how far a body stands forward on the lower one, in % of that one's upper end plate.

    Between the posterior corners, along the lower's upper end plate (Taillard 1954); backwards is
    negative.
    """
    back = 1 if front == "left" else 0
    plate = lower.upper[..., 1, :] - lower.upper[..., 0, :]
    away = upper.lower[..., back, :] - lower.upper[..., back, :]
    to_right = 100 * dot(away, plate) / length(lower.upper) ** 2
    return to_right if front == "right" else -to_right


def quarter(percent: float) -> str:
    """Return Meyerding's grade of a slip to either side: its quarter, V beyond the border."""
    at = math.ceil(abs(percent) / 25)
    return _QUARTERS[max(at, 1) - 1] if at <= len(_QUARTERS) else "V"
