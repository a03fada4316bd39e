"""What a film's detections measure beside what its labels measure: angles, heights of discs."""

from __future__ import annotations

from collections.abc import Sequence

from spineseg.errors import DataError
from spineseg.evaluation.records import FilmRecord, Measured, Signs
from spineseg.films import LabelledFilm, Outline
from spineseg.measurement.film import MASK_EDGE_PX, Given, measure


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
    drawn = [outline for outline in outlines if len(outline.points)]
    given = Given((record.height, record.width), record.signs.aspect, inside_px=MASK_EDGE_PX)
    signs = record.signs.model_copy(update={"found": _measured(drawn, given)})
    return record.model_copy(update={"signs": signs})


def _measured(outlines: Sequence[Outline], given: Given) -> Measured:
    try:
        told = measure(outlines, given)
    except DataError as error:
        return Measured(refused=str(error))
    return Measured(
        largest_deg=told.largest_deg, discs={disc.upper: disc.ratio.value for disc in told.discs}
    )
