"""One film under three sets of outlines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spineseg.films import Outline


@dataclass(frozen=True)
class Comparison:
    """One film under three sets of outlines."""

    film: Path
    truth: tuple[Outline, ...]
    baseline: tuple[Outline, ...]
    best: tuple[Outline, ...]
