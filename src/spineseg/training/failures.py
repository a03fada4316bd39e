"""What ended a training, in a word."""

from __future__ import annotations

import errno

from spineseg.errors import DataError
from spineseg.events import FailureKind


def disk_is_full(error: Exception) -> bool:
    """Return whether `error` is a full disk; torch's writer says so in words only."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or "PytorchStreamWriter failed writing" in str(error)


def failure_kind(error: Exception) -> FailureKind:
    """Return the word for what ended a training."""
    from spineseg.training.trainer import NanLoss

    text = str(error).lower()
    if "out of memory" in text or isinstance(error, MemoryError):
        return "out_of_memory"
    if isinstance(error, NanLoss) or "nan persisted" in text or "nan/inf" in text:
        return "nan_loss"
    if isinstance(error, DataError) or text.startswith("dataset "):
        return "bad_data"
    return "bug"
