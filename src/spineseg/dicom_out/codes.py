"""What is coded in SEG and SR: SNOMED CT's levels and discs, units, and the project's own terms."""

from __future__ import annotations

from typing import Any

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from spineseg.measurement.listing import Listed

_OWN = "99SPINESEG"
"""Scheme of terms that no public one has (PS3.16, 8: names beginning with 99 are private)."""
_TERMS = {
    "Cobb angle by end plates": ("cobb-plates", "Cobb angle between outer end plates"),
    "angle of the centreline": ("centreline", "Largest angle of the line through bodies' centres"),
    "balance": ("balance", "Upper end beside L5, of the height between them"),
    "lordosis by end plates": ("lordosis", "C2-C7 angle of lower end plates, open to the back > 0"),
    "lordosis by posterior walls": ("tangents", "C2-C7 angle of posterior walls"),
    "disc height": ("disc-ratio", "Mean disc height over the depth of the body above"),
    "slip": ("slip", "Slip forwards over the lower body, of its upper border"),
    "tilt": ("tilt", "Tilt of the midline, falling to the film's right > 0"),
}
_UNITS = {
    "degrees": codes.UCUM.Degree,
    "%": codes.UCUM.Percent,
    "of the body's depth": codes.UCUM.Ratio,
}


def level_code(level: str) -> Code:
    """Return SNOMED CT's code of a vertebra."""
    return getattr(codes.SCT, f"{level}Vertebra")


def site_codes(one: Listed) -> list[Code]:
    """Return where a figure lies: a body, both of a curve's ends, or a disc's level."""
    if one.measure in ("disc height", "slip"):
        return [getattr(codes.SCT, f"LevelOf{one.of.replace('-', '')}IntervertebralDisc")]
    return [level_code(level) for level in one.of.split("-")]


def measure_code(one: Listed) -> Code:
    """Return the name of a figure, a public one where there is one."""
    if one.measure == "Cobb angle by midlines":
        return codes.SCT.CobbAngle
    value, meaning = _TERMS[one.measure]
    return Code(value, _OWN, meaning)


def unit_code(one: Listed) -> Code:
    """Return a figure's unit."""
    return _UNITS[one.unit]


def body_codes() -> dict[str, Any]:
    """Return what every segment is: an anatomical structure, a vertebra, found by a network."""
    return {
        "category": codes.SCT.AnatomicalStructure,
        "type": codes.SCT.Vertebra,
        "family": codes.DCM.ArtificialIntelligence,
        "report": codes.DCM.ImagingMeasurementReport,
        "procedure": codes.SCT.PlainXRay if hasattr(codes.SCT, "PlainXRay") else _PLAIN_X_RAY,
        "device": codes.DCM.Device,
        "column": codes.SCT.StructureOfVertebralColumn,
    }


_PLAIN_X_RAY = Code("168537006", "SCT", "Plain radiography")
