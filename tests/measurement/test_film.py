"""One film's figures: their intervals, what is left out, and what is refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest
from columns import box, column, outlined

from spineseg.errors import DataError
from spineseg.films import Outline, Spacing
from spineseg.levels import LUMBAR, THORACIC
from spineseg.measurement.bodies import Body
from spineseg.measurement.film import Given, measure

SIZE = (640, 600)
SPINE = THORACIC + LUMBAR
NECK = ("C2", "C3", "C4", "C5", "C6", "C7")
GIVEN = Given(SIZE, 600 / 640)


def spine() -> dict[str, Body]:
    return column(SPINE, list(np.linspace(15, -15, 17)))


def neck() -> dict[str, Body]:
    return column(NECK, [10.0, 6.0, 2.0, -2.0, -6.0, -10.0])


def arch(bodies: dict[str, Body], side: int = -1) -> Outline:
    x, y = bodies["C2"].centre + np.array([side * 28.0, -22.0])
    (outline,) = outlined({"C1": Body("C1", box(x, y, 0, 8, 12))}, SIZE)
    return outline


def test_a_frontal_film_has_curves_tilts_and_balance() -> None:
    told = measure(outlined(spine(), SIZE), GIVEN)
    assert told.view == "frontal" and told.levels == SPINE and not told.missing
    assert told.largest_deg == pytest.approx(30, abs=0.1)
    assert (told.curves[0].upper, told.curves[0].lower) == ("T1", "L5")
    assert told.tilts_deg["T1"].value == pytest.approx(15, abs=0.1)
    assert told.balance_over == "T1" and told.balance_percent is not None
    assert told.curves[0].midlines_deg.low is None


def test_a_film_squeezed_to_a_square_measures_the_same_once_its_shape_is_known() -> None:
    whole = measure(outlined(spine(), SIZE), GIVEN)
    squeezed = measure(outlined(spine(), SIZE), Given((640, 640), 600 / 640))
    assert squeezed.largest_deg == pytest.approx(whole.largest_deg)
    wrong = measure(outlined(spine(), SIZE), Given((640, 640), 2.0))
    assert abs((wrong.largest_deg or 0) - 30) > 5


def test_intervals_widen_with_the_outline_s_error_and_hold_the_value() -> None:
    widths = []
    for error in (0.001, 0.004):
        given = Given(SIZE, 600 / 640, outline_error=error)
        figure = measure(outlined(spine(), SIZE), given).curves[0].midlines_deg
        assert figure.low is not None and figure.high is not None
        assert figure.low <= figure.value <= figure.high
        widths.append(figure.high - figure.low)
    assert 2 < widths[1] / widths[0] < 6


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng, held = np.random.default_rng(3), 0
    error, sigma = 0.002, 0.002 * 640 * np.sqrt(np.pi / 2)
    for _ in range(60):
        moved = {k: Body(k, b.corners + rng.normal(0, sigma, (4, 2))) for k, b in spine().items()}
        told = measure(outlined(moved, SIZE), Given(SIZE, 600 / 640, outline_error=error))
        tilt = told.tilts_deg["T7"]
        held += (tilt.low or 0) <= spine()["T7"].tilt_deg <= (tilt.high or 0)
    assert 50 <= held <= 60


def test_a_lateral_neck_has_lordosis_discs_and_slips() -> None:
    bodies = neck()
    told = measure([arch(bodies), *outlined(bodies, SIZE)], GIVEN)
    assert told.view == "lateral" and told.front == "left"
    assert told.lordosis_deg is not None and told.lordosis_deg.value == pytest.approx(20, abs=0.1)
    assert [disc.upper for disc in told.discs] == list(NECK[:-1])
    assert all(disc.mean_mm is None for disc in told.discs)
    assert len(told.slips) == 5 and all(slip.quarter is None for slip in told.slips)


def test_a_slip_has_its_quarter_only_where_its_interval_leaves_nought_out() -> None:
    bodies = neck()
    before = measure([arch(bodies), *outlined(bodies, SIZE)], GIVEN).slips[2].percent.value
    for level in ("C2", "C3", "C4"):
        bodies[level] = Body(level, bodies[level].corners + np.array([-14.0, 0.0]))
    outlines = [arch(bodies), *outlined(bodies, SIZE)]
    told = measure(outlines, Given(SIZE, 600 / 640, outline_error=0.001))
    slips = {slip.upper: slip for slip in told.slips}
    assert slips["C4"].percent.value == pytest.approx(before + 35, abs=1)
    assert slips["C4"].quarter == "II"
    assert slips["C5"].quarter is None
    vague = measure(outlines, Given(SIZE, 600 / 640, outline_error=0.02))
    assert {slip.upper: slip for slip in vague.slips}["C4"].quarter is None


def test_millimetres_only_where_the_spacing_is_calibrated() -> None:
    bodies = neck()
    outlines = [arch(bodies), *outlined(bodies, SIZE)]
    calibrated = Spacing(0.2, 0.2, "calibrated")
    told = measure(outlines, Given(SIZE, 600 / 640, spacing=calibrated))
    heights = [disc.ratio.value * 40 * 0.2 for disc in told.discs]
    assert [disc.mean_mm for disc in told.discs] == pytest.approx(heights, abs=0.02)
    detector = Given(SIZE, 600 / 640, spacing=Spacing(0.2, 0.2, "at the detector"))
    assert all(disc.mean_mm is None for disc in measure(outlines, detector).discs)


def test_without_c1_s_arch_front_is_asked_for_and_discs_are_measured_all_the_same() -> None:
    outlines = outlined(neck(), SIZE)
    told = measure(outlines, GIVEN)
    assert told.front is None and told.lordosis_deg is None and not told.slips
    assert len(told.discs) == 5 and "--front" in told.notes[0]
    asked = measure(outlines, Given(SIZE, 600 / 640, front="left"))
    assert asked.lordosis_deg is not None and len(asked.slips) == 5


def test_what_is_cut_off_or_missing_is_left_out_and_told() -> None:
    bodies = spine()
    del bodies["T6"]
    bodies["T1"] = Body("T1", bodies["T1"].corners - [0.0, 50.0])
    outlines = [Outline(o.level, np.clip(o.points, 0, 1)) for o in outlined(bodies, SIZE)]
    told = measure(outlines, GIVEN)
    assert told.cut == ("T1",) and told.missing == ("T6",) and "T1" not in told.levels
    assert told.balance_percent is None and "balance" in told.notes[0]


def test_a_mask_that_ends_at_the_border_of_a_small_film_is_cut() -> None:
    bodies = spine()
    inside = 0.5 / 160  # A mask's outline goes through the middles of the border's pixels.
    up = np.array([0, 0.09])
    moved = [Outline(o.level, np.clip(o.points - up, inside, 1)) for o in outlined(bodies, SIZE)]
    told = measure(moved, Given((160, 160), 600 / 640, inside_px=0.5))
    assert told.cut == ("T1",)


def test_a_front_that_c1_s_arch_contradicts_is_refused() -> None:
    outlines = [arch(neck()), *outlined(neck(), SIZE)]
    with pytest.raises(DataError, match="looks to the left by C1's arch"):
        measure(outlines, Given(SIZE, 600 / 640, front="right"))


def test_a_column_that_lies_on_its_side_has_no_balance() -> None:
    lying = {k: Body(k, b.corners[:, ::-1] + np.array([60, -180])) for k, b in spine().items()}
    told = measure(outlined(lying, (800, 800)), Given((800, 800), 1.0))
    assert told.balance_percent is None and "balance" in told.notes[0]
    assert "Infinity" not in told.model_dump_json()


def test_masks_are_grown_by_half_a_pixel_and_labels_are_not() -> None:
    outlines = [arch(neck()), *outlined(neck(), SIZE)]
    plain = measure(outlines, GIVEN).discs[0].ratio.value
    mask = measure(outlines, Given(SIZE, 600 / 640, inside_px=0.5)).discs[0].ratio.value
    assert plain - mask == pytest.approx((plain * 40 - (plain * 40 - 1) * 40 / 41) / 40, abs=0.005)


@pytest.mark.parametrize(
    ("levels", "view", "reason"),
    [
        ((), None, "no vertebra"),
        (SPINE[:3], None, "3 levels are outlined (T1, T2, T3), 4 are needed"),
        ((*SPINE, "T7"), None, "T7 is outlined twice"),
        (NECK, "frontal", "is to be frontal, and its levels are those of a lateral film"),
        (SPINE, "lateral", "is to be lateral"),
        ((*SPINE[:12], "T13"), None, "T13 lies beyond the 24 levels"),
    ],
)
def test_a_film_that_says_nothing_is_refused_with_the_reason(
    levels: tuple[str, ...], view: object, reason: str
) -> None:
    bodies = column(SPINE, [0.0] * 17)
    there = list(bodies.values())
    outlines = [
        Outline(level, there[i % 17].corners / [600, 640]) for i, level in enumerate(levels)
    ]
    with pytest.raises(DataError) as refused:
        measure(outlines, Given(SIZE, 600 / 640, view))  # type: ignore[arg-type]
    assert str(refused.value).startswith(reason) and ";" in str(refused.value)


def test_bodies_of_a_few_pixels_are_refused_where_they_are_masks() -> None:
    small = [Outline(o.level, 0.45 + o.points * 0.08) for o in outlined(spine(), SIZE)]
    assert measure(small, GIVEN).largest_deg == pytest.approx(30, abs=1)
    with pytest.raises(DataError, match="large enough"):
        measure(small, Given(SIZE, 600 / 640, inside_px=0.1))


def test_masks_too_coarse_for_tilts_tell_the_centreline_alone() -> None:
    heights = [np.ptp(body.corners[:, 1]) for body in spine().values()]
    cell = float(np.median(heights)) / 3
    coarse = measure(outlined(spine(), SIZE), Given(SIZE, 600 / 640, cell_px=cell))
    assert not coarse.curves and not coarse.tilts_deg and coarse.centreline is not None
    assert (
        "cells of the network's masks high" in coarse.notes[0] and "larger films" in coarse.notes[0]
    )
    fine = measure(outlined(spine(), SIZE), Given(SIZE, 600 / 640, cell_px=cell / 2))
    assert fine.curves == measure(outlined(spine(), SIZE), GIVEN).curves and not fine.notes
