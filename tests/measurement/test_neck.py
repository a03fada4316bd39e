"""Lateral necks: lordosis, disc heights that slip leaves alone, slips and their quarters."""

from __future__ import annotations

import numpy as np
import pytest
from columns import box, column

from spineseg.measurement.bodies import Body
from spineseg.measurement.neck import (
    disc_heights,
    disc_ratio,
    front_of,
    gaps,
    lordosis_deg,
    posterior_tangents_deg,
    quarter,
    slip_percent,
)

NECK = ("C2", "C3", "C4", "C5", "C6", "C7")


def mirrored(bodies: dict[str, Body]) -> dict[str, Body]:
    return {k: Body(k, (b.corners * [-1, 1])[[1, 0, 3, 2]]) for k, b in bodies.items()}


@pytest.mark.parametrize("front", ["left", "right"])
def test_a_neck_that_bulges_to_the_front_is_lordotic_whichever_way_it_faces(front: str) -> None:
    bodies = column(NECK, [12.0, 8.0, 4.0, 0.0, -4.0, -8.0])
    bulges_to_left = bodies["C4"].centre[0] < bodies["C2"].centre[0]
    assert bulges_to_left
    seen = bodies if front == "left" else mirrored(bodies)
    assert float(lordosis_deg(seen, front)) == pytest.approx(20)
    assert float(posterior_tangents_deg(seen, front)) == pytest.approx(20)
    other = "right" if front == "left" else "left"
    assert float(lordosis_deg(seen, other)) == pytest.approx(-20)


def test_a_disc_s_height_is_that_between_the_plates_and_slip_leaves_it_alone() -> None:
    upper = Body("C4", box(100, 100, 0))
    lower = Body("C5", box(100, 100 + 20 + 6, 0))
    assert disc_heights(upper, lower) == pytest.approx((6, 6))
    assert float(disc_ratio(upper, lower)) == pytest.approx(6 / 40)
    for tilt in (0.0, 25.0):
        cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
        above = Body("C4", box(100, 100, tilt))
        for slip in (0.0, 0.3, 0.6):
            x, y = 26 * -sin + slip * 40 * cos, 26 * cos + slip * 40 * sin
            below = Body("C5", box(100 + x, 100 + y, tilt))
            assert float(disc_ratio(above, below)) == pytest.approx(6 / 40)
            assert float(slip_percent(above, below, "left")) == pytest.approx(100 * slip)
            assert float(slip_percent(above, below, "right")) == pytest.approx(-100 * slip)


def test_a_wedged_disc_is_higher_where_it_opens() -> None:
    upper, lower = Body("C4", box(100, 100, 5)), Body("C5", box(100, 130, -5))
    left, right = disc_heights(upper, lower)
    assert float(left) > float(right) + 5  # The upper one's plate falls to the right.
    assert float(left + right) / 2 == pytest.approx(10, abs=0.3)


def test_front_is_where_c1_s_arch_lies_before_c2() -> None:
    bodies = column(NECK, [0.0] * 6)
    middle = bodies["C2"].centre
    assert front_of(bodies, middle + np.array([-25, -20])) == "left"
    assert front_of(bodies, middle + np.array([25, -20])) == "right"
    assert front_of(bodies, middle + np.array([2, -20])) is None
    assert front_of(bodies, None) is None
    assert front_of({}, middle) is None


def test_gaps_are_between_neighbours_that_are_both_there() -> None:
    bodies = column(NECK, [0.0] * 6)
    del bodies["C4"]
    assert gaps(bodies) == [("C2", "C3"), ("C5", "C6"), ("C6", "C7")]


@pytest.mark.parametrize(
    ("percent", "grade"),
    [(0.5, "I"), (25, "I"), (25.1, "II"), (-40, "II"), (60, "III"), (99, "IV"), (101, "V")],
)
def test_quarters_are_meyerding_s(percent: float, grade: str) -> None:
    assert quarter(percent) == grade
