"""What ended a training, in a word."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Literal

from spineseg.errors import DataError
from spineseg.events import FailureKind

_NO_MEMORY = (
    "out of memory",
    "allocate memory",  # torch's, on the processor: "can't ..", "Cannot ..".
    "insufficient memory",  # OpenCV's.
    "could not create a primitive",  # oneDNN's, seen where the system gave it no memory.
    "cublas_status_alloc_failed",  # These two as Ultralytics takes them.
    "unable to find an engine",
)
_DISK_FULL = (
    "pytorchstreamwriter failed writing",  # torch's writer, and NumPy's, say so in words only.
    "no space left on device",
)


def disk_is_full(error: BaseException) -> bool:
    """Return whether `error`, or what it came of, is a full disk."""
    return any(_is_full_disk(each) for each in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, or for."""
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        yield at
        seen.append(at)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    text = str(error).lower()
    unfinished = isinstance(error, OSError) and " requested and " in text and " written" in text
    return unfinished or any(words in text for words in _DISK_FULL)


def failure_kind(error: Exception) -> FailureKind:
    """Return the word for what ended a training."""
    from spineseg.training.families.protocol import NanLoss

    text = str(error).lower()
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return "out_of_memory"
    if isinstance(error, NanLoss) or "nan persisted" in text or "nan/inf" in text:
        return "nan_loss"
    if isinstance(error, DataError) or text.startswith("dataset "):
        return "bad_data"
    return "bug"


def lost_kind(error: Exception) -> Literal["out_of_memory", "killed"] | None:
    """Return the word where only this attempt is lost, and another may do; None for the run's end.

    A process that loads films and is killed is the system's doing, mostly for want of memory.
    """
    if failure_kind(error) == "out_of_memory":
        return "out_of_memory"
    return "killed" if "dataloader worker" in str(error).lower() else None
