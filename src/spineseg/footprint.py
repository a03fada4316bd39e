"""What a trained network costs where it is used, as it was measured and is kept beside its run."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from spineseg.config.model import Model

FOOTPRINT_FILE = "footprint.json"


class Footprint(Model):
    """Seconds and memory of a network on a few validation films, one at a time."""

    seconds: list[float] = Field(description="Of each film, reading left out.")
    peak_mb: float = Field(description="Of loading and predicting, at most; MB.")
    device: str
    threads: int
    machine: str
    weights_bytes: int
    time: float = Field(description="Seconds since the Unix epoch.")


def footprint(run_folder: Path) -> Footprint | None:
    """Return what was measured of a run's network; None where nothing was, or it is damaged."""
    try:
        return Footprint.model_validate_json((run_folder / FOOTPRINT_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
