"""Fetches an export of the tests' Roboflow, and what a refusal must be like."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from roboflow_server import KEY, Roboflow

from spineseg.config.data import RoboflowSource
from spineseg.data.roboflow import export
from spineseg.errors import DataError

SOURCE = RoboflowSource(kind="roboflow", workspace="w", project="p", version=2)


def place_of(tmp_path: Path) -> Path:
    """Return where the export's files lie."""
    return tmp_path / "cache" / "roboflow" / "w" / "p"


def fetch(
    tmp_path: Path, source: RoboflowSource = SOURCE, said: list[str] | None = None
) -> tuple[Path, int]:
    """Fetch the export; `said` takes what is told meanwhile, in which the key must not be."""
    said = [] if said is None else said
    try:
        return export.fetched(source, tmp_path / "cache", said.append)
    finally:
        assert not _secrets("\n".join(said))


def refused(tmp_path: Path, source: RoboflowSource = SOURCE, said: list[str] | None = None) -> str:
    """Return the error of a fetch that must fail, having looked for the key and for leftovers."""
    with pytest.raises(DataError) as caught:
        fetch(tmp_path, source, said)
    text = str(caught.value)
    assert "\n" not in text and not _secrets("".join(traceback.format_exception(caught.value)))
    place = place_of(tmp_path)
    there = list(place.iterdir()) if place.exists() else []
    assert [path.name for path in there if path.is_dir()] == []
    assert not [path for path in there if path.is_file() and _secrets(path.read_text("latin-1"))]
    return text


def child(tmp_path: Path, before: str = "") -> subprocess.Popen[str]:
    """Return another process that fetches the export into the same cache, and prints."""
    code = (
        f"{before}\nfrom pathlib import Path\nfrom spineseg.data.roboflow.export import fetched\n"
        "from spineseg.config.data import RoboflowSource as Source\n"
        "source = Source(kind='roboflow', workspace='w', project='p', version=2)\n"
        f"fetched(source, Path({str(tmp_path / 'cache')!r}), lambda text: print(text, flush=True))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _secrets(text: str) -> list[str]:
    """Return the key, or an address that opens the zip, where a text holds one."""
    return [secret for secret in (KEY, "signed-") if secret in text]


def spans(service: Roboflow) -> list[str | None]:
    """Return the Range of each request for a zip."""
    return [span for path, span in service.requests if path.startswith("zip/")]


def films(folder: Path) -> int:
    """Return how many films an export holds."""
    return len(list(folder.rglob("*.jpg")))
