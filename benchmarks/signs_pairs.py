"""Measured values beside true ones, for `signs.py`: of phantoms, labels, weights and runs."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.path import Path as Polygon

from spineseg.data.labelled import read_films
from spineseg.errors import DataError
from spineseg.evaluation.matching import record_film
from spineseg.evaluation.signs import labelled_signs, with_found_signs
from spineseg.evaluation.stored import stored_records
from spineseg.films import LabelledFilm, Outline
from spineseg.measurement import frontal, neck
from spineseg.measurement.aspect import read_sizes
from spineseg.measurement.bodies import Body
from spineseg.measurement.figures import Figure, FilmMeasures
from spineseg.measurement.film import MASK_EDGE_PX, Given, measure
from spineseg.metrics import COUNTED_CONFIDENCE
from spineseg.phantom.film import Film, render_film
from spineseg.phantom.planted import Planted
from spineseg.prediction.detections import Prediction
from spineseg.prediction.film_mask import FilmMask
from spineseg.prediction.numbered import numbered_prediction
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.outlines import mask_outline, prediction_outlines
from spineseg.prediction.segmenter import Segmenter, load_segmenter

_SIDE_PX = 224  # What the bundled weights were trained at.
_DRAWN_PX = 96  # A phantom's outlines are fractions: its pixels are of no use here.
COBB, DISC, SLIP, LORDOSIS = "largest Cobb angle", "disc height", "slip", "C2-C7 lordosis"
LINE = "largest Cobb angle by the centreline"
UNITS = {
    COBB: "degrees",
    LINE: "degrees",
    DISC: "of the depth",
    SLIP: "% of the border",
    LORDOSIS: "degrees",
}
Pairs = dict[str, list[tuple[float, float]]]  # What -> (measured, true).


def as_mask_would(points: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Return an outline, (points, 2) fractions, as a perfect mask of a height and width gives it.

    A pixel is inside where its middle is.
    """
    height, width = size_px
    px = points * [width, height]
    left, top = np.clip(np.floor(px.min(0)).astype(int), 0, [width, height])
    right, bottom = np.clip(np.ceil(px.max(0)).astype(int), 0, [width, height])
    x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
    inside = Polygon(px).contains_points(np.stack([x.ravel(), y.ravel()], 1)).reshape(x.shape)
    return mask_outline(FilmMask(inside.astype(np.uint8), int(left), int(top), size_px))


def measured(outlines: Mapping[str, np.ndarray], aspect: float, side: int) -> FilmMeasures | None:
    """Return what outlines, as masks of `side` px squared, measure; None where it is refused."""
    drawn = [Outline(k, as_mask_would(v, (side, side))) for k, v in outlines.items()]
    given = Given((side, side), aspect, inside_px=MASK_EDGE_PX)
    try:
        return measure([outline for outline in drawn if len(outline.points)], given)
    except DataError as error:
        print(f"not measured at {side} px: {error}")
        return None


def phantoms(films: int, seed: int) -> Iterator[Film]:
    """Yield frontal and lateral phantoms in turns, with what is planted in them."""
    rng = np.random.default_rng(seed)
    for number in range(films):
        yield render_film(
            "frontal", _DRAWN_PX, (seed, 0, number), 0.5, Planted(curve_deg=rng.uniform(0, 80))
        )
        narrowed, slipped = rng.choice(["C3", "C4", "C5", "C6"], 2, replace=False)
        planted = Planted(
            bend_rad=rng.uniform(-0.6, 0.3),
            disc_heights={str(narrowed): rng.uniform(0.25, 1.0)},
            slips={str(slipped): rng.uniform(0, 0.6)},
        )
        yield render_film("lateral", _DRAWN_PX, (seed, 1, number), 0.5, planted)


def on_phantoms(films: Sequence[Film], side: int) -> Pairs:
    """Return what perfect masks of phantoms measure beside what these were made of."""
    pairs: Pairs = {what: [] for what in UNITS}
    for film in films:
        told = measured(film.outlines, film.aspect, side)
        if told is None:
            continue
        scale = np.array([film.aspect, 1.0])
        true = {level: Body(level, corners * scale) for level, corners in film.corners.items()}
        if told.view == "frontal":
            largest = frontal.curves(true)[0]
            pairs[COBB].append((told.largest_deg or 0.0, float(largest.midlines_deg(true))))
            if told.centreline is not None:
                angle = told.centreline.angle_deg.value
                pairs[LINE].append((angle, float(largest.midlines_deg(true))))
            continue
        for disc in told.discs:
            one, other = true[disc.upper], true[disc.lower]
            pairs[DISC].append((disc.ratio.value, float(neck.disc_ratio(one, other))))
        for slip in told.slips:
            one, other = true[slip.upper], true[slip.lower]
            pairs[SLIP].append((slip.percent.value, float(neck.slip_percent(one, other, "left"))))
        if told.lordosis_deg is not None:
            pairs[LORDOSIS].append(
                (told.lordosis_deg.value, float(neck.lordosis_deg(true, "left")))
            )
    return pairs


def on_labels(folder: Path, angles: Path, side: int | None) -> Pairs:
    """Return what labels measure, as they are or as masks, beside the angles of a table."""
    sizes = read_sizes(angles)
    with angles.open(newline="") as file:
        true = {row["film"]: float(row["cobb_1_deg"]) for row in csv.DictReader(file)}
    pairs: Pairs = {COBB: [], LINE: []}
    for film in read_films(folder, "all"):
        outlines = {outline.level: outline.points for outline in film.outlines}
        aspect = sizes[film.path.name]
        if side is None:
            told = measure(film.outlines, Given((640, 640), aspect))
        else:
            found = measured(outlines, aspect, side)
            if found is None:
                continue
            told = found
        pairs[COBB].append((told.largest_deg or 0.0, true[film.path.name]))
        if told.centreline is not None:
            pairs[LINE].append((told.centreline.angle_deg.value, true[film.path.name]))
    return pairs


def on_weights(weights: Path, films: int, seed: int) -> tuple[Pairs, str]:
    """Return what a network's outlines measure on phantoms beside what these were made of.

    And in words how often intervals hold the truth of what they name.
    """
    error = _outline_error(weights, films // 2, seed + 1)
    pairs: Pairs = {what: [] for what in UNITS}
    held: dict[str, list[bool]] = {what: [] for what in UNITS}
    refused = 0
    segmenter = load_segmenter(weights, image_size_px=_SIDE_PX, device="cpu")
    for film in seen_phantoms(films, seed):
        prediction = _predicted(segmenter, film)
        outlines = prediction_outlines(prediction, COUNTED_CONFIDENCE)
        side = len(film.pixels)
        given = Given(
            (side, side), film.aspect, outline_error=error, inside_px=MASK_EDGE_PX, front="left"
        )
        try:
            told = measure(outlines, given)
        except DataError as why:
            refused += 1
            print(f"not measured: {why}")
            continue
        scale = np.array([film.aspect, 1.0])
        true = {level: Body(level, corners * scale) for level, corners in film.corners.items()}
        if told.view == "frontal":
            largest = frontal.curves(true)[0]
            pairs[COBB].append((told.largest_deg or 0.0, float(largest.midlines_deg(true))))
            if told.centreline is not None:
                angle = told.centreline.angle_deg.value
                pairs[LINE].append((angle, float(largest.midlines_deg(true))))
        for what, figure, value in _beside(told, true):
            held[what].append(_holds(figure, value))
            if what != COBB:
                pairs[what].append((figure.value, value))
    covered = ", ".join(
        f"{what} {100 * np.mean(of):.0f} % of {len(of)}" for what, of in held.items() if of
    )
    return pairs, (
        f"{2 * films} phantoms, {refused} not measured; outline error {error:.5f} of the height, "
        f"of {films} other phantoms; 95 % intervals hold the truth of what they name: {covered}."
    )


def _beside(told: FilmMeasures, true: Mapping[str, Body]) -> Iterator[tuple[str, Figure, float]]:
    """Yield each figure of bodies that are on the film, and what it truly is."""
    for curve in told.curves:
        if {curve.upper, curve.lower} <= true.keys():
            named = frontal.Curve(curve.upper, curve.lower, curve.convex_to)
            yield COBB, curve.midlines_deg, float(named.midlines_deg(true))
    for disc in told.discs:
        if {disc.upper, disc.lower} <= true.keys():
            yield DISC, disc.ratio, float(neck.disc_ratio(true[disc.upper], true[disc.lower]))
    for slip in told.slips:
        if {slip.upper, slip.lower} <= true.keys():
            bodies = true[slip.upper], true[slip.lower]
            yield SLIP, slip.percent, float(neck.slip_percent(*bodies, "left"))
    if told.lordosis_deg is not None and {"C2", "C7"} <= true.keys():
        yield LORDOSIS, told.lordosis_deg, float(neck.lordosis_deg(true, "left"))


def _holds(figure: Figure, true: float) -> bool:
    return figure.low is not None and figure.high is not None and figure.low <= true <= figure.high


def seen_phantoms(films: int, seed: int) -> Iterator[Film]:
    """Yield phantoms as a network sees them, without and with planted signs in turns."""
    for number in range(films):
        planted = Planted(curve_deg=80 * number / films) if number % 2 else Planted()
        yield render_film("frontal", 640, (seed, 0, number), 0.5, planted)
        planted = Planted(slips={"C4": 0.6 * number / films}) if number % 2 else Planted()
        yield render_film("lateral", 640, (seed, 1, number), 0.5, planted)


def _predicted(segmenter: Segmenter, film: Film) -> Prediction:
    pixels = np.repeat(film.pixels[..., None], 3, axis=2)
    found = segmenter.predict_film(pixels, Path("phantom.png"))
    return numbered_prediction(found, NumberingModel(numbering="sequence"))


def _outline_error(weights: Path, films: int, seed: int) -> float:
    segmenter = load_segmenter(weights, image_size_px=_SIDE_PX, device="cpu")
    shares = []
    for film in seen_phantoms(films, seed):
        labelled = tuple(Outline(level, points) for level, points in film.outlines.items())
        record = record_film(LabelledFilm(Path("a.png"), labelled), _predicted(segmenter, film))
        shares += [found.boundary_px / record.height for found in record.found if found.boundary_px]
    return float(np.mean(shares))


def on_a_run(
    folder: Path, numbering: str, data: Path | None, angles: Path | None
) -> tuple[Pairs, str]:
    """Return what a run's outlines measure beside what labels do, and what was not measured."""
    records = stored_records(folder, "valid", numbering)  # type: ignore[arg-type]
    if data is not None and angles is not None:
        sizes = read_sizes(angles)
        films = {film.path.name: film for film in read_films(data, "valid")}
        records = [
            with_found_signs(
                record.model_copy(
                    update={
                        "signs": labelled_signs(
                            replace(films[record.name], aspect=sizes[record.name]),
                            (record.height, record.width),
                        )
                    }
                )
            )
            for record in records
        ]
    pairs: Pairs = {COBB: [], LINE: [], DISC: []}
    known = [r.signs for r in records if r.signs and r.signs.labelled.refused is None]
    for signs in known:
        if signs.found.largest_deg is not None and signs.labelled.largest_deg is not None:
            pairs[COBB].append((signs.found.largest_deg, signs.labelled.largest_deg))
            line = signs.found.centreline_deg
            pairs[LINE] += [(line, signs.labelled.largest_deg)] if line is not None else []
        gaps = signs.labelled.discs.keys() & signs.found.discs.keys()
        pairs[DISC] += [(signs.found.discs[gap], signs.labelled.discs[gap]) for gap in gaps]
    refused = sum(signs.found.refused is not None for signs in known)
    return (
        pairs,
        f"{len(records)} films, {len(known)} measured by labels, {refused} of them refused",
    )
