"""What a film's detections measure beside what its labels measure: angles, heights of discs."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from spineseg.config.model import Model
from spineseg.errors import DataError
from spineseg.films import LabelledFilm, Outline
from spineseg.measurement.film import MASK_EDGE_PX, Given, measure


class Measured(Model):
    """The figures that are compared, of labels or of detections."""

    largest_deg: float | None = Field(None, description="Largest Cobb angle of a frontal film.")
    discs: dict[str, float] = Field(
        default_factory=dict, description="Level above -> mean height over depth, lateral films."
    )
    refused: str | None = Field(None, description="Why nothing could be measured.")


class Signs(Model):
    """One film of known shape, measured by its labels and by what was found."""

    aspect: float = Field(description="True width over height.")
    labelled: Measured
    found: Measured = Measured()


def labelled_signs(film: LabelledFilm, size_px: tuple[int, int]) -> Signs | None:
    """Return what a film's labels measure, None where its shape is not known.

    `size_px` is height and width.
    """
    if film.aspect is None:
        return None
    labelled = _measured(film.outlines, Given(size_px, film.aspect))
    return Signs(aspect=film.aspect, labelled=labelled)


def with_found(signs: Signs, outlines: Sequence[Outline], size_px: tuple[int, int]) -> Signs:
    """Return the same with what detections of the film measure; `outlines` are those that count."""
    given = Given(size_px, signs.aspect, inside_px=MASK_EDGE_PX)
    return signs.model_copy(update={"found": _measured(outlines, given)})


def _measured(outlines: Sequence[Outline], given: Given) -> Measured:
    try:
        told = measure(outlines, given)
    except DataError as error:
        return Measured(refused=str(error))
    return Measured(
        largest_deg=told.largest_deg, discs={disc.upper: disc.ratio.value for disc in told.discs}
    )
