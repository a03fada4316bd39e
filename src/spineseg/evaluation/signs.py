"""What a film's detections measure beside what its labels measure: angles, heights of discs."""

from __future__ import annotations

from collections.abc import Sequence

from shapely import Polygon

from spineseg.errors import DataError
from spineseg.evaluation.records import FilmRecord, Measured, Signs
from spineseg.films import LabelledFilm, Outline
from spineseg.measurement.film import MASK_EDGE_PX, Given, measure

_SAME = 0.5  # IoU from which on two outlines are of one body.


def labelled_signs(film: LabelledFilm, size_px: tuple[int, int]) -> Signs | None:
    """Return what a film's labels measure, None where its shape is not known.

    `size_px` is height and width.
    """
    if film.aspect is None:
        return None
    labelled = _measured(film.outlines, Given(size_px, film.aspect))
    return Signs(aspect=film.aspect, labelled=labelled)


def with_found_signs(record: FilmRecord) -> FilmRecord:
    """Return a record with what its detections measure, as they are numbered in it."""
    if record.signs is None:
        return record
    outlines = [record.outline(i) for i in record.counted]
    given = Given(
        (record.height, record.width),
        record.signs.aspect,
        view=record.signs.labelled.view,  # Another view than that of the labels is refused.
        inside_px=MASK_EDGE_PX,
    )
    signs = record.signs.model_copy(update={"found": _measured(_one_each(outlines), given)})
    return record.model_copy(update={"signs": signs})


def _one_each(outlines: Sequence[Outline]) -> list[Outline]:
    """Return, of outlines of one body under several levels, the first, as `predict` shows them.

    `outlines` go from the most certain down.
    """
    kept: list[tuple[Outline, Polygon]] = []
    for outline in outlines:
        if len(outline.points) < 3:
            continue
        body = Polygon(outline.points).buffer(0)
        if all(body.intersection(o).area <= _SAME * body.union(o).area for _, o in kept):
            kept.append((outline, body))
    return [outline for outline, _ in kept]


def _measured(outlines: Sequence[Outline], given: Given) -> Measured:
    try:
        told = measure(outlines, given)
    except DataError as error:
        return Measured(refused=str(error))
    return Measured(
        view=told.view,
        largest_deg=told.largest_deg,
        centreline_deg=told.centreline.angle_deg.value if told.centreline else None,
        discs={disc.upper: disc.ratio.value for disc in told.discs},
    )
