"""Self-contained HTML: a template and its content in, a page out, pictures inside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from markupsafe import Markup

from spineseg.files import write_whole

_JPEG_QUALITY = 80


def render(template: str, content: Mapping[str, Any]) -> Markup:
    """Return what a template of this room, named by its path in it, makes of `content`."""
    return Markup(_templates().get_template(template).render(content))


def write_html(template: str, content: Mapping[str, Any], path: Path) -> None:
    """Write the page that `template` makes of `content` to `path`, whole or not at all."""
    html = render(template, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, html)


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("spineseg.report", ""),  # Templates lie beside their code.
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minus"] = minus
    return environment


def minus(text: object) -> str:
    """Return the text with a true minus sign before negative figures; hyphens stay."""
    return re.sub(r"(?<![\w-])-(?=[\d.])", "−", str(text))


def svgs(drawn: Sequence[str]) -> list[Markup]:
    """Return the figures that have something to show; matplotlib has escaped their text."""
    return [Markup(svg) for svg in drawn if svg]


def jpeg_uri(picture: np.ndarray) -> str:
    """Return a picture as a data URI."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
