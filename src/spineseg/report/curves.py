"""What a run's learning curves are called in its log."""

from __future__ import annotations

_VALID, _TRAIN = "valid", "train"  # As the trainer logs them.


def valid_curve(name: str) -> str:
    """Return the curve of a score or loss on the validation part."""
    return f"{_VALID}/{name}"


def train_curve(name: str) -> str:
    """Return the curve of a loss on the training part."""
    return f"{_TRAIN}/{name}"
