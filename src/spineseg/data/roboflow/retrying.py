"""Whom to ask again and when: a busy server, a broken connection, one that names its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import requests

RETRY_SECONDS = (2.0, 8.0, 20.0)  # Waits before another try, where the server names none.
MOST_WAIT_SECONDS = 120.0  # A server that asks for a longer rest ends the command.
ENOUGH_BYTES = 1024**2  # A try that brought so much is no failure: the count begins anew.
_PASSING = (408, 429, 500, 502, 503, 504)
_MOST_SECONDS = 365 * 86400.0
Say = Callable[[str], None]
T = TypeVar("T")


class Refused(Exception):
    """A server answered with an error status; `wait_seconds` where it said when to come again."""

    def __init__(self, answer: requests.Response) -> None:
        self.status = answer.status_code
        self.wait_seconds = _asked_wait(answer)
        super().__init__(f"Roboflow is busy or stumbles ({self.status})")


class Broken(Exception):
    """A connection that could not be made, broke, or brought too little; says which."""


def tried(ask: Callable[[], T], say: Say, reached: Callable[[], int] = lambda: 0) -> T:
    """Return what `ask` gives, asked again where it may help; `reached`: bytes that are there.

    Raises the last Refused or Broken: after all tries in a row that brought little, at a refusal
    that time does not mend, or where the server asks for a rest longer than MOST_WAIT_SECONDS.
    """
    failures, best = 0, reached()
    while True:
        try:
            return ask()
        except (Refused, Broken) as error:
            if reached() >= best + ENOUGH_BYTES:
                failures, best = 0, reached()
            asked = error.wait_seconds or 0.0 if isinstance(error, Refused) else 0.0
            lasting = isinstance(error, Refused) and error.status not in _PASSING
            if lasting or failures == len(RETRY_SECONDS) or asked > MOST_WAIT_SECONDS:
                raise
            wait = max(asked, RETRY_SECONDS[failures])
            failures += 1
            say(f"{error}; trying again in {wait:.0f} s")
            time.sleep(wait)


def _asked_wait(answer: requests.Response) -> float | None:
    """Return the seconds of an answer's Retry-After, a number or a date, if it has a sound one."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _MOST_SECONDS)
    until = _date(text)
    if until is None:
        return None
    now = _date(answer.headers.get("Date", "")) or datetime.now(UTC)  # Its clock, rather than ours.
    return min(max((until - now).total_seconds(), 0.0), _MOST_SECONDS)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
