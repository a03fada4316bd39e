"""Which devices this machine can train on, found without importing torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from spineseg.errors import ConfigError
from spineseg.workers import cores


@dataclass(frozen=True)
class Device:
    """A CPU or one CUDA device."""

    name: str  # "cpu" or the device's number as CUDA_VISIBLE_DEVICES takes it
    description: str


CPU = Device("cpu", f"CPU, {cores()} cores")


@contextmanager
def driver_asked() -> Iterator[bool]:
    """Let NVML be asked of the cards; gives whether there is a driver to ask."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield False
        return
    try:
        yield True
    finally:
        pynvml.nvmlShutdown()


def cuda_devices() -> list[Device]:
    """Return the CUDA devices that this process may use, in order; none without a driver."""
    import pynvml

    with driver_asked() as there:
        if not there:
            return []
        names = [
            pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(i))
            for i in range(pynvml.nvmlDeviceGetCount())
        ]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return [Device(str(i), name) for i, name in enumerate(names)]
    wanted = [part.strip() for part in visible.split(",") if part.strip()]
    return [
        Device(part, names[int(part)] if part.isdigit() and int(part) < len(names) else part)
        for part in wanted
        if part != "-1"
    ]


def chosen_devices(wanted: str) -> list[Device]:
    """Return the devices that `wanted` ('auto', 'cpu', '0', '0,1') names.

    Raises ConfigError for a device that this machine does not have.
    """
    if wanted == "cpu":
        return [CPU]
    present = cuda_devices()
    if wanted == "auto":
        return present or [CPU]
    chosen = []
    for name in (part.strip() for part in wanted.split(",")):
        match = [device for device in present if device.name == name]
        if not match:
            have = ", ".join(device.name for device in present) or "no CUDA device"
            raise ConfigError(
                f"devices.device: {name!r} is not on this machine, which has {have}; "
                "use 'auto' or 'cpu'"
            )
        chosen += match
    return chosen
