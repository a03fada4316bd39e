"""A film's figures as a list: for tables, for the strip below a picture, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from spineseg.measurement.figures import Figure, FilmMeasures


class Listed(NamedTuple):
    """One figure."""

    measure: str
    of: str  # Bodies or gap.
    figure: Figure
    unit: str
    note: str = ""

    def text(self) -> str:
        """Return `Cobb angle T5-L1 34.2° [30.1, 38.0] (convex to the film's left)`."""
        digits = 3 if self.unit == "of the body's depth" else 1
        unit = {"degrees": "°", "%": " %"}.get(self.unit, "")
        note = f" ({self.note})" if self.note else ""
        return f"{self.measure} {self.of} {self.figure.text(unit, digits)}{note}"


def listed(measures: FilmMeasures) -> list[Listed]:
    """Return all figures of a film, what is asked for first in front."""
    return [*_angles(measures), *_neck(measures), *_tilts(measures)]


def left_out(measures: FilmMeasures) -> list[str]:
    """Return in lines what of a film was not measured, and why."""
    parts = (
        ("not outlined between the others", measures.missing),
        ("at the film's border", measures.cut),
        ("too small", measures.too_small),
    )
    return [f"{why}: {', '.join(levels)}" for why, levels in parts if levels] + list(measures.notes)


def _angles(measures: FilmMeasures) -> Iterator[Listed]:
    for curve in measures.curves:
        of = f"{curve.upper}-{curve.lower}"
        note = f"convex to the film's {curve.convex_to}"
        yield Listed("Cobb angle by midlines", of, curve.midlines_deg, "degrees", note)
        yield Listed("Cobb angle by end plates", of, curve.plates_deg, "degrees", note)
    if (line := measures.centreline) is not None:
        note = f"convex to the film's {line.convex_to}"
        of = f"{line.upper}-{line.lower}"
        yield Listed("angle of the centreline", of, line.angle_deg, "degrees", note)
    if measures.balance_percent is not None:
        of = f"{measures.balance_over}-L5"
        yield Listed("balance", of, measures.balance_percent, "%", "to the film's right, of height")


def _neck(measures: FilmMeasures) -> Iterator[Listed]:
    for name, figure in (
        ("lordosis by end plates", measures.lordosis_deg),
        ("lordosis by posterior walls", measures.posterior_tangents_deg),
    ):
        if figure is not None:
            yield Listed(name, "C2-C7", figure, "degrees")
    for disc in measures.discs:
        note = "" if disc.mean_mm is None else f"{disc.mean_mm:.1f} mm"
        of = f"{disc.upper}-{disc.lower}"
        yield Listed("disc height", of, disc.ratio, "of the body's depth", note)
    for slip in measures.slips:
        note = f"Meyerding {slip.quarter}" if slip.quarter else ""
        yield Listed("slip", f"{slip.upper}-{slip.lower}", slip.percent, "%", note)


def _tilts(measures: FilmMeasures) -> Iterator[Listed]:
    for level, tilt in measures.tilts_deg.items():
        yield Listed("tilt", level, tilt, "degrees", "falling to the film's right")
