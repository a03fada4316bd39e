"""How many trainings one device holds: by what they took, and what others of another size may take.

Memory is in megabytes, as epochs tell it: the most that a training's tensors have held. What is not
measured is taken for larger rather than smaller than it will be.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from spineseg.config.networks import NETWORKS
from spineseg.config.training import TrainConfig
from spineseg.events import Epoch
from spineseg.training.devices import CPU, Device, driver_asked

MOST = 8
"""Trainings at a time on one device: more would only wait for each other's steps."""
_RESERVE = 0.1  # Of the memory: a batch with many vertebrae, a validation, what fragments.
_CONTEXT_MB = 600.0  # CUDA's own, for each process, which no tensor's count holds.
_LEAST_CORES = 2  # For each training: one steps, one loads films.
_LEAST_PROCESS_MB = 3000.0  # Of the machine's memory, for each training with its loaders.
_MEMORY_HANGS_ON = {
    *("model", "image_size_px", "batch", "amp", "mask_ratio", "overlap_mask", "optimizer"),
    *("sampled_boxes", "points", "train_encoder", "sampled_prompts"),
}
_PEAK, _TOTAL = "system/gpu_0_memory_peak_megabytes", "system/gpu_0_memory_total_megabytes"
_PROCESS = "system/process_memory_megabytes"


def fits(peak_mb: float, total_mb: float) -> int:
    """Return how many trainings of one peak a device of so much memory holds: 1 to MOST."""
    if not (peak_mb > 0 and total_mb > 0 and math.isfinite(total_mb)):
        return 1
    return max(1, min(MOST, int(total_mb * (1 - _RESERVE) // (peak_mb + _CONTEXT_MB))))


def fits_machine(process_mb: float, free_mb: float, processors: int, devices: int) -> int:
    """Return for how many trainings on each device the machine has memory and processors.

    `process_mb` is what one takes beside its films, `free_mb` what is free while one is at work on
    each device. Films are kept in memory only where all have room (`film_cache`).
    """
    by_cores = processors // (_LEAST_CORES * devices)
    each = max(process_mb, _LEAST_PROCESS_MB) * devices
    return max(1, min(by_cores, 1 + int(free_mb * (1 - _RESERVE) // each)))


def relative_memory(config: TrainConfig, other: TrainConfig) -> float:
    """Return what a training takes of a device's memory at most, as a multiple of another's."""
    work = NETWORKS[config.model].memory / NETWORKS[other.model].memory
    work *= (config.image_size_px / other.image_size_px) ** 2 * (config.batch / other.batch)
    return work * (2.0 if other.amp and not config.amp else 1.0)


def device_megabytes(device: Device) -> float | None:
    """Return a CUDA device's memory; None where the driver does not tell, or for a CPU."""
    if device == CPU or not device.name.isdigit():
        return None
    import pynvml

    with driver_asked() as there:
        if not there:
            return None
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(int(device.name))
            return float(pynvml.nvmlDeviceGetMemoryInfo(handle).total) / 2**20
        except pynvml.NVMLError:
            return None


class Peaks:
    """What trainings were seen to take, by the settings that it hangs on."""

    def __init__(self) -> None:
        self._seen: dict[TrainConfig, float] = {}  # By the settings of one that took as much.
        self.total_mb = 0.0  # Of the device, as epochs tell it; 0: they do not.
        self.process_mb = 0.0  # The most of the machine's that one took beside its films.

    def learn(self, config: TrainConfig, epoch: Epoch, films_mb: Callable[[], float]) -> bool:
        """Take note of an epoch's readings; return whether they say more than was known.

        `films_mb` tells what the training's films take in the machine's memory; asked seldom.
        """
        peak, key = epoch.system.get(_PEAK, 0.0), _key(config)
        if not peak > self._seen.get(key, 0.0):
            return False
        self._seen[key] = peak
        self.total_mb = epoch.system.get(_TOTAL, self.total_mb)
        self.process_mb = max(self.process_mb, epoch.system.get(_PROCESS, 0.0) - films_mb())
        return True

    def expected(self, config: TrainConfig) -> float | None:
        """Return what a training will take at most, in megabytes; None while nothing is known.

        Measured where one of its size was; else scaled up from those that were, never down.
        """
        measured = self._seen.get(_key(config))
        if measured is not None:
            return measured
        guesses = [
            peak * max(1.0, relative_memory(config, other)) for other, peak in self._seen.items()
        ]
        return min(guesses, default=None)

    @property
    def smallest(self) -> float | None:
        """The least that any training took; None while nothing is known."""
        return min(self._seen.values(), default=None)

    def per_device(self, total_mb: float | None) -> int:
        """Return how many of the smallest trainings known a device of so much memory holds."""
        return fits(self.smallest or 0.0, total_mb or self.total_mb)

    def may_share(
        self, config: TrainConfig, others: list[TrainConfig], total_mb: float | None
    ) -> bool:
        """Return whether a training fits on a device of so much memory beside those at work."""
        if not others:
            return True
        total = total_mb or self.total_mb
        expected = [self.expected(one) for one in (config, *others)]
        if not total or any(peak is None for peak in expected):
            return False
        needed = sum((peak or 0.0) + _CONTEXT_MB for peak in expected)
        return needed <= total * (1 - _RESERVE)


def _key(config: TrainConfig) -> TrainConfig:
    """Return a training's settings with only those that memory hangs on as they are."""
    return TrainConfig.model_validate(config.model_dump(include=_MEMORY_HANGS_ON))
