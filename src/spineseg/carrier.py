"""Brings what the run folders say to a store: in a thread of its own, at the store's own pace.

The folders are the record, so nothing is lost while a store is slow, hangs or is away: it is asked
again, ever less often, and what it misses follows. Whoever brings news never waits for it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from spineseg.carrier_news import News, Notes, Silence
from spineseg.carrier_news import Target as Target
from spineseg.errors import RefusedError, SpinesegError, StoreError
from spineseg.files import without_password
from spineseg.job import Job

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0  # Between two tries at a store.
_TIMES_LONGER = 20  # A close may take so many times its seconds, of a store that takes things.
_SILENT_SECONDS = 60.0  # A request that gets no answer for so long is told, and goes on.
_MOST_REASON = 300
_NEVER = float("inf")
log = logging.getLogger(__name__)


class Carrier:
    """One store's carrier. Nothing that happens in it is raised into the loop that feeds it."""

    def __init__(
        self,
        target: Target,
        name: str,
        say: Callable[[str], None],
        *,
        pace_seconds: float = 2.0,
    ) -> None:
        """Prepare to carry to `target`; `say` tells a person in a line, from any thread.

        A run that goes on is carried at most every `pace_seconds`, later less often.
        """
        self._target, self._name, self._say, self._pace = target, name, say, pace_seconds
        self._changed = threading.Condition()
        self._news: dict[Path, News] = {}
        self._notes = Notes()
        self._current: Path | None = None
        self._opened = self._away = self._closing = self._stopped = False
        self._more = True  # Whether `idle` may have something to do.
        self._tries, self._not_before, self._done = 0, 0.0, 0
        self._began, self._heard, self._took = _NEVER, Silence(), Silence()
        self._answers, self._trusted = 0, True  # Whether what it answers ends in its taking things.
        self._answered = threading.Event()
        self._refusal: StoreError | None = None
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._work, name=f"carrier {name}", daemon=True)

    def start(self) -> None:
        """Begin; the store is opened in the thread."""
        self._thread.start()

    def first_answer(self, seconds: float) -> StoreError | None:
        """Wait, at most so long, until the store was opened once or was not; return why not."""
        self._answered.wait(seconds)
        return self._refusal

    def news(self, folder: Path, job: Job, *, ended: bool = False) -> None:
        """Say that something happened in a run; what, its log tells. Never blocks."""
        with self._changed:
            self._news.setdefault(folder, News(job)).happened(ended=ended)
            self._changed.notify_all()
        lasted = time.monotonic() - self._began
        heard = (self._done, self._answered_so_far())
        if not self._away and min(lasted, self._heard.seconds(heard)) > _SILENT_SECONDS:
            self._goes_away(f"no answer for {_SILENT_SECONDS:.0f} s")

    def note(self, work: Callable[[], object], kind: str = "") -> None:
        """Have something further done once the store answers; the latest of a kind counts."""
        with self._changed:
            self._notes.put(kind, work)
            self._changed.notify_all()

    def close(self, seconds: float, most_seconds: float | None = None) -> list[str]:
        """Wait until all is taken; return the names of the runs that are not.

        Ends after `seconds` in which the store took nothing, and after `most_seconds` (by default
        20 times as many) in any case. Its answers count as taking until it has failed at something.
        """
        most = _TIMES_LONGER * seconds if most_seconds is None else most_seconds
        with self._changed:
            self._closing, self._not_before, self._tries = True, 0.0, 0
            for news in self._news.values():
                news.waits, news.refused = news.waits or news.refused, False  # Once more.
                news.not_before = 0.0
            self._changed.notify_all()
        begun = time.monotonic()
        while self._thread.is_alive() and (lasted := time.monotonic() - begun) < most:
            if self._trusted:  # Else it answers, as when it is opened anew, and takes nothing.
                self._answers = self._answered_so_far()
            if min(lasted, self._took.seconds((self._done, self._answers))) >= seconds:
                break
            self._thread.join(0.05)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            held = self._news.items()
            missed = [n.job.name for f, n in held if n.waits or n.refused or f == self._current]
        return list(dict.fromkeys([*missed, *getattr(self._target, "left", ())]))

    def _answered_so_far(self) -> int:
        return int(getattr(self._target, "answers", 0))

    def _work(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        """Do the most urgent piece, or wait for one; False where all is done and none follows."""
        with self._changed:
            if self._stopped:
                return False
            now = time.monotonic()
            if now < self._not_before:
                self._changed.wait(self._not_before - now)
                return True
            folder = self._most_urgent(now) if self._opened else None
            news = self._news[folder] if folder else None
            note = self._notes.first() if self._opened and not news else None
            if news is not None:
                self._current, news.waits, news.carried = folder, False, now
            elif self._opened and note is None and not self._more:
                if self._closing:
                    return False
                self._changed.wait(self._seconds_to_next(now))
                return True
        if not self._opened:
            self._open()
        elif folder and news:
            self._carry(folder, news)
        elif note is not None:
            self._do_note(*note)
        else:
            self._idle()
        return True

    def _most_urgent(self, now: float) -> Path | None:
        due = {folder: n.due(self._pace) for folder, n in self._waiting().items()}
        first = min(due, key=due.__getitem__, default=None)
        return first if first and (self._closing or due[first] <= now) else None

    def _seconds_to_next(self, now: float) -> float | None:
        ahead = [news.due(self._pace) - now for news in self._waiting().values()]
        return max(min(ahead), 0.0) if ahead else None

    def _waiting(self) -> dict[Path, News]:
        """Return the runs to be carried; refused ones too, later, but at the close only once."""
        again = not self._closing
        return {f: n for f, n in self._news.items() if n.waits or (again and n.refused)}

    def _open(self) -> None:
        if self._tried(self._target.open, "the study") == "done":
            self._opened = self._more = True
            if not self._anything_waits():
                self._went_well()
        self._answered.set()

    def _anything_waits(self) -> bool:
        """Return whether a piece that is taken is still to tell whether the store is back."""
        with self._changed:
            return bool(self._notes) or any(n.waits or n.refused for n in self._news.values())

    def _carry(self, folder: Path, news: News) -> None:
        name, suspect = folder.name, news.suspect
        how = self._tried(lambda: self._target.carry(folder, news.job), name, suspect=suspect)
        with self._changed:
            self._current, self._more = None, True
            news.went(how, _FIRST_PAUSE_SECONDS)
            if how == "done" and news.ended and not news.waits:
                del self._news[folder]
        if how == "done":
            self._went_well()

    def _do_note(self, kind: str, work: Callable[[], object]) -> None:
        how = self._tried(work, "a note", suspect=self._notes.suspect(kind))
        with self._changed:
            self._notes.went(kind, work, how)
        if how == "done":
            self._went_well()

    def _idle(self) -> None:
        more: list[bool] = []
        how = self._tried(lambda: more.append(self._target.idle()), "all of the study")
        self._more = how == "away" or any(more)
        if how == "done" and (any(more) or not self._anything_waits()):
            self._went_well()

    def _tried(
        self, piece: Callable[[], object], what: str, *, suspect: bool = False
    ) -> Literal["done", "away", "refused"]:
        """Do a piece and say how it went; what stands in its way is told once.

        Of what is `suspect` a failure of the store is that piece's own: it opened in between.
        """
        error: Exception
        try:
            self._began = time.monotonic()
            piece()
            return "done"
        except StoreError as caught:
            error = caught
            if what == "the study" and not self._answered.is_set():
                self._refusal = caught
        except (SpinesegError, OSError) as caught:
            error = caught
        except Exception as caught:
            error = caught
            if repr(error) not in self._told:
                log.exception("a defect in what carries the study to %s", self._name)
                self._told.add(repr(error))
        finally:
            self._began = _NEVER
        outage = isinstance(error, StoreError) and not isinstance(error, RefusedError)
        if outage or not self._opened:  # Not opened, whyever: nothing can be carried.
            self._is_away(error, suspect=suspect)
            if not suspect:
                return "away"
        words = f"{self._name} did not take {what}: {_in_a_line(error)}"
        if words not in self._told:
            self._told.add(words)
            log.warning("%s", words)
        return "refused"

    def _is_away(self, error: Exception, *, suspect: bool = False) -> None:
        """Have the store opened anew after a pause; told where it does not open, or fails again."""
        was_opened, self._opened, self._trusted = self._opened, False, False
        pause = min(_FIRST_PAUSE_SECONDS * 2**self._tries, _LONGEST_PAUSE_SECONDS)
        if suspect:
            pause = _FIRST_PAUSE_SECONDS
        else:
            self._tries = min(self._tries + 1, 10)
        # Many studies ask one server: not all at the same moment.
        self._not_before = time.monotonic() + pause * random.uniform(0.7, 1.0)
        if not (self._away or suspect) and (self._tries > 1 or not was_opened):
            self._goes_away(_in_a_line(error))

    def _goes_away(self, reason: str) -> None:
        self._away = True
        self._tell(
            f"{self._name} does not take the study's record now ({reason}); the trainings go on, "
            "and what it misses follows when it does"
        )

    def _went_well(self) -> None:
        self._tries, self._done, self._trusted = 0, self._done + 1, True
        if self._away:
            self._away = False
            self._tell(f"{self._name} takes the study's record again: what it missed follows")

    def _tell(self, words: str) -> None:
        try:
            self._say(words)
        except Exception:
            log.exception("%s", words)


def _in_a_line(error: Exception) -> str:
    words = without_password(" ".join(str(error).split())) or type(error).__name__
    return words if len(words) <= _MOST_REASON else f"{words[:_MOST_REASON]} .."
