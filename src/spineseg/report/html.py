"""Self-contained HTML pages: one template in, one file out, pictures inside it."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np

from spineseg.errors import DataError

_JPEG_QUALITY = 80
_PICTURE_PX = (640, 900)  # widest, tallest


def write_html(template: str, content: Mapping[str, Any], path: Path) -> None:
    """Write the page that `template` makes of `content` to `path`, whole or not at all."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("spineseg.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minus"] = minus
    html = environment.get_template(template).render(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(html, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def minus(text: object) -> str:
    """Return the text with a true minus sign before negative figures; hyphens stay."""
    return re.sub(r"(?<![\w-])-(?=[\d.])", "−", str(text))


def read_film(path: Path, most_px: tuple[int, int] = _PICTURE_PX) -> np.ndarray:
    """Return a film, (height, width, 3) uint8 RGB, reduced to `most_px` (width, height).

    Raises DataError where it is missing or no image.
    """
    data = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise DataError(f"{path} is no readable image, so the report cannot show it")
    factor = min(1.0, most_px[0] / image.shape[1], most_px[1] / image.shape[0])
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2RGB)


def jpeg_uri(image: np.ndarray) -> str:
    """Return a picture as a data URI."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
