"""Films and their outlines as Label Studio takes them: tasks with predictions, and its labels.

The formats: https://labelstud.io/guide/predictions and https://labelstud.io/tags/polygonlabels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from spineseg.films import Outline
from spineseg.levels import ANATOMICAL_ORDER, colour
from spineseg.review.choice import FilmToReview

IMAGES = "images"
_FROM, _TO, _TYPE = "level", "image", "polygonlabels"


def label_config() -> str:
    """Return the interface: a film, what was found about it, and polygons of the 24 levels."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Header", value="$film")
    ElementTree.SubElement(view, "Text", name="found", value="$findings")
    labels = ElementTree.SubElement(
        view, "PolygonLabels", name=_FROM, toName=_TO, strokeWidth="2", opacity="0.25"
    )
    for level in ANATOMICAL_ORDER:
        red, green, blue = colour(level)
        ElementTree.SubElement(
            labels, "Label", value=level, background=f"#{red:02x}{green:02x}{blue:02x}"
        )
    ElementTree.SubElement(
        view, "Image", name=_TO, value="$image", zoom="true", zoomControl="true",
        brightnessControl="true", contrastControl="true",
    )  # fmt: skip
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def task(
    film: FilmToReview,
    copy: str,
    outlines: Sequence[Outline],
    size_px: tuple[int, int],
    score: float,
) -> dict[str, Any]:
    """Return a film as a task: its copy's address, what was found, and its outlines.

    `copy` is its file's name among the review's images, `size_px` its width and height, `score`
    0 for the most doubtful film to 1 for a sound one.
    """
    return {
        "data": {
            "image": f"/data/local-files/?d={IMAGES}/{quote(copy)}",
            "film": copy,
            "findings": film.text or "sound: nothing was found",
        },
        "predictions": [
            {
                "model_version": "present labels",
                "score": round(score, 4),
                "result": [_region(n, outline, size_px) for n, outline in enumerate(outlines)],
            }
        ],
    }


def _region(number: int, outline: Outline, size_px: tuple[int, int]) -> dict[str, Any]:
    return {
        "id": f"label-{number}",
        "from_name": _FROM,
        "to_name": _TO,
        "type": _TYPE,
        "original_width": size_px[0],
        "original_height": size_px[1],
        "image_rotation": 0,
        "value": {
            "points": [[round(100 * float(v), 5) for v in point] for point in outline.points],
            "closed": True,
            _TYPE: [outline.level],
        },
    }
