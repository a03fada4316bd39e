"""An attempt on a node, as the driver sees it: asked without waiting, and brought home.

What is to be done is written down in the order in which it happens, as generators that yield each
question to the node; whoever asks `is_alive` takes them on by what was answered meanwhile.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray.exceptions import ActorUnavailableError, RayError, RayTaskError

from spineseg.data.manifest import AUDIT_FILE, DATA_FILE, MANIFEST_FILE, load_manifest
from spineseg.errors import RecordError, RunError, SpinesegError
from spineseg.events import EVENTS_FILE
from spineseg.files import sha256_of
from spineseg.job import JOB_FILE, Job
from spineseg.training.control import ask_to_stop, judged, let_go_on
from spineseg.training.executors.brought import Brought
from spineseg.training.executors.checkpoint import RESUME
from spineseg.training.executors.node_attempt import News
from spineseg.training.executors.pieces import Part, Span, cut, spans
from spineseg.training.executors.ray_nodes import Node, Nodes
from spineseg.training.executors.run_files import run_files
from spineseg.training.failures import disk_is_full
from spineseg.training.orders import Orders

Asking = Generator[Any, Any, None]
"""Yields questions to the node, which are under way, and is sent their answers; None: later."""
Asked = TypeVar("Asked")
_AT_A_TIME = 4  # Pieces under way: the next is on its way while one is written.
_STEP_SECONDS = 0.05  # The loop has other attempts to look after.
_ANSWER_SECONDS = 5.0  # A node that is at work answers in milliseconds.
_HOME_SECONDS = 120.0  # For the files of one that is ended; what did not come is trained again.


class RayAttempt:
    """One attempt at a run on a node of the cluster."""

    def __init__(
        self,
        actor: Any,
        nodes: Nodes,
        node: Node,
        run_folder: Path,
        orders: Orders,
        every: int,
        log_base: int,
    ) -> None:
        """Begin, or go on with, what `actor` does; a checkpoint is fetched each `every` epochs."""
        self._actor, self._nodes, self._node = actor, nodes, node
        self._folder, self._orders, self._every = run_folder, orders, every
        self._job = Job.read(run_folder)
        self._brought = Brought(run_folder, self._job.id, node.name, log_base)
        self._have: dict[str, str] = {}  # Files that are the same here and there, by their hash.
        self._kept = 0  # The epoch of the last checkpoint that was fetched.
        self._work: Asking = self._at_work()
        self._question: Any = None
        self._over = self._ending = self._preparing = False
        self._may_miss = False  # Whether the question may be asked again, unanswered.
        self.lost, self.found_no_space, self.ended_by = False, False, ""

    def is_alive(self) -> bool:
        """Bring what was answered into the run's folder; return whether there is more to come."""
        until = time.monotonic() + _STEP_SECONDS
        while not self._over and self._step() and time.monotonic() < until:
            pass
        return not self._over

    @property
    def is_over(self) -> bool:
        """Whether it was seen to have ended; asks nobody."""
        return self._over

    def let_go_on(self, epochs: int) -> None:
        """Say that after so many epochs its run is worth another one; the next question tells."""
        let_go_on(self._folder, epochs)

    def ask_to_stop(self, epochs: int) -> None:
        """Ask it to stop after so many epochs; the next question tells."""
        ask_to_stop(self._folder, epochs)

    def kill(self) -> None:
        """End it now, and bring home what it left as long as its node answers."""
        if not self._over:
            self._ending = True
            with suppress(RayError, SpinesegError):
                ray.get(self._actor.end_child.remote(), timeout=_ANSWER_SECONDS)
                self._bring_home()
        ray.kill(self._actor)
        self._over = True

    def _bring_home(self) -> None:
        until = time.monotonic() + _HOME_SECONDS
        while not (self._over or self._preparing) and time.monotonic() < until:
            if self._question is not None:
                answered, _ = ray.wait([self._question], timeout=_ANSWER_SECONDS)
                if not answered:
                    return
            self._step()

    def _step(self) -> bool:
        """Take the work on by one answer; return whether the next question is asked already."""
        answer = None
        try:
            if self._question is not None:
                if not ray.wait([self._question], timeout=0)[0]:
                    return False
                answer = self._answer()
            self._question = self._work.send(answer)
        except StopIteration:
            self._question, self._over = None, True
            ray.kill(self._actor)
        except RayError:
            ray.kill(self._actor)  # It may be there yet, and is not asked again.
            self._question, self._work = None, self._gone()
        return self._question is not None

    def _answer(self) -> Any:
        try:
            return ray.get(self._question)
        except ActorUnavailableError:
            if not self._may_miss:
                raise
            return None  # For a moment: the cluster says when it is for ever.
        except RayTaskError as error:
            cause = error.cause
            if disk_is_full(cause):
                self.found_no_space = True
                raise StopIteration from None
            if isinstance(cause, SpinesegError):
                raise type(cause)(f"node {self._node.name}: {cause}") from None
            raise RunError(
                f"node {self._node.name}: {type(cause).__name__}: {cause}; mend it there, or take "
                "the node out of the cluster, and run again"
            ) from None

    def _at_work(self) -> Asking:
        if (yield self._actor.is_begun.remote()):
            yield from self._take_up()
        elif self._ending:
            return
        else:
            self._preparing = True
            yield from self._prepare()
            self._preparing = False
        yield from self._follow()
        files = yield self._actor.files.remote()
        yield from self._bring(files, checkpoint=False)
        self._brought.remove(self._have.keys() - files.keys())
        self._brought.say_end()
        yield self._actor.clear.remote()

    def _take_up(self) -> Asking:
        """Go on with an attempt that another driver began."""
        self._brought.drop_torn_line()
        if (self._folder / RESUME).exists():
            self._have = {RESUME: ""}  # Gone at its end, there and here.
        there = yield self._actor.said_up_to.remote(self._brought.said)
        if there != self._brought.said_hash():
            raise RecordError(
                f"{self._folder / EVENTS_FILE}: is not the beginning of what attempt "
                f"{self._orders.attempt} said on node {self._node.name}; put the run's own log "
                "back, or move the folder away"
            )

    def _prepare(self) -> Asking:
        """Bring data, weights and the run's files to the node, and begin."""
        fingerprint, data = self._job.data_fingerprint, self._job.dataset
        yield from self._store(
            lambda: self._actor.has_dataset.remote(fingerprint),
            lambda: _dataset_files(data),
            lambda: self._actor.settle_dataset.remote(fingerprint),
            f"the data {fingerprint[:12]}",
        )
        weights = None
        if path := self._job.weights:
            weights = self._job.weights_sha256 or sha256_of(path), path.name
            yield from self._store(
                lambda: self._actor.has_weights.remote(*weights),
                lambda: iter([(path.name, path)]),
                lambda: self._actor.settle_weights.remote(*weights),
                f"the weights {path.name}",
            )
        files = run_files(self._folder)
        self._have = {name: sha256_of(path) for name, path in files.items()}
        for name in (JOB_FILE, EVENTS_FILE):
            if (self._folder / name).exists():
                files[name] = self._folder / name
        yield from self._send(self._actor.take, files.items())
        yield self._actor.begin.remote(weights, self._orders, judged(self._folder))

    def _store(
        self,
        ask: Callable[[], Any],
        files: Callable[[], Iterator[tuple[str, Path]]],
        settle: Callable[[], Any],
        what: str,
    ) -> Asking:
        """Have something in the node's store: nothing is sent where it is there."""
        while (answer := (yield ask())) != "here":
            if answer == "send":
                self._nodes.say(f"node {self._node.name}: fetches {what}")
                yield from self._send(self._actor.take_stored, files())
                yield settle()
                self._nodes.fetched += 1
                return
            yield None  # Another attempt on the node fetches it.

    def _send(self, take: Any, files: Any) -> Asking:
        yield from _ahead(cut(files), lambda piece: take.remote(piece), lambda _: None)

    def _follow(self) -> Asking:
        """Take what it says until it has ended, and its checkpoint every so many epochs."""
        bringing: Asking | None = None
        answer: Any = None
        while True:
            self._may_miss = True
            told: News | None = yield self._actor.news.remote(
                self._brought.events_from, self._brought.log_from, judged(self._folder)
            )
            self._may_miss = False
            if told is not None:
                self._brought.hear(told.events, told.log)
                if not told.alive and not told.more:
                    self.found_no_space, self.ended_by = told.no_space, told.ended_by
                    return
            self._kept = max(self._kept, self._brought.begun_at)
            if bringing is None and self._brought.epoch >= self._kept + self._every:
                bringing, answer = self._checkpoint(), None
            is_waiting = bringing is None
            for _ in range(0 if bringing is None else _AT_A_TIME):
                try:
                    question = bringing.send(answer)  # type: ignore[union-attr]
                except StopIteration:
                    bringing = None
                    break
                answer = (yield question) if question is not None else None
                is_waiting = question is None
                if is_waiting:
                    break
            if is_waiting and not (told and told.more):
                yield None

    def _checkpoint(self) -> Asking:
        """Fetch the files to go on from as they are now."""
        epoch = self._brought.epoch
        kept = yield self._actor.checkpoint.remote()
        if kept is None:
            return  # Just being written: asked for again.
        files, said = kept
        yield from self._bring(files, checkpoint=True, not_before=said)
        self._kept = epoch

    def _bring(
        self, files: Mapping[str, tuple[int, str]], *, checkpoint: bool, not_before: int = 0
    ) -> Asking:
        """Bring files that are not the same here; they are put in place once so much was said."""
        wanted = {n: size for n, (size, told) in files.items() if self._have.get(n) != told}
        self._brought.expect()

        def ask(asked: list[Span]) -> Any:
            return self._actor.parts.remote(asked, checkpoint=checkpoint)

        yield from _ahead(spans(wanted), ask, self._brought.arrive)
        while self._brought.events_from < not_before:
            yield None  # A state is no use before the epochs that led to it are on record.
        self._brought.settle({name: files[name][1] for name in wanted})
        self._have |= {name: told for name, (_, told) in files.items()}

    def _gone(self) -> Asking:
        """Find out whether its process ended, or the whole node: asked of a new process there."""
        probe = self._nodes.ask(self._node)
        until = time.monotonic() + 12 * _ANSWER_SECONDS
        while time.monotonic() < until and self._nodes.is_there(self._node):
            if ray.wait([probe], timeout=0)[0]:
                with suppress(RayError):
                    ray.get(probe)
                    self.ended_by = f"its process on node {self._node.name} ended"
                    return
                break
            yield None
        self.lost, self.ended_by = True, f"node {self._node.name} is gone"


def _ahead(
    asked: Iterator[Asked], ask: Callable[[Asked], Any], take: Callable[[list[Part]], None]
) -> Asking:
    """Ask for one after the other, some at a time, and take the answers in order."""
    flying: deque[Any] = deque()
    while True:
        while len(flying) < _AT_A_TIME and (piece := next(asked, None)) is not None:
            flying.append(ask(piece))
        if not flying:
            return
        take((yield flying.popleft()))


def _dataset_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for name in (DATA_FILE, MANIFEST_FILE, AUDIT_FILE):
        yield name, folder / name
    for entry in load_manifest(folder).entries:
        label = Path(entry.name).with_suffix(".txt").name
        for name in (f"{entry.part}/images/{entry.name}", f"{entry.part}/labels/{label}"):
            yield name, folder / name
