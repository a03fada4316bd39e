"""Cobb angles: which curves there are, how large, to which side."""

from __future__ import annotations

import numpy as np
import pytest
from columns import box, column

from spineseg.levels import LUMBAR, THORACIC
from spineseg.measurement.frontal import (
    balance_percent,
    centreline_curve,
    centreline_deg,
    curves,
    upper_end,
)

SPINE = THORACIC + LUMBAR


def tilts(*knots: tuple[str, float]) -> list[float]:
    at = [SPINE.index(level) for level, _ in knots]
    return list(np.interp(range(17), at, [tilt for _, tilt in knots]))


def test_a_double_curve_is_told_with_its_ends_sizes_and_sides() -> None:
    bodies = column(SPINE, tilts(("T1", -5.0), ("T5", 20.0), ("T11", -25.0), ("L5", 3.0)))
    found = curves(bodies)
    assert [(c.upper, c.lower, c.convex_to) for c in found] == [
        ("T5", "T11", "left"),
        ("T11", "L5", "right"),
        ("T1", "T5", "right"),
    ]
    assert [float(c.midlines_deg(bodies)) for c in found] == pytest.approx([45, 28, 25])
    assert float(found[0].plates_deg(bodies)) == pytest.approx(45)


def test_a_column_that_bends_to_the_left_lies_left_in_its_middle() -> None:
    bodies = column(SPINE, tilts(("T1", 20.0), ("L5", -20.0)))
    (curve,) = curves(bodies)
    middle = bodies["T9"].centre[0]
    assert middle < min(bodies["T1"].centre[0], bodies["L5"].centre[0])
    assert curve.convex_to == "left"


def test_wedged_bodies_differ_by_plates_and_by_midlines() -> None:
    bodies = column(SPINE, tilts(("T1", 10.0), ("L5", -10.0)))
    wedged = bodies["T1"].corners.copy()
    wedged[1, 1] += 4.0  # The upper plate falls further to the right.
    bodies["T1"] = type(bodies["T1"])("T1", wedged)
    (curve,) = curves(bodies)
    assert float(curve.plates_deg(bodies)) > float(curve.midlines_deg(bodies)) > 20


def test_small_curves_beside_the_largest_go_untold_and_a_straight_column_has_one_of_nought() -> (
    None
):
    bodies = column(SPINE, tilts(("T1", -3.0), ("T6", 0.0), ("L5", 30.0)))
    assert len(curves(bodies)) == 1
    straight = column(SPINE, [0.0] * 17)
    (curve,) = curves(straight)
    assert (curve.upper, curve.lower) == ("T1", "L5")
    assert float(curve.midlines_deg(straight)) == pytest.approx(0)
    assert curves({"T1": straight["T1"]}) == () and curves({}) == ()


def test_the_centreline_tells_a_curve_whose_bodies_lost_their_tilt() -> None:
    bodies = column(SPINE, tilts(("T1", 25.0), ("L5", -25.0)))
    upright = {k: type(b)(k, box(*b.centre, 0.0)) for k, b in bodies.items()}
    (curve,) = curves(upright)
    assert float(curve.midlines_deg(upright)) == pytest.approx(0)
    line = centreline_curve(upright)
    assert line is not None and line.convex_to == "left"
    assert float(centreline_deg(line, upright)) == pytest.approx(48, abs=2)
    assert centreline_curve({}) is None


def test_balance_is_the_upper_end_s_place_over_l5() -> None:
    bodies = column(SPINE, [0.0] * 17)
    moved = bodies | {"T1": type(bodies["T1"])("T1", bodies["T1"].corners + np.array([48.0, 0.0]))}
    assert upper_end(moved) == "T1" and upper_end({}) is None
    assert float(balance_percent(moved)) == pytest.approx(10.0)  # 48 of 16 pitches of 30.
