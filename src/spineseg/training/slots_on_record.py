"""How many trainings of a study are at work at a time, by its config and what is on record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from spineseg.config.study import StudyConfig
from spineseg.runs import Run
from spineseg.training.attempts import told_of_attempt
from spineseg.training.devices import CPU, chosen_devices

_AUTO = "devices.trials_per_device auto"


class Slots(NamedTuple):
    """So many trainings at a time; in words how that is known, where the config has no number."""

    number: int
    words: str = ""


def slots_on_record(config: StudyConfig, runs: Sequence[Run]) -> Slots:
    """Return how many trainings are at work at a time, as far as that is known now.

    A cluster is not asked: there the slots count in which trainings have been. Raises ConfigError
    where this machine has not the devices that the config names.
    """
    if config.devices.executor == "ray":
        used = len({str(one["slot"]) for one in _told(runs) if "slot" in one})
        if not used:
            return Slots(1, "trainings at a time: known once the cluster has begun one")
        return Slots(used, f"trainings at a time: {used} slots of the cluster were used so far")
    devices = chosen_devices(config.devices.device)
    count = len(devices) * config.devices.known_per_device
    if config.devices.trials_per_device != "auto" or all(device == CPU for device in devices):
        return Slots(count)
    if not any(run.epoch_count for run in runs):
        return Slots(count, f"{_AUTO}: found with the first training; until then {count} at a time")
    found = [n for one in _told(runs) if isinstance(n := one.get("neighbours"), int)]
    count = max([count, *found])
    return Slots(count, f"{_AUTO}: {count} trainings at a time, by what they were found to take")


def _told(runs: Sequence[Run]) -> list[dict[str, Any]]:
    return [told_of_attempt(run.folder) for run in runs]
