"""What a node says and leaves, brought into the run's folder on the driver's machine.

The log's bytes are the node's own, so what is here is always the beginning of what is there. The
line that ends a run is held back until the files that it speaks of are here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from spineseg.errors import RecordError, RunError
from spineseg.events import EVENTS_FILE
from spineseg.files import sync
from spineseg.training.control import LOG_FILE
from spineseg.training.executors.checkpoint import RESUME
from spineseg.training.executors.pieces import Part, put_down

_ENDS = ("finished", "failed", "lost")


class Brought:
    """The driver's copy of one attempt: its log, and files that arrive aside until all are here."""

    def __init__(self, run_folder: Path, run: str, node: str, log_base: int) -> None:
        """Go on with the folder of the run with the id `run`, at work on `node`.

        `log_base` is how long train.log was when the attempt began.
        """
        self._folder, self._run, self._node = run_folder, run, node
        self._log_base = log_base
        self._held = b""
        self._aside = run_folder.with_name(f".{run_folder.name}.arriving")
        self._hashes: dict[str, hashlib._Hash] = {}
        self.epoch = 0  # The last one said.
        self.begun_at = 0  # Epochs that the attempt began with.

    @property
    def said(self) -> int:
        """How many bytes of the log are here."""
        return _size(self._folder / EVENTS_FILE)

    @property
    def events_from(self) -> int:
        """Where in the node's log to read on."""
        return self.said + len(self._held)

    @property
    def log_from(self) -> int:
        """Where in the node's train.log to read on."""
        return max(0, _size(self._folder / LOG_FILE) - self._log_base)

    def drop_torn_line(self) -> None:
        """Cut off a last line that was not written whole: the node has it whole."""
        path = self._folder / EVENTS_FILE
        content = path.read_bytes() if path.exists() else b""
        if content and not content.endswith(b"\n"):
            os.truncate(path, content.rfind(b"\n") + 1)

    def said_hash(self) -> str:
        """Return the SHA-256 of the log that is here."""
        path = self._folder / EVENTS_FILE
        return hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()

    def hear(self, events: bytes, log: bytes) -> None:
        """Write down what was said, but for the line that ends the run, and all after that.

        Raises RecordError for a line of another run.
        """
        if log:
            _append(self._folder / LOG_FILE, log)
        if self._held:
            self._held += events
            return
        now = b""
        for line in events.splitlines(keepends=True):
            if self._held or self._kind(line) in _ENDS:
                self._held += line
            else:
                now += line
        if now:
            _append(self._folder / EVENTS_FILE, now, synced=True)

    def say_end(self) -> None:
        """Write down the line that was held back: all that it speaks of is here."""
        if self._held:
            _append(self._folder / EVENTS_FILE, self._held, synced=True)
            self._held = b""

    def expect(self) -> None:
        """Prepare for files to arrive."""
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir()
        self._hashes = {}

    def arrive(self, piece: Iterable[Part]) -> None:
        """Take a piece of the files that are expected; those of one file come in order."""
        piece = list(piece)
        put_down(self._aside, piece)
        for name, _, content in piece:
            self._hashes.setdefault(name, hashlib.sha256()).update(content)

    def settle(self, hashes: Mapping[str, str]) -> None:
        """Put the files that came in their places, the state to go on from last.

        Raises RunError where one is not what the node said that it is.
        """
        for name, told in hashes.items():
            came = self._hashes[name].hexdigest() if name in self._hashes else "nothing"
            if came != told:
                raise RunError(
                    f"{self._folder}: {name} came from node {self._node} as {came[:12]}, and is "
                    f"{told[:12]} there; run again to take the training up again"
                )
        for name in sorted(hashes, key=lambda name: name == RESUME):
            place = self._folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            sync(self._aside / name)
            (self._aside / name).replace(place)
        shutil.rmtree(self._aside, ignore_errors=True)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files that were here at the beginning, and are no more on the node."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def _kind(self, line: bytes) -> str:
        """Return what a line says; what is torn is for the log's reader to judge."""
        try:
            event = json.loads(line)
            run, kind = event["run"], str(event["type"])
        except (ValueError, KeyError, TypeError):
            return ""
        if run != self._run:
            raise RecordError(
                f"{self._folder}: node {self._node} said an event of another run ({run[:12]}, not "
                f"{self._run[:12]}), which was not taken; end what is at work there and run again"
            )
        if kind == "epoch":
            self.epoch = int(event["epoch"])
        if kind == "started":
            self.begun_at = self.epoch = int(event.get("resumed_from_epoch", 0))
        return kind


def _append(path: Path, content: bytes, *, synced: bool = False) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        if synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
