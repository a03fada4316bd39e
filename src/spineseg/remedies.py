"""What a person can do about a training that failed, by the kind of its failure."""

from __future__ import annotations

from spineseg.events import FailureKind

REMEDIES: dict[FailureKind, str] = {
    "out_of_memory": "give it a smaller `batch`, `image_size_px` or `model`, or let fewer "
    "trainings share the device (`devices.trials_per_device`)",
    "nan_loss": "lower `lr0`, or set `amp` to false",
    "bad_data": "mend what the message names, then `spineseg data`",
    "killed": "see `train.log`; mostly the machine ran out of memory, so let fewer trainings share "
    "it (`devices.trials_per_device`)",
    "stalled": "see `train.log`: a disk, a film or a device did not answer; where epochs only take "
    "long, raise `limits.stalled_minutes`",
    "bug": "see the traceback and `train.log`",
}
"""What to do about a failure, by its kind."""
