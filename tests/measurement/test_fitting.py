"""A body's corners out of its outline: exact for what has corners, whichever way it lies."""

from __future__ import annotations

import numpy as np
import pytest

from spineseg.measurement.fitting import fitted_bodies, fitted_corners

DOWN = np.array([0.0, 1.0])
BOX = np.array([[-20.0, -9.0], [20.0, -11.0], [21.0, 10.0], [-19.0, 12.0]])


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[cos, sin], [-sin, cos]])


@pytest.mark.parametrize("degrees", [0, 17, 44, 46, 80, 120, 179, -90, -135])
def test_corners_are_found_in_order_however_the_column_runs(degrees: float) -> None:
    corners = fitted_corners(turned(BOX, degrees) + np.array([300, 200]), turned(DOWN, degrees))
    assert corners is not None
    np.testing.assert_allclose(corners, turned(BOX, degrees) + np.array([300, 200]), atol=0.05)


def test_a_body_that_is_higher_than_wide_has_its_plates_up_and_down() -> None:
    corners = fitted_corners(BOX[:, ::-1], DOWN)
    assert corners is not None
    assert corners[:2, 1].max() < corners[2:, 1].min() and corners[0, 0] < corners[1, 0]


def test_hollow_plates_go_from_rim_to_rim_and_round_corners_end_there() -> None:
    t = np.linspace(-1, 1, 41)
    hollow = 3 * (1 - t**2)
    upper = np.stack([t * 20, -10 + hollow], 1)
    lower = np.stack([t * 20, 10 - hollow], 1)
    corners = fitted_corners(np.concatenate([upper, lower[::-1]]), DOWN)
    assert corners is not None
    np.testing.assert_allclose(corners, [[-20, -10], [20, -10], [20, 10], [-20, 10]], atol=0.3)


def test_slanted_sides_do_not_lengthen_the_plate_below_them() -> None:
    dens = np.array(
        [[-2.0, -38.0], [4.0, -37.0], [8.0, -6.0], [9.0, 0.0], [-9.0, 0.0], [-8.0, -5.0]]
    )
    corners = fitted_corners(dens * 5, DOWN)
    assert corners is not None
    lower = corners[[3, 2], 0] / 5
    np.testing.assert_allclose(lower, [-9, 9], atol=0.6)


@pytest.mark.parametrize(
    "outline",
    [
        np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0]]),
        np.array([[5.0, 5.0], [5.0, 5.0], [5.0, 5.0]]),
        np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 3.0], [0.0, 3.0]]),
    ],
    ids=["a line", "a point", "a sliver"],
)
def test_an_outline_with_too_little_area_has_no_corners(outline: np.ndarray) -> None:
    assert fitted_corners(outline, DOWN, 4.0) is None
    assert not fitted_bodies({"L1": outline, "L2": outline + 1.0}, 4.0)


def test_c2_stands_upright_under_its_dens_and_others_lie() -> None:
    dens = 5 * np.array([[-3.0, -38.0], [4.0, -37.0], [9.0, 0.0], [-9.0, 0.0]])
    leaning = turned(dens, 40) + 100
    below = turned(BOX * 2, 40) + np.array([60, 160])
    bodies = fitted_bodies({"C2": leaning, "C3": below, "C4": below + np.array([-30, 50])})
    assert float(bodies["C2"].tilt_deg) == pytest.approx(40, abs=2)
    assert float(bodies["C3"].tilt_deg) == pytest.approx(40, abs=4)


def test_a_body_that_leans_far_off_its_column_still_lies_on_its_plates() -> None:
    column = {f"L{i + 1}": turned(BOX, 0) + np.array([100, 100 + 40 * i]) for i in range(4)}
    column["L5"] = turned(BOX, -50) + np.array([75, 265])  # The column goes the other way.
    assert float(fitted_bodies(column)["L5"].tilt_deg) == pytest.approx(-50, abs=4)


def test_a_triangle_and_a_blot_give_four_finite_corners() -> None:
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    for outline in (
        np.array([[0.0, 0.0], [30.0, 0.0], [15.0, 25.0]]),
        20 * np.stack([np.cos(angle), np.sin(angle)], 1),
    ):
        corners = fitted_corners(outline, DOWN)
        assert corners is not None and corners.shape == (4, 2) and np.isfinite(corners).all()
        assert np.abs(corners).max() < 60
