"""How far a long list of films is: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Protocol

import click

from spineseg.live_line import QUIET_SECONDS
from spineseg.run_times import duration


class Step(Protocol):
    """One film that is done, of a list."""

    @property
    def number(self) -> int:
        """Its place, from 1."""

    @property
    def of(self) -> int:
        """How many there are."""

    @property
    def answer(self) -> dict[str, Any]:
        """What its JSON file holds; with `error` for a film that is none."""

    def text(self) -> str:
        """Return in a line what came of it."""


_FEW = 20
"""So many films get a line each."""
_FIRST_SECONDS = 3.0  # Nobody waits longer for a first sign of life.


class FilmProgress:
    """Shows films as they are done; with `as_json` on stderr, and their answers on stdout.

    Answers are one JSON list, printed film by film, so that none is kept in memory.
    """

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._stream = sys.stderr if as_json else sys.stdout
        self._bar: Any = None
        self._begun = self._last = time.monotonic()
        self._quiet = _FIRST_SECONDS

    def __enter__(self) -> FilmProgress:
        return self

    def __exit__(self, error: object, *more: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()
        if self._as_json and error is None:
            click.echo("]")

    def show(self, step: Step) -> None:
        """Show one film more: by a line where films are few, and where one could not be read."""
        if self._as_json:
            click.echo(("[" if step.number == 1 else ",\n") + json.dumps(step.answer), nl=False)
        if step.of <= _FEW or step.answer.get("error"):
            if self._bar is not None:
                click.echo("\r\x1b[K", nl=False, file=self._stream)
            click.echo(step.text(), file=self._stream)
        if step.of <= _FEW:
            return
        if self._stream.isatty():
            self._advance(step)
        elif time.monotonic() - self._last > self._quiet or step.number == step.of:
            self._quiet, self._last = QUIET_SECONDS, time.monotonic()
            click.echo(self._line(step), file=self._stream)

    def _advance(self, step: Step) -> None:
        if self._bar is None:
            self._bar = click.progressbar(
                length=step.of, label="films", file=self._stream, show_pos=True, width=30
            )
        self._bar.update(1)

    def _line(self, step: Step) -> str:
        seconds = time.monotonic() - self._begun
        left = seconds / step.number * (step.of - step.number)
        end = f", {duration(left)} left" if step.number < step.of else ""
        return f"{step.number:,} of {step.of:,} films, {step.number / seconds:.1f} a second{end}"
