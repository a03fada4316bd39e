"""How long a command says nothing: run on a terminal of its own, the longest silences told.

    python benchmarks/silences.py [--most SECONDS] -- make study
    python benchmarks/silences.py -- spineseg run --set search.trials=1 --set confirm=null

Silence is time in which nothing at all is written: neither a line nor a tick of the live one. Told
for each: how long, after what, before what. Exit code 1 where one is longer than `--most` (3 s).
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TOLD = 5


@dataclass(frozen=True)
class Silence:
    """A time in which nothing was written."""

    seconds: float
    at: float  # Seconds since the command's start.
    after: str
    before: str


def listen(command: list[str], columns: int = 100) -> tuple[list[Silence], int, float]:
    """Run `command` on a terminal; return its silences, its exit code and its seconds."""
    here, there = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm"}
    start = last = time.monotonic()
    process = subprocess.Popen(
        command, stdin=there, stdout=there, stderr=there, env=environment, start_new_session=True
    )
    os.close(there)
    found, said = [], "(its start)"
    while True:
        ready, _, _ = select.select([here], [], [], 0.2)
        try:
            data = os.read(here, 65536) if ready else b""
        except OSError:  # Linux's word for a terminal that nobody holds any more.
            data = b""
            ready = [here]
        now = time.monotonic()
        text = _last_line(data)
        if data:
            found.append(Silence(now - last, last - start, said, text or said))
            last, said = now, text or said
        elif ready or process.poll() is not None:
            break
    code = process.wait()
    os.close(here)
    now = time.monotonic()
    found.append(Silence(now - last, last - start, said, "(its end)"))
    return found, code, now - start


def _last_line(data: bytes) -> str:
    text = _ESCAPES.sub("", data.decode(errors="replace"))
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    return lines[-1][:90] if lines else ""


def main() -> None:
    """Run the command that is named, and tell its longest silences."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=float, default=3.0, help="Seconds that are allowed.")
    parser.add_argument("command", nargs="+", help="What to run, after --.")
    asked = parser.parse_args()
    silences, code, seconds = listen(asked.command)
    longest = sorted(silences, key=lambda silence: -silence.seconds)[:_TOLD]
    print(f"{' '.join(asked.command)}: exit code {code} after {seconds:.1f} s")
    print(f"first word after {silences[0].seconds:.2f} s; the longest silences:")
    for silence in longest:
        print(f"{silence.seconds:6.2f} s at {silence.at:6.1f} s")
        print(f"         after  {silence.after}\n         before {silence.before}")
    sys.exit(longest[0].seconds > asked.most)


if __name__ == "__main__":
    main()
