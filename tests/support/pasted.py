"""Lines that a document tells its reader to paste, and the fresh folder to paste them in."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from command import ENVIRONMENT, ROOT

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.M | re.S)
SERVING_SECONDS = 180.0


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    file: str
    line: int
    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Its commands: what a backslash continues is one, comments are none."""
        joined = self.text.replace("\\\n", " ")
        stripped = [re.sub(r"\s+#\s.*", "", line).strip() for line in joined.splitlines()]
        return [line for line in stripped if line and not line.startswith("#")]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown file, in their order."""
    content = path.read_text()
    return [
        Block(
            str(path.relative_to(ROOT)),
            content.count("\n", 0, found.start()) + 1,
            found["language"],
            re.sub(rf"^{found['indent']}", "", found["text"], flags=re.M),
        )
        for found in _FENCE.finditer(content)
    ]


def indented_commands(path: Path) -> list[str]:
    """Return lines set as code by indentation that look like commands: no test would see them."""
    text = _FENCE.sub("", path.read_text())
    return re.findall(r"^ {4,}(?:make|spineseg|\.venv/bin/\S+|export|import|git) .*$", text, re.M)


def fresh_folder(target: Path) -> Path:
    """Return the project as a fresh clone has it, with an environment that is set up already."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(sys.prefix)
    ready = target / ".venv" / "ready"  # Made by `make setup`; the copies must not be newer.
    then = ready.stat().st_mtime - 60 if ready.exists() else time.time()
    for name in ("requirements.lock", "pyproject.toml"):
        os.utime(target / name, (then, then))
    return target


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return what the lines are run with: the folder's own code, and nothing of MLflow's."""
    path = f"{Path(sys.prefix) / 'bin'}:{ENVIRONMENT['PATH']}"
    own = {"PYTHONPATH": f"{folder}:{folder / 'src'}", "PATH": path, "HOME": str(folder.parent)}
    return {**ENVIRONMENT, **own, **more}


def pasted(
    text: str, folder: Path, env: dict[str, str], *, seconds: float = 1800
) -> subprocess.CompletedProcess[str]:
    """Run text as a shell does that it is pasted into; stdout and stderr come together."""
    return subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )


@contextlib.contextmanager
def at_work(line: str, folder: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a line that does not end by itself; Ctrl-C ends it, and all that it has started."""
    log = (folder.parent / "at-work.log").open("w+")
    process = subprocess.Popen(
        ["bash", "-c", line],
        cwd=folder,
        env=env,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def answers(process: subprocess.Popen[str], address: str) -> bool:
    """Return whether a page or a service answers at an address before its process ends."""
    deadline = time.monotonic() + SERVING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
        time.sleep(0.5)
    return False


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
