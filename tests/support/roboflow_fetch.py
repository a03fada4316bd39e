"""Fetches an export of the tests' Roboflow, and what a refusal must be like."""

from __future__ import annotations

from pathlib import Path

import pytest
from roboflow_server import KEY

from spineseg.config.data import RoboflowSource
from spineseg.data import roboflow_source
from spineseg.errors import DataError

SOURCE = RoboflowSource(kind="roboflow", workspace="w", project="p", version=2)


def fetch(tmp_path: Path, source: RoboflowSource = SOURCE) -> tuple[Path, int]:
    return roboflow_source.fetched(source, tmp_path / "cache", lambda text: None)


def refused(tmp_path: Path, source: RoboflowSource = SOURCE) -> str:
    """Return the error of a fetch that must fail, having looked for the key and for leftovers."""
    with pytest.raises(DataError) as caught:
        fetch(tmp_path, source)
    text = str(caught.value)
    assert KEY not in text and "signed" not in text and "\n" not in text
    place = tmp_path / "cache" / "roboflow" / "w" / "p"
    left = [path.name for path in place.glob("*") if path.is_dir()] if place.exists() else []
    assert left == []
    return text
