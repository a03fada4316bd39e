"""An attempt on a node of a cluster: the process beside the child, which the driver asks.

What is asked for is quick; everything is said when asked, and nothing is sent of itself. It never
imports torch: the child does, in a server process, as on the driver's own machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from spineseg.errors import RunError
from spineseg.events import EVENTS_FILE
from spineseg.files import holder, locked, sha256_of, write_whole
from spineseg.job import JOB_FILE
from spineseg.places import DRIVER_LOCK, LOCK_FILE
from spineseg.training.control import LOG_FILE, ask_to_stop, judged, let_go_on
from spineseg.training.devices import CPU, Device
from spineseg.training.executors.checkpoint import checkpoint_files
from spineseg.training.executors.node_child import TRAINER_TOLD
from spineseg.training.executors.node_leftovers import remove_leftovers
from spineseg.training.executors.node_store import Answer, NodeStore
from spineseg.training.executors.pieces import PIECE_BYTES, Part, Span, put_down, read_spans
from spineseg.training.executors.run_files import run_files
from spineseg.training.executors.told import News, Told
from spineseg.training.launcher import Child, Launcher
from spineseg.training.orders import Orders

_UNHEARD_SECONDS = 12 * 3600.0  # A driver that is gone for a night finds it as it was.
_UNBEGUN_SECONDS = 600.0  # Nothing is lost by ending one that has not begun.
_LOOK_SECONDS = 5.0


class NodeAttempt:
    """Runs one attempt at a run here, and stands for the study's driver beside the child."""

    def __init__(self, told: Told) -> None:
        """Do nothing yet: whatever can go wrong is to be told in words."""
        self._told = told
        self._root = told.folder.expanduser() / told.node
        self._store = NodeStore(self._root)
        # A place of its own for each attempt: two of one run never meet, nor do two studies of
        # one name.
        self._place = self._root / "studies" / told.study / f"{told.job}-{told.attempt}"
        self._folder = self._place / told.run
        self._child: Child | None = None
        self._driver = ExitStack()
        self._heard = time.monotonic()
        threading.Thread(target=self._end_unheard, daemon=True).start()

    def is_begun(self) -> bool:
        """Return whether the training was begun; where not, clear its place for what comes."""
        self._heard = time.monotonic()
        if self._child is None:
            for left in self._place.parent.glob(f"{self._told.job}-*"):
                _remove_attempt(left / self._told.run)
            self._folder.mkdir(parents=True)
            told = self._root, time.time()
            threading.Thread(target=remove_leftovers, args=told, daemon=True).start()
        return self._child is not None

    def has_dataset(self, fingerprint: str) -> Answer:
        """Return whether a dataset is here, is to be sent, or is being fetched by another."""
        self._heard = time.monotonic()
        return self._store.has_dataset(fingerprint)

    def has_weights(self, sha256: str, name: str) -> Answer:
        """Return whether weights are here, are to be sent, or are being fetched by another."""
        self._heard = time.monotonic()
        return self._store.has_weights(sha256, name)

    def take_stored(self, piece: Iterable[Part]) -> None:
        """Write down a piece of the data or weights that were asked for."""
        self._heard = time.monotonic()
        self._store.take(piece)

    def settle_dataset(self, fingerprint: str) -> None:
        """Put the dataset in its place. Raises DataError where it is not that one."""
        self._store.settle_dataset(fingerprint)

    def settle_weights(self, sha256: str, name: str) -> None:
        """Put the weights in their place. Raises DataError where they are others."""
        self._store.settle_weights(sha256, name)

    def take(self, piece: Iterable[Part]) -> None:
        """Write down a piece of the run's files."""
        self._heard = time.monotonic()
        put_down(self._folder, piece)

    def begin(
        self,
        weights: dict[str, tuple[str, str]],
        orders: Orders,
        words: tuple[int | None, int | None],
    ) -> None:
        """Start the child, with data and weights that lie here, on the device that Ray gave.

        `weights` are hash and name of the files that the job has under `WEIGHTS`.
        """
        if self._child is not None:
            return  # Asked again: the answer was lost on its way.
        job = json.loads((self._folder / JOB_FILE).read_text())
        job["dataset"] = str(self._store.dataset(job["data_fingerprint"]))
        job |= {field: str(self._store.weights(*known)) for field, known in weights.items()}
        write_whole(self._folder / JOB_FILE, json.dumps(job, indent=1))
        self._listen(words)
        if not self._driver.enter_context(locked(self._place / DRIVER_LOCK)):
            raise RunError(f"{self._place}: another process is at this attempt")
        os.environ[TRAINER_TOLD] = self._told.trainer
        # A child would run the program of this process first, which is Ray's.
        vars(sys.modules["__main__"]).pop("__file__", None)
        launcher = Launcher(
            self._root / "ultralytics", "spineseg.training.executors.node_child:run_job"
        )
        self._child = launcher.start(self._folder, _given_device(on_gpu=self._told.on_gpu), orders)

    def news(self, events_from: int, log_from: int, words: tuple[int | None, int | None]) -> News:
        """Return what was said since; `words` are how many epochs are worth another, and the last.

        When it says that the child is not alive, and that there is no more, this was all.
        """
        assert self._child is not None, "begun before it is asked"
        self._heard = time.monotonic()
        self._listen(words)
        alive = self._child.is_alive()  # Before the logs are read: what it said last is in them.
        events, more_events = _lines(self._folder / EVENTS_FILE, events_from)
        log, more_log = _content(self._folder / LOG_FILE, log_from)
        return News(
            events=events,
            log=log,
            more=more_events or more_log,
            alive=alive,
            no_space=self._child.found_no_space,
            ended_by=self._child.ended_by,
            time=time.time(),
        )

    def said_up_to(self, size: int) -> str:
        """Return the SHA-256 of the first so many bytes of what was said; empty for less."""
        self._heard = time.monotonic()
        said = self._folder / EVENTS_FILE
        content = said.read_bytes()[:size] if said.exists() else b""
        return hashlib.sha256(content).hexdigest() if len(content) == size else ""

    def checkpoint(self) -> tuple[dict[str, tuple[int, str]], int] | None:
        """Keep the files to go on from, as they are now, aside; return sizes and hashes of them.

        With them, how many bytes were said when they were kept. None where they are just being
        written: ask again.
        """
        kept = checkpoint_files(self._folder, self._place / "checkpoint")
        said = self._folder / EVENTS_FILE
        return (kept, said.stat().st_size) if kept and said.exists() else None

    def files(self) -> dict[str, tuple[int, str]]:
        """Return size and hash of every file of the run that is to be brought home."""
        self._heard = time.monotonic()
        return {
            name: (path.stat().st_size, sha256_of(path))
            for name, path in run_files(self._folder).items()
        }

    def parts(self, asked: Iterable[Span], *, checkpoint: bool) -> list[Part]:
        """Return pieces of files: of the checkpoint that was kept aside, or of the run itself."""
        self._heard = time.monotonic()
        return read_spans(self._place / "checkpoint" if checkpoint else self._folder, asked)

    def end_child(self) -> None:
        """End the training now; its last whole epoch stays resumable."""
        if self._child is not None:
            self._child.kill()

    def clear(self) -> None:
        """Remove the run's files: all of them were brought home."""
        self._driver.close()
        shutil.rmtree(self._place, ignore_errors=True)

    def _listen(self, words: tuple[int | None, int | None]) -> None:
        worth, stop = words
        here_worth, here_stop = judged(self._folder)
        if worth is not None and worth != here_worth:
            let_go_on(self._folder, worth)
        if stop is not None and stop != here_stop:
            ask_to_stop(self._folder, stop)

    def _end_unheard(self) -> None:
        """End where no driver asks any more: a slot of the cluster is not to be held for ever."""
        while True:
            time.sleep(_LOOK_SECONDS)
            silent = time.monotonic() - self._heard
            if self._child is None and silent > _UNBEGUN_SECONDS:
                os._exit(0)
            if silent > _UNHEARD_SECONDS:
                self._driver.close()  # So a searched one that waits to be judged ends itself.
                if self._child is None or not self._child.is_alive():
                    os._exit(0)


def _remove_attempt(folder: Path) -> None:
    """Remove what an attempt left, whose process may be there yet."""
    if process := holder(folder / LOCK_FILE):
        with suppress(psutil.Error):  # It ended meanwhile.
            process.kill()
            process.wait()
    shutil.rmtree(folder.parent, ignore_errors=True)


def _given_device(*, on_gpu: bool) -> Device:
    """Return the GPU that Ray shows to this process, and to no other; or the CPU."""
    if not on_gpu:
        return CPU
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    if given in ("", "-1"):
        raise RunError("Ray gave the attempt no GPU, and it was to have one")
    return Device(given, "a GPU of the cluster")


def _content(path: Path, start: int) -> tuple[bytes, bool]:
    try:
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(PIECE_BYTES + 1)
    except FileNotFoundError:
        return b"", False
    return content[:PIECE_BYTES], len(content) > PIECE_BYTES


def _lines(path: Path, start: int) -> tuple[bytes, bool]:
    """Return the whole lines from `start` on, of which one fits into a piece, and if more are."""
    content, more = _content(path, start)
    return content[: content.rfind(b"\n") + 1], more
