"""A run brought to a node: data and weights, where they are not there yet, and its own files."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import ray

from spineseg.data.manifest import AUDIT_FILE, DATA_FILE, MANIFEST_FILE, load_manifest
from spineseg.errors import DataError, WeightsError
from spineseg.events import EVENTS_FILE
from spineseg.files import sha256_of
from spineseg.job import JOB_FILE, WEIGHTS, Job
from spineseg.training.control import judged
from spineseg.training.executors.node import Node
from spineseg.training.executors.pieces import Part, cut
from spineseg.training.executors.ray_nodes import Nodes
from spineseg.training.executors.run_files import run_files
from spineseg.training.orders import Orders

Result = TypeVar("Result")
Asked = TypeVar("Asked")
Asking = Generator[Any, Any, Result]
"""Yields questions to the node, which are under way, and is sent their answers; None: later."""
REACH_SECONDS = 30.0  # A switch that starts anew is back by then.
_AGAIN_SECONDS = 2.0  # Between two tries of a question that did not get through.
AT_A_TIME = 4  # Pieces under way: the next is on its way while one is written.


class Question:
    """A question to the node that changes nothing when it is asked twice."""

    def __init__(self, ask: Callable[[], Any], *, patience: float | None = None) -> None:
        """Ask it; where that does not get through it is asked again, for `patience` seconds."""
        self.ask = ask
        self.patience = REACH_SECONDS if patience is None else patience
        self.ref = ask()


class Patience:
    """With a node that is asked one question after another, and may not be reached for a while."""

    def __init__(self) -> None:
        """Begin, with nothing asked."""
        self._missed_at: float | None = None  # When the question first did not get through.
        self._ask_at = 0.0  # When it is asked again.
        self._heard_at = time.monotonic()

    @property
    def silent_seconds(self) -> float:
        """How long no answer has come."""
        return time.monotonic() - self._heard_at

    def heard(self) -> None:
        """Take note that an answer came."""
        self._missed_at, self._heard_at = None, time.monotonic()

    def is_answered(self, question: Any) -> bool:
        """Return whether there is an answer, a failure to reach the node among them."""
        if time.monotonic() < self._ask_at:
            return False
        if self._ask_at:
            self._ask_at, question.ref = 0.0, question.ask()
        return bool(ray.wait([ref(question)], timeout=0)[0])

    def asks_again(self, question: Any) -> bool:
        """Have what did not get through asked again, soon; False where that was tried for long."""
        now = time.monotonic()
        if self._missed_at is None:
            self._missed_at = now
        if isinstance(question, Question) and now < self._missed_at + question.patience:
            self._ask_at = now + _AGAIN_SECONDS
            return True
        return False


def ref(question: Any) -> Any:
    """Return Ray's word for the answer to a question."""
    return question.ref if isinstance(question, Question) else question


def prepare(
    actor: Any, node: Node, nodes: Nodes, run_folder: Path, orders: Orders
) -> Asking[dict[str, str]]:
    """Bring data, weights and the run's files to the node, and begin the training there.

    Returns the files of the run that are the same there and here, by their hashes.
    """
    job = Job.read(run_folder)
    fingerprint = job.data_fingerprint
    yield from _store(
        lambda: actor.has_dataset.remote(fingerprint),
        lambda: send(actor.take_stored, _dataset_files(job.dataset)),
        lambda: actor.settle_dataset.remote(fingerprint),
        lambda: nodes.fetches(node, f"the data {fingerprint[:12]}"),
    )
    weights: dict[str, tuple[str, str]] = {}
    for field in WEIGHTS:
        if (path := getattr(job, field)) is not None:
            weights[field] = yield from _weights(actor, node, nodes, job, field, path)
    files = run_files(run_folder)
    same = {name: sha256_of(path) for name, path in files.items()}
    for name in (JOB_FILE, EVENTS_FILE):
        if (run_folder / name).exists():
            files[name] = run_folder / name
    yield from send(actor.take, files.items())
    yield Question(lambda: actor.begin.remote(weights, orders, judged(run_folder)))
    return same


def _weights(
    actor: Any, node: Node, nodes: Nodes, job: Job, field: str, path: Path
) -> Asking[tuple[str, str]]:
    """Bring a file of weights that a job names to the node; return its hash and its name."""
    if not path.is_file():
        raise WeightsError(f"{field}: {path} is missing; put it back, and run again")
    known = getattr(job, f"{field}_sha256") or sha256_of(path), path.name
    yield from _store(
        lambda: actor.has_weights.remote(*known),
        lambda: send(actor.take_stored, [(path.name, path)]),
        lambda: actor.settle_weights.remote(*known),
        lambda: nodes.fetches(node, f"the weights {path.name}"),
    )
    return known


def _store(
    ask: Callable[[], Any],
    sent: Callable[[], Asking[None]],
    settle: Callable[[], Any],
    say: Callable[[], None],
) -> Asking[None]:
    """Have something in the node's store: nothing is sent where it is there."""
    while (answer := (yield Question(ask))) != "here":
        if answer == "send":
            say()
            yield from sent()
            yield settle()
            return
        yield None  # Another attempt on the node fetches it.


def send(take: Any, files: Iterable[tuple[str, Path]]) -> Asking[None]:
    """Send files in pieces to what takes them on the node."""
    yield from ahead(cut(files), lambda piece: take.remote(piece), lambda _: None)


def ahead(
    asked: Iterator[Asked], ask: Callable[[Asked], Any], take: Callable[[list[Part]], None]
) -> Asking[None]:
    """Ask for one after the other, some at a time, and take the answers in order."""
    flying: deque[Any] = deque()
    while True:
        while len(flying) < AT_A_TIME and (piece := next(asked, None)) is not None:
            flying.append(ask(piece))
        if not flying:
            return
        take((yield flying.popleft()))


def _dataset_files(folder: Path) -> Iterator[tuple[str, Path]]:
    if not (folder / MANIFEST_FILE).is_file():
        raise DataError(f"{folder}: is no merged dataset; `spineseg data` makes it again")
    for name in (DATA_FILE, MANIFEST_FILE, AUDIT_FILE):
        yield name, folder / name
    for entry in load_manifest(folder).entries:
        label = Path(entry.name).with_suffix(".txt").name
        for name in (f"{entry.part}/images/{entry.name}", f"{entry.part}/labels/{label}"):
            if not (folder / name).is_file():
                raise DataError(
                    f"{folder}: {name} is missing; `spineseg run` with the study's config mends it "
                    "and goes on"
                )
            yield name, folder / name
