"""Which process on which machine this is, so that another can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_UNKNOWN = ""  # It is there, and another user's that this one may not look at.


@dataclass(frozen=True)
class Process:
    """A process, and the machine that it runs on."""

    host: str
    machine: str  # Since it was started, and which of its containers: numbers mean one process.
    process: int
    began: str

    def counts_with(self, other: Process) -> bool:
        """Return whether process numbers of `other` are this machine's: it can be looked for."""
        return (self.host, self.machine) == (other.host, other.machine)

    def is_near(self, other: Process) -> bool:
        """Return whether `other` is on this machine, or in a container of it."""
        boot = self.machine.partition(" ")[0]
        return self.host == other.host or bool(boot and other.machine.startswith(f"{boot} "))

    def is_gone(self) -> bool:
        """Return whether no such process is on this machine."""
        return _began(self.process) not in (self.began, _UNKNOWN)


def this_process() -> Process:
    """Return this process, on this machine."""
    boot, space = "", ""
    with suppress(OSError):  # Not Linux: the machine's name has to do.
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = str(Path("/proc/self/ns/pid").readlink())  # Containers number their own processes.
    return Process(socket.gethostname(), f"{boot} {space}", os.getpid(), _began(os.getpid()) or "")


def _began(process: int) -> str | None:
    """Return when a process began, in a word of its own; None where it is gone."""
    if not psutil.pid_exists(process):
        return None
    stat = Path(f"/proc/{process}/stat")
    try:
        if Path("/proc/self/stat").exists():  # Ticks since the machine's start: no clock sets them.
            state, *fields = stat.read_text().rpartition(")")[2].split()
            return None if state in "ZX" else fields[18]
        return str(psutil.Process(process).create_time())
    except (OSError, psutil.Error):
        return _UNKNOWN if psutil.pid_exists(process) else None
