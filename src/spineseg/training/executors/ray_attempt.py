"""An attempt on a node, as the driver sees it: asked without waiting, and brought home.

What is to be done is written down in the order in which it happens, as generators that yield each
question to the node; whoever asks `is_alive` takes them on by what was answered meanwhile.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, ObjectLostError, RayError, RayTaskError

from spineseg.errors import RecordError, RunError, SpinesegError
from spineseg.events import EVENTS_FILE
from spineseg.job import Job
from spineseg.training.control import ask_to_stop, judged, let_go_on
from spineseg.training.executors.brought import Brought
from spineseg.training.executors.checkpoint import RESUME
from spineseg.training.executors.never_begun import gone
from spineseg.training.executors.node import Node
from spineseg.training.executors.pieces import Span, spans
from spineseg.training.executors.ray_nodes import Nodes
from spineseg.training.executors.ray_sending import (
    AT_A_TIME,
    Asking,
    Patience,
    Question,
    ahead,
    prepare,
    ref,
)
from spineseg.training.executors.told import News
from spineseg.training.failures import disk_is_full
from spineseg.training.orders import Orders

_STEP_SECONDS = 0.05  # The loop has other attempts to look after.
_ANSWER_SECONDS = 5.0  # A node that is at work answers in milliseconds.
_HOME_SECONDS = 18.0  # For the files of one that is ended; what did not come is trained again.
_PIECE_SECONDS = 300.0  # For some megabytes on the slowest of lines.


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
        self.is_over = self._preparing = False
        self._killed_at: float | None = None
        self._patience = Patience()
        self._since, self._has_place = time.monotonic(), False
        self.lost, self.found_no_space, self.ended_by = False, False, ""  # No space: here.

    def is_alive(self) -> bool:
        """Bring what was answered into the run's folder; return whether there is more to come."""
        if self._killed_at is not None and not self.is_over:
            self._end()
        else:
            self._go_on()
        return not self.is_over

    @property
    def is_waiting_for_its_place(self) -> bool:
        """Whether it could not begin yet: others hold its slot, or pieces of its data come."""
        is_fetching = self._preparing and self._patience.silent_seconds < _PIECE_SECONDS
        return not self._has_place or is_fetching

    def _go_on(self) -> None:
        if not self._has_place:
            seconds = time.monotonic() - self._since
            self._nodes.tell_of_waiting(self._node, self._job.name, seconds)
        until = time.monotonic() + _STEP_SECONDS
        while not self.is_over and self._step() and time.monotonic() < until:
            pass

    def let_go(self) -> None:
        """Hear no more of it: another attempt at its run is begun."""
        self.is_over = True

    def let_go_on(self, epochs: int) -> None:
        """Say that after so many epochs its run is worth another one; the next question tells."""
        let_go_on(self._folder, epochs)

    def ask_to_stop(self, epochs: int) -> None:
        """Ask it to stop after so many epochs; the next question tells."""
        ask_to_stop(self._folder, epochs)

    @property
    def is_ending(self) -> bool:
        """Whether it was told to end, and has not yet been seen to."""
        return self._killed_at is not None and not self.is_over

    def kill(self) -> None:
        """Have it ended, and wait for nothing: `is_alive` brings home what it left, and ends it.

        For that it has some seconds. Called again after them, it is ended at once.
        """
        if self.is_over:
            ray.kill(self._actor)
        elif self._preparing:
            self._cut_off()  # Nothing of it is there that is not here.
        elif self._killed_at is None:
            self._killed_at = time.monotonic()
            with suppress(RayError):  # Heard of by what is asked next.
                self._actor.end_child.remote()
        elif time.monotonic() > self._killed_at + _HOME_SECONDS:
            self._cut_off()

    def _end(self) -> None:
        """Bring home what one that is told to end left; end its process, whatever goes wrong."""
        killed_at, why, done = self._killed_at or 0.0, "", True
        try:
            self._go_on()
            allowed = _HOME_SECONDS if self._has_place else _ANSWER_SECONDS
            done = self.is_over or time.monotonic() > killed_at + allowed
            why = "" if self.is_over else f"that took more than {allowed:.0f} s"
        except (RayError, SpinesegError, OSError) as error:
            why = str(error)
        finally:
            if done:
                self._cut_off()
        if done and why and self._has_place:
            self._nodes.say(
                f"node {self._node.name}: not all that {self._job.name} left could be brought home "
                f"({why}); what did not come is trained again"
            )

    def _cut_off(self) -> None:
        self.is_over, self._question = True, None
        ray.kill(self._actor)

    def _step(self) -> bool:
        """Take the work on by one answer; return whether the next question is asked already."""
        answer = None
        try:
            if self._question is not None:
                if not self._patience.is_answered(self._question):
                    return False
                answer = self._answer()
                self._patience.heard()
            self._question = self._work.send(answer)
        except StopIteration:
            self._cut_off()
        except (ActorUnavailableError, ObjectLostError):
            if not self._patience.asks_again(self._question):
                self.lost, self.ended_by = True, f"node {self._node.name} could not be reached"
                self._cut_off()
            return False
        except RayError:
            ray.kill(self._actor)  # It may be there yet, and is not asked again.
            self._question, self._work = None, self._gone()
        return self._question is not None

    def _answer(self) -> Any:
        try:
            return ray.get(ref(self._question))
        except RayTaskError as error:
            cause = error.cause
            if disk_is_full(cause):
                self._find_full()
                raise StopIteration from None
            if isinstance(cause, SpinesegError):
                raise type(cause)(f"node {self._node.name}: {cause}") from None
            raise RunError(
                f"node {self._node.name}: {type(cause).__name__}: {cause}; mend it there, or take "
                "the node out of the cluster, and run again"
            ) from None

    def _at_work(self) -> Asking[None]:
        is_begun = yield Question(self._actor.is_begun.remote)
        self._has_place = True
        if is_begun:
            yield from self._take_up()
        elif self.is_ending:
            return
        else:
            self._preparing = True
            brought = prepare(self._actor, self._node, self._nodes, self._folder, self._orders)
            self._have = yield from brought
            self._preparing = False
        yield from self._follow()
        files = yield Question(self._actor.files.remote)
        yield from self._bring(files, checkpoint=False)
        self._brought.remove(self._have.keys() - files.keys())
        self._brought.say_end()
        yield Question(self._actor.clear.remote)

    def _take_up(self) -> Asking[None]:
        """Go on with an attempt that another driver began."""
        self._brought.drop_torn_line()
        if (self._folder / RESUME).exists():
            self._have = {RESUME: ""}  # Gone at its end, there and here.
        said = self._brought.said
        there = yield Question(lambda: self._actor.said_up_to.remote(said))
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
            # The cluster, or the watch for those that hang, says when it is not heard any more.
            told: News = yield Question(self._ask_news, patience=math.inf)
            self._brought.hear(told.events, told.log)
            if not told.alive and not told.more:
                self.ended_by = told.ended_by
                if told.no_space:
                    self._find_full()
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
            if is_waiting and not told.more:
                yield None

    def _ask_news(self) -> Any:
        heard = self._brought.events_from, self._brought.log_from
        return self._actor.news.remote(*heard, judged(self._folder))

    def _checkpoint(self) -> Asking[None]:
        """Fetch the files to go on from as they are now."""
        epoch = self._brought.epoch
        kept = yield Question(self._actor.checkpoint.remote)
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
            return Question(lambda: self._actor.parts.remote(asked, checkpoint=checkpoint))

        yield from ahead(spans(wanted), ask, self._brought.arrive)
        while self._brought.events_from < not_before:
            yield None  # A state is no use before the epochs that led to it are on record.
        self._brought.settle({name: files[name][1] for name in wanted})
        self._have |= {name: told for name, (_, told) in files.items()}

    def _find_full(self) -> None:
        self.lost, self.ended_by = True, self._nodes.full.found(self._node)

    def _gone(self) -> Asking[None]:
        """Find out whether its process ended, or the whole node."""
        if (yield from self._nodes.answers_yet(self._node)):
            self.ended_by = f"its process on node {self._node.name} ended"
        else:
            self.lost, self.ended_by = True, gone(self._node.name)
