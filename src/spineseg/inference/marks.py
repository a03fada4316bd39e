"""What a prediction is marked with: by which weights, how, and that it is for no patient's care."""

from __future__ import annotations

from spineseg.chosen_model import Chosen
from spineseg.strip import PLAIN, WARNING

CAUTION = "Not a medical device: for research, not for the care of any person."
SYNTHETIC = "SYNTHETIC: trained on synthetic X-rays only."
_UNKNOWN = "What it was trained on is not known."


def origin_text(chosen: Chosen) -> str:
    """Return in a few words what, beside the caution, is to be known of the weights' training."""
    if chosen.synthetic is None:
        return _UNKNOWN
    return SYNTHETIC if chosen.synthetic else ""


def strip_lines(chosen: Chosen, confidence: float) -> list[tuple[str, tuple[int, int, int]]]:
    """Return the lines below an overlay, each with its colour."""
    by = (
        f"By {chosen.label}, SHA-256 {chosen.short_sha256}; levels {chosen.levels_text}; "
        f"confidence {confidence:g} or more."
    )
    return [(f"{origin_text(chosen)} {CAUTION}".strip(), WARNING), (by, PLAIN)]
