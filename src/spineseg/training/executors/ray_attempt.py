"""An attempt on a node, as the driver sees it: asked without waiting, and brought home.

What is to be done is written down in the order in which it happens, as generators that yield each
question to the node; whoever asks `is_alive` takes them on by what was answered meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayError, RayTaskError

from spineseg.errors import RecordError, RunError, SpinesegError
from spineseg.events import EVENTS_FILE
from spineseg.job import Job
from spineseg.training.control import ask_to_stop, judged, let_go_on
from spineseg.training.executors.brought import Brought
from spineseg.training.executors.checkpoint import RESUME
from spineseg.training.executors.pieces import Span, spans
from spineseg.training.executors.ray_nodes import Node, Nodes
from spineseg.training.executors.ray_sending import AT_A_TIME, Asking, ahead, prepare
from spineseg.training.executors.told import News
from spineseg.training.failures import disk_is_full
from spineseg.training.orders import Orders

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
        self._told_none = False
        self._kept = 0  # The epoch of the last checkpoint that was fetched.
        self._work: Asking[None] = self._at_work()
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

    def let_go(self) -> None:
        """Hear no more of it: another attempt at its run is begun."""
        self._over = True

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

    def _at_work(self) -> Asking[None]:
        if (yield self._actor.is_begun.remote()):
            yield from self._take_up()
        elif self._ending:
            return
        else:
            self._preparing = True
            brought = prepare(self._actor, self._node, self._nodes, self._folder, self._orders)
            self._have = yield from brought
            self._preparing = False
        yield from self._follow()
        files = yield self._actor.files.remote()
        yield from self._bring(files, checkpoint=False)
        self._brought.remove(self._have.keys() - files.keys())
        self._brought.say_end()
        yield self._actor.clear.remote()

    def _take_up(self) -> Asking[None]:
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

    def _follow(self) -> Asking[None]:
        """Take what it says until it has ended, and its checkpoint every so many epochs."""
        bringing: Asking[None] | None = None
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
            for _ in range(0 if bringing is None else AT_A_TIME):
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

    def _checkpoint(self) -> Asking[None]:
        """Fetch the files to go on from as they are now."""
        epoch = self._brought.epoch
        kept = yield self._actor.checkpoint.remote()
        if kept is None:
            if epoch >= self._kept + 2 * self._every and not self._told_none:
                self._told_none = True
                self._nodes.say(
                    f"node {self._node.name}: no checkpoint of {self._job.name} could be fetched "
                    f"since epoch {self._kept}; a lost node costs all epochs since"
                )
            return  # Just being written: asked for again.
        files, said = kept
        yield from self._bring(files, checkpoint=True, not_before=said)
        self._kept = epoch

    def _bring(
        self, files: Mapping[str, tuple[int, str]], *, checkpoint: bool, not_before: int = 0
    ) -> Asking[None]:
        """Bring files that are not the same here; they are put in place once so much was said."""
        wanted = {n: size for n, (size, told) in files.items() if self._have.get(n) != told}
        self._brought.expect()

        def ask(asked: list[Span]) -> Any:
            return self._actor.parts.remote(asked, checkpoint=checkpoint)

        yield from ahead(spans(wanted), ask, self._brought.arrive)
        while self._brought.events_from < not_before:
            yield None  # A state is no use before the epochs that led to it are on record.
        self._brought.settle({name: files[name][1] for name in wanted})
        self._have |= {name: told for name, (_, told) in files.items()}

    def _gone(self) -> Asking[None]:
        """Find out whether its process ended, or the whole node: asked of a new process there."""
        is_there = self._nodes.is_there(self._node)
        probe = self._nodes.ask(self._node) if is_there else None
        until = time.monotonic() + 12 * _ANSWER_SECONDS
        while probe is not None and time.monotonic() < until and self._nodes.is_there(self._node):
            if ray.wait([probe], timeout=0)[0]:
                with suppress(RayError):
                    ray.get(probe)
                    self.ended_by = f"its process on node {self._node.name} ended"
                    return
                break
            yield None
        self.lost, self.ended_by = True, gone(self._node.name)


class NeverBegun:
    """An attempt in a slot whose node went away before it was begun."""

    is_over, lost, found_no_space = True, True, False

    def __init__(self, node: str) -> None:
        self.ended_by = gone(node)

    def is_alive(self) -> bool:
        """Return that it is not."""
        return False

    def let_go(self) -> None:
        """Do nothing, as all that could be asked of it."""

    def let_go_on(self, epochs: int) -> None:
        """Do nothing."""

    def ask_to_stop(self, epochs: int) -> None:
        """Do nothing."""

    def kill(self) -> None:
        """Do nothing."""


def gone(node: str) -> str:
    """Return what is said of an attempt whose node is gone."""
    return f"node {node} is gone"
