"""What is being done now: a line that ticks on a terminal, plain lines now and then elsewhere.

A process has one terminal, so there is one such line; whatever is printed meanwhile stands above.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO, TypeVar

QUIET_SECONDS = 15.0  # Between two lines of one work, where there is no terminal.
HEARTBEAT_SECONDS = 30.0  # Where there is no terminal: the first, then ever more seldom, up to
_RAREST_SECONDS = 600.0  # this: a log must neither fill nor seem dead.
_TICKS = 2.0  # A second: a line that skips no second on a busy machine.
Item = TypeVar("Item")


class LiveLine:
    """Lines that stay, and below them, until it is closed, what is being done.

    What stays goes to `said`; what ticks goes there too if that is a terminal, else to `out`.
    """

    def __init__(
        self,
        said: TextIO | None = None,
        out: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._said = said or sys.stdout
        self.on_terminal = _is_terminal(self._said)  # Whether all that is said is seen at once.
        self._out = self._said if self.on_terminal or out is None else out
        self._clock = clock
        self._what, self._since, self._counted = "", clock(), ""
        self._more: Callable[[], list[str]] = list
        self._told = clock()  # When something was last written, where there is no terminal.
        self._patience = HEARTBEAT_SECONDS
        self._live: Any = None
        self._before = sys.stdout, sys.stderr
        self._gone: set[TextIO] = set()  # Their readers.
        self._writing = threading.Lock()
        self._closed = threading.Event()

    def begin(self) -> None:
        """Tick from now on, until `close`."""
        if _is_terminal(self._out):
            self._live = _terminal(self._out, self.lines)
            self._before = sys.stdout, sys.stderr
            _print_above(self._live.console)
            self._live.start(refresh=True)
        else:
            threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def close(self) -> None:
        """Leave the cursor at the beginning of an empty line; what is said later is plain."""
        self._closed.set()
        live, self._live = self._live, None
        if live is not None:
            sys.stdout, sys.stderr = self._before
            with suppress(OSError):  # The terminal is gone.
                live.stop()

    def _outlive_terminal(self) -> None:
        """Where the terminal was closed meanwhile: no line that ticks any more, but plain ones."""
        live = self._live
        if live is None or _is_terminal(self._out):
            return
        self._live, self.on_terminal = None, False
        live.transient = False  # There is nothing to wipe.
        sys.stdout, sys.stderr = self._before
        with suppress(OSError):
            live.stop()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def say(self, text: str) -> None:
        """Print lines that stay. Whoever is to read them may be gone: nothing ends by that."""
        self._outlive_terminal()
        live = self._live
        if live is not None and self.on_terminal:
            with suppress(OSError):  # The terminal is gone; what is under way goes on.
                live.console.print(text)
        else:
            self._patience = HEARTBEAT_SECONDS
            self._write(text, self._said)

    def _write(self, text: str, to: TextIO) -> None:
        with self._writing:
            self._told = self._clock()
            if to not in self._gone:
                try:
                    to.write(text + "\n")
                    to.flush()
                except OSError:
                    self._gone.add(to)

    def doing(self, what: str) -> None:
        """Name what is being done from now on."""
        self._what, self._since, self._counted = what, self._clock(), ""
        self.refresh()

    def counted(self, text: str) -> None:
        """Say how far that is: "film 3 of 20"."""
        self._counted = f", {text}"

    def show(self, more: Callable[[], list[str]]) -> None:
        """Show the lines that `more` gives, wherever it gives some, instead of what is done."""
        self._more = more
        self.refresh()

    def refresh(self) -> None:
        """Write the line again now."""
        self._outlive_terminal()
        if self._live is not None:
            with suppress(OSError):
                self._live.refresh()

    def lines(self) -> list[str]:
        """Return what is shown now."""
        more = self._more()
        if more or not self._what:
            return more
        return [f"{self._what}{self._counted}  {self._clock() - self._since:.0f} s"]

    def quiet_for(self, seconds: float) -> bool:
        """Return whether nothing was written for so long."""
        return self._clock() - self._told > seconds

    def beat(self) -> None:
        """Tell what is being done, where nothing was told for long."""
        lines = self.lines()
        if lines and self.quiet_for(self._patience):
            self._patience = min(2 * self._patience, _RAREST_SECONDS)
            self._write("\n".join(lines), self._out)

    def _beat(self) -> None:
        while not self._closed.wait(1.0):
            self.beat()


def _is_terminal(out: TextIO) -> bool:
    return out.isatty() and os.environ.get("TERM") != "dumb"


def broken(line: str, width: int) -> list[str]:
    """Return a line in as many as it takes to show all of its clauses, which end in "; "."""
    found, *rest = line.split("; ")
    lines = [found]
    for clause in rest:
        longer = f"{lines[-1]}; {clause}"
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines[-1] += ";"
            lines.append(f"    {clause}")
    return lines


def _terminal(out: TextIO, lines: Callable[[], Sequence[str]]) -> Any:
    """Return rich's live display of `lines`, each broken to the terminal's width."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    class Plain(Console):
        """A console that decorates nothing and breaks no line."""

        def show_cursor(self, show: bool = True) -> bool:
            """Leave the cursor: a killed process could not bring it back."""
            return False

    console = Plain(
        file=out, color_system=None, markup=False, emoji=False, highlight=False, soft_wrap=True
    )
    return Live(
        console=console,
        get_renderable=lambda: Text(
            "\n".join(part for line in lines() for part in broken(line, console.width)),
            no_wrap=True,
            overflow="ellipsis",
            end="",
        ),
        refresh_per_second=_TICKS,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _print_above(console: Any) -> None:
    """Let what anyone prints on the terminal stand above the line."""
    from rich.file_proxy import FileProxy

    class Above(FileProxy):
        """Rich's own, with what click asks a stream for before it writes to it."""

        encoding = "utf-8"
        errors = "replace"

    if sys.stdout.isatty():
        sys.stdout = Above(console, sys.stdout)
    if sys.stderr.isatty():
        sys.stderr = Above(console, sys.stderr)


_shown: LiveLine | None = None


def live_line() -> LiveLine:
    """Return the line that is shown, or one that is not, for what is said to stay."""
    return _shown or LiveLine()


@contextmanager
def shown(what: str, *, quiet: bool = False) -> Iterator[LiveLine]:
    """Show the line meanwhile; with `quiet` nothing of it goes to standard output."""
    global _shown
    if _shown is not None:
        yield _shown
        return
    _shown = line = LiveLine(sys.stderr if quiet else sys.stdout, sys.stderr)
    line.doing(what)
    line.begin()
    try:
        yield line
    finally:
        _shown = None
        line.close()


def doing(what: str) -> None:
    """Name what is being done from now on, where a line is shown."""
    if _shown is not None:
        _shown.doing(what)


def counting(items: Iterable[Item], total: int, name: str = "") -> Iterator[Item]:
    """Yield `items`, and tell how far it is where a line is shown: "film 3 of 20"."""
    for number, item in enumerate(items, start=1):
        if _shown is not None:
            _shown.counted(f"{name} {number} of {total}".strip())
        yield item
