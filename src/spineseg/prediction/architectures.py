"""The segmentation networks that Ultralytics ships, by name, built from its packaged descriptions.

A description is never taken from a weights file or from the working folder: building one evaluates
what it says.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

_NAME = re.compile(r"(yolov?\d+)([a-z]?)(-seg(?:-p6)?)")


def description(name: str) -> dict[str, Any] | None:
    """Return what Ultralytics ships as `name`, such as `yolo11n-seg`; None for what it does not."""
    import ultralytics

    match = _NAME.fullmatch(name)
    if match is None:
        return None
    folder = Path(ultralytics.__file__).parent / "cfg" / "models"
    for stem, scale in ((match[1] + match[3], match[2]), (name, "")):
        for path in sorted(folder.glob(f"*/{stem}.yaml")):
            found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
            if scale in found.get("scales", {"": ()}):
                return found | {"scale": scale, "yaml_file": f"{name}.yaml"}
    return None
