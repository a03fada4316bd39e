"""What is told of one film: each figure with its interval, and what could not be measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from spineseg.config.model import Model
from spineseg.levels import View

Side = Literal["left", "right"]
CONVENTIONS = (
    "A coronal curve is called scoliosis from 10 degrees on (Scoliosis Research Society); readers "
    "differ by about 5 degrees (Carman et al. 1990).",
    "A slip's grade is the quarter of the lower body's upper border that it spans (Meyerding "
    "1932).",
    "Osteophytes and sclerosis are not measured. Nothing here is a diagnosis.",
)
"""What the thresholds are and where they come from: conventions, on every answer."""


class Figure(Model):
    """A value, and the 95 % interval in which it lies as far as the outline's error goes."""

    value: float
    low: float | None = Field(None, description="None where the outline's error is not known.")
    high: float | None = None

    def text(self, unit: str = "", digits: int = 1) -> str:
        """Return `34.2° [30.1, 38.0]`."""
        told = f"{self.value:.{digits}f}{unit}"
        if self.low is None or self.high is None:
            return told
        return f"{told} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


class CurveFound(Model):
    """One curve of a frontal column."""

    upper: str = Field(description="Upper end vertebra.")
    lower: str
    convex_to: Side = Field(description="Side of the film, whichever side of the patient it is.")
    midlines_deg: Figure = Field(description="Angle between the end vertebrae's midlines.")
    plates_deg: Figure = Field(description="Angle between the outer end plates (Cobb 1948).")


class CentrelineCurve(Model):
    """The largest curve of the line through the bodies' centres."""

    upper: str
    lower: str
    convex_to: Side
    angle_deg: Figure = Field(description="Between the lines across it at both ends.")


class Disc(Model):
    """One disc of a lateral neck."""

    upper: str
    lower: str
    ratio: Figure = Field(description="Mean height over the depth of the body above (Frobin 1997).")
    mean_mm: float | None = Field(None, description="Only where the film's spacing is calibrated.")


class Slip(Model):
    """How one body of a lateral neck stands on the next one."""

    upper: str
    lower: str
    percent: Figure = Field(description="Forwards, of the lower body's upper border; back is < 0.")
    quarter: str | None = Field(description="Meyerding's; None where it may as well be no slip.")


class FilmMeasures(Model):
    """Everything that was measured on one film; angles in degrees."""

    view: View
    levels: tuple[str, ...] = Field(description="Bodies that were measured, head to pelvis.")
    corners_px: dict[str, tuple[tuple[float, float], ...]] = Field(
        description="Of each body, px of the film: upper plate's left and right end, then the "
        "lower's right and left. Of C2 the upper two are the dens.",
    )
    missing: tuple[str, ...] = Field(description="Levels between them that were not outlined.")
    cut: tuple[str, ...] = Field((), description="Bodies at the film's border, left out.")
    too_small: tuple[str, ...] = Field((), description="Bodies too small to be measured, left out.")
    aspect: float = Field(description="True width over height, by which all was computed.")
    outline_error: float | None = Field(
        None, description="Mean distance of outlines from labels, as a share of the film's height."
    )
    curves: tuple[CurveFound, ...] = Field((), description="The largest first.")
    centreline: CentrelineCurve | None = Field(
        None, description="Of a frontal film: what coarse masks still tell."
    )
    tilts_deg: dict[str, Figure] = Field(
        default_factory=dict, description="By level; falling to the film's right is > 0."
    )
    balance_over: str | None = Field(None, description="Body whose place over L5 the balance is.")
    balance_percent: Figure | None = Field(None, description="To the film's right, of the height.")
    front: Side | None = Field(None, description="Side of the film that the face looks to.")
    lordosis_deg: Figure | None = Field(None, description="C2-C7 Cobb; open to the back is > 0.")
    posterior_tangents_deg: Figure | None = Field(None, description="C2-C7, alike.")
    discs: tuple[Disc, ...] = ()
    slips: tuple[Slip, ...] = ()
    notes: tuple[str, ...] = Field((), description="What was not measured, and why.")

    @property
    def largest_deg(self) -> float | None:
        """The largest curve's angle, None without one."""
        return self.curves[0].midlines_deg.value if self.curves else None
