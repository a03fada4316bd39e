"""A driver as far as its lease goes: a real process that takes one, here or as another host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from command import ENVIRONMENT

_CODE = """
import dataclasses, sys, time
from pathlib import Path
import sqlalchemy
from spineseg import lease
from spineseg.database import engine_options
from spineseg.errors import InUseError
url, host, seconds, every = sys.argv[1:]
me = lease.this_process()
if host == "container":
    boot = me.machine.partition(" ")[0]
    me = dataclasses.replace(me, host=host, machine=f"{boot} pid:[1]")
elif host:
    me = dataclasses.replace(me, host=host, machine="another-start pid:[1]")
lease.this_process = lambda: me
address, options = engine_options(url)
engine = sqlalchemy.create_engine(address, **options)
say = lambda text: print("says:", text, flush=True)
held = lease.Lease(
    engine, "small", Path("/there"), say=say, seconds=float(seconds), every=float(every)
)
try:
    held.take()
    print("taken", flush=True)
    while sys.stdin.readline() == "go on\\n":
        held.renew()
        print("held", flush=True)
except InUseError as error:
    print("refused:", error, flush=True)
    sys.exit(2)
held.let_go()
"""


class Holder:
    """A process that took the study's lease, or was refused."""

    def __init__(
        self,
        url: str,
        host: str = "",
        seconds: float = 60.0,
        every: float = 0.1,
        *,
        wait: bool = True,
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CODE, url, host, str(seconds), str(every)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            cwd=Path(__file__).parent,
        )
        self.said = self.next_line() if wait else ""

    def next_line(self) -> str:
        """Return the next that it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def until(self, words: str) -> str:
        """Return the next line that has these words."""
        while words not in (line := self.next_line()):
            assert line, f"it ended and never said {words!r}"
        return line

    def asked(self) -> str:
        """Return what it says when it looks whether it still holds the study."""
        self._write("go on\n")
        return self.next_line()

    def let_go(self) -> None:
        """Let it end as a driver does."""
        self._write("end\n")
        assert self.process.wait(60) == 0

    def _write(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
