"""Planted signs are in the phantom, its truth says so, and nothing else of the film changes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from spineseg.measurement.bodies import Body
from spineseg.measurement.frontal import curves
from spineseg.measurement.neck import disc_ratio, lordosis_deg, slip_percent
from spineseg.phantom.export import write_films
from spineseg.phantom.film import Film, render_film
from spineseg.phantom.planted import Planted


def true_bodies(film: Film) -> dict[str, Body]:
    return {k: Body(k, v * [film.aspect, 1.0]) for k, v in film.corners.items()}


@pytest.mark.parametrize("asked", [0.0, 15.0, 45.0, 80.0])
def test_a_planted_curve_is_about_as_large_as_asked(asked: float) -> None:
    got = []
    for seed in range(6):
        bodies = true_bodies(render_film("frontal", 64, seed, 0.3, Planted(curve_deg=asked)))
        got.append(float(curves(bodies)[0].midlines_deg(bodies)))
    assert np.mean(got) == pytest.approx(asked, abs=7)


def test_a_slip_and_a_narrowed_disc_stand_where_they_were_planted() -> None:
    for seed in range(4):
        plain = true_bodies(render_film("lateral", 64, seed))
        planted = Planted(disc_heights={"C5": 0.5}, slips={"C3": 0.4})
        signs = true_bodies(render_film("lateral", 64, seed, 0.5, planted))
        for upper, lower in (("C3", "C4"), ("C4", "C5"), ("C5", "C6")):
            slip, before = (
                float(slip_percent(of[upper], of[lower], "left")) for of in (signs, plain)
            )
            assert slip - before == pytest.approx(43 if upper == "C3" else 0, abs=4)
            height, was = (float(disc_ratio(of[upper], of[lower])) for of in (signs, plain))
            if upper == "C5":
                assert height < 0.75 * was
            else:  # A body that slips along its neighbour's plate moves a little off its own.
                assert height == pytest.approx(was, abs=0.06 if upper == "C3" else 0.01)


def test_a_planted_bend_turns_the_neck() -> None:
    turns = []
    for bend in (-1.0, 1.0):
        found = [render_film("lateral", 64, n, 0.2, Planted(bend_rad=bend)) for n in range(6)]
        bodies = next(one for film in found if "C7" in (one := true_bodies(film)))
        turns.append(float(lordosis_deg(bodies, "left")))
    assert turns[0] > 15 and turns[1] < -15


def test_nothing_planted_is_the_same_film() -> None:
    for view in ("frontal", "lateral"):
        one, other = render_film(view, 96, 5), render_film(view, 96, 5, 0.5, Planted())
        assert np.array_equal(one.pixels, other.pixels)


def test_the_truth_is_written_beside_the_films(tmp_path: Path) -> None:
    frontal, _ = write_films(
        tmp_path / "made",
        seed=5,
        frontal_films=3,
        lateral_films=3,
        size_px=64,
        difficulty=0.5,
        workers=1,
    )
    with (frontal / "sizes.csv").open(newline="") as file:
        sizes = list(csv.DictReader(file))
    with (frontal / "corners.csv").open(newline="") as file:
        corners = list(csv.DictReader(file))
    names = {path.name for path in (frontal / "images").iterdir()}
    assert {row["film"] for row in sizes} == names == {row["film"] for row in corners}
    assert all(0.2 < float(r["width_px"]) / float(r["height_px"]) < 0.7 for r in sizes)
    assert len(corners) == 3 * 17 and 0 < float(corners[0]["x1"]) < float(corners[0]["x2"]) < 1
