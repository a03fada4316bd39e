"""What a node keeps for all runs: merged datasets and starting weights, by what they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from spineseg.data.known import whole
from spineseg.errors import DataError
from spineseg.files import locked, sha256_of
from spineseg.training.executors.pieces import Part, put_down

Answer = Literal["here", "send", "wait"]
_READ_ONLY = 0o444


class NodeStore:
    """Datasets and weights in a node's folder, fetched once: who fetches holds a lock."""

    def __init__(self, root: Path) -> None:
        """Look at `root`; nothing is made before it is needed."""
        self._root = root
        self._fetching = ExitStack()
        self._staged: Path | None = None

    def dataset(self, fingerprint: str) -> Path:
        """Return where a merged dataset lies, or is to lie."""
        return self._root / "data" / f"merged-{fingerprint[:12]}"

    def weights(self, sha256: str, name: str) -> Path:
        """Return where starting weights lie, or are to lie."""
        return self._root / "weights" / sha256[:16] / name

    def has_dataset(self, fingerprint: str) -> Answer:
        """Return whether a dataset is here, is to be sent, or is being fetched by another.

        One that is here is as its manifest says, film by film, and is the one that is asked for.
        """
        folder = self.dataset(fingerprint)
        return self._begin(folder, lambda: _is_dataset(folder, fingerprint))

    def has_weights(self, sha256: str, name: str) -> Answer:
        """Return whether weights are here, are to be sent, or are being fetched by another."""
        path = self.weights(sha256, name)
        return self._begin(path, lambda: path.is_file() and sha256_of(path) == sha256)

    def take(self, piece: Iterable[Part]) -> None:
        """Write down a piece of what was asked for."""
        assert self._staged is not None, "asked for before it is sent"
        put_down(self._staged, piece)

    def settle_dataset(self, fingerprint: str) -> None:
        """Put the dataset that came in its place. Raises DataError where it is not that one."""
        staged, folder = self._end(), self.dataset(fingerprint)
        found = whole(staged)
        if found is None or found.fingerprint != fingerprint:
            what = "is not whole" if found is None else f"is {found.fingerprint[:12]}"
            shutil.rmtree(staged, ignore_errors=True)
            self._fetching.close()
            raise DataError(
                f"the data that came {what}, and {fingerprint[:12]} was asked for; make them again "
                "with `spineseg data`, and run again"
            )
        for film in staged.glob("*/images/*"):
            film.chmod(_READ_ONLY)  # As where it was made: trainers do mend films in their place.
        if folder.exists():
            shutil.rmtree(folder)  # Not whole, or it would not have been sent.
        staged.replace(folder)
        self._fetching.close()

    def settle_weights(self, sha256: str, name: str) -> None:
        """Put the weights that came in their place. Raises DataError where they are others."""
        staged, path = self._end(), self.weights(sha256, name)
        came = sha256_of(staged / name)
        if came == sha256:
            (staged / name).replace(path)
        shutil.rmtree(staged, ignore_errors=True)
        self._fetching.close()
        if came != sha256:
            raise DataError(
                f"the starting weights that came are {came[:12]}, and {sha256[:12]} were asked "
                "for; put the file back that the study began with, and run again"
            )

    def _begin(self, place: Path, is_here: Callable[[], bool]) -> Answer:
        """Prepare to fetch, alone, what is to lie at `place`, where it is not there yet."""
        self._fetching.close()  # Of a driver that ended while it sent.
        if is_here():
            return "here"
        place.parent.mkdir(parents=True, exist_ok=True)
        held = ExitStack()
        if not held.enter_context(locked(place.with_name(f".{place.name}.lock"))):
            held.close()
            return "wait"
        if is_here():  # Who held the lock has just put it there.
            held.close()
            return "here"
        self._fetching = held
        self._staged = place.with_name(f".{place.name}.arriving")
        shutil.rmtree(self._staged, ignore_errors=True)  # Of one that was ended while it fetched.
        self._staged.mkdir()
        return "send"

    def _end(self) -> Path:
        assert self._staged is not None, "asked for before it is settled"
        staged, self._staged = self._staged, None
        return staged


def _is_dataset(folder: Path, fingerprint: str) -> bool:
    found = whole(folder)
    return found is not None and found.fingerprint == fingerprint
