"""The live line: ticks on a terminal, cut to its width; plain lines and few elsewhere."""

from __future__ import annotations

import io
import re

import pytest
from told_runs import Terminal

from spineseg.live_line import HEARTBEAT_SECONDS, LiveLine, broken, counting, doing, shown
from spineseg.workers import on_all_cores


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_terminal_a_long_silence_is_broken_and_nothing_else_is_added() -> None:
    clock, out = Clock(), io.StringIO()
    line = LiveLine(out, clock=clock)
    line.doing("comparing")
    line.say("one")
    clock.now = HEARTBEAT_SECONDS - 1
    line.beat()
    assert out.getvalue() == "one\n"
    clock.now = HEARTBEAT_SECONDS + 1
    line.beat()
    line.beat()
    assert out.getvalue() == "one\ncomparing  31 s\n"
    clock.now += HEARTBEAT_SECONDS + 1
    line.beat()  # Ever more seldom, until something happens.
    assert out.getvalue().count("\n") == 2
    line.say("two")
    clock.now += HEARTBEAT_SECONDS + 1
    line.beat()
    assert out.getvalue().endswith("two\ncomparing  93 s\n")


def test_whoever_stops_reading_ends_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    line = LiveLine(Closed())
    line.say("one")
    line.say("two")


def test_a_terminal_narrower_than_the_line_shows_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    out = Terminal()
    line = LiveLine(out)
    line.show(lambda: ["what is being done is long", "short"])
    line.begin()
    line.say("a line that stays is never cut, however long")
    line.close()
    text = re.sub(r"\x1b\[[0-9]*[A-Z]", "", out.getvalue())
    assert "what is being done …\nshort" in text.replace("\r", "")
    assert "a line that stays is never cut, however long\n" in text
    assert not text.endswith(("short", "…"))  # The cursor is on a fresh line.


def test_a_dumb_terminal_gets_no_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    line = LiveLine(out)
    line.begin()
    line.say("one")
    line.close()
    assert out.getvalue() == "one\n"


def test_what_is_counted_stands_behind_what_is_done() -> None:
    with shown("starting") as line:
        doing("scoring")
        assert [line.lines()[0][:20] for _ in counting("ab", 2, "film")] == [
            "scoring, film 1 of 2",
            "scoring, film 2 of 2",
        ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_line_wider_than_the_terminal_shows_all_of_its_clauses(width: int) -> None:
    clauses = ["[2/8] no-flips: training, epoch 2 of 3 12 s", "live 0.200 (baseline 0.100)"]
    line = "; ".join([*clauses, "60 s left"])
    shown = broken(line, width)
    assert max(map(len, shown)) <= width
    assert " ".join(part.strip() for part in shown) == line


def test_what_is_counted_is_named() -> None:
    with shown("looking for films that show the same picture", quiet=True) as line:
        for _ in on_all_cores(abs, [1, 2], few=2, name="pair"):
            pass
        assert "picture, pair 2 of 2" in line.lines()[0]
