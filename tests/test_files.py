"""Locks: whose they are, and that nobody holds one for another."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_disk import small_disk

from spineseg.database import unusable
from spineseg.files import append_line, holder, is_locked, locked, without_password, write_whole


def test_a_fork_does_not_hold_the_lock_of_the_process_that_forked_it(tmp_path: Path) -> None:
    """As a process that loads films, and outlives its training by a while."""
    script = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from spineseg.files import locked\n"
        "with locked(Path(sys.argv[1])):\n"
        "    if fork := os.fork():\n"
        "        print(fork, flush=True)\n"
        "    time.sleep(60)\n"
    )
    lock = tmp_path / "lock"
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    fork = int(parent.stdout.readline())
    try:
        assert is_locked(lock) and (found := holder(lock)) and found.pid == parent.pid
        parent.kill()
        parent.wait(10)
        os.kill(fork, 0)  # It lives on.
        assert not is_locked(lock) and holder(lock) is None
    finally:
        os.kill(fork, signal.SIGKILL)
        parent.stdout.close()


def test_a_process_that_only_has_the_number_in_a_lock_is_not_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock) as free:
        assert free and (found := holder(lock)) and found.pid == os.getpid()
        lock.write_text(str(os.getppid()))
        assert holder(lock) is None
        lock.write_text("")
        assert holder(lock) is None
    assert holder(lock) is None and holder(tmp_path / "none") is None


def test_a_line_is_appended_whole_where_the_disk_takes_a_part_of_it(tmp_path: Path) -> None:
    """A disk that fills takes some bytes and says nothing; only the next write is refused."""
    log, full = tmp_path / "log", 4096
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from spineseg.files import append_line\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({full}, {full}))\n"
        "for number in range(18):\n"
        "    try:\n"
        "        append_line(Path(sys.argv[1]), f'{number} ' + 'x' * 500)\n"
        "    except OSError as error:\n"
        "        print(number, error.errno)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(log)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    lines = log.read_text().splitlines(keepends=True)
    assert [line.split()[0] for line in lines] == [str(n) for n in range(18 - len(told))]
    assert all(line.endswith("x\n") for line in lines) and 0 < len(told) < 18


def test_a_full_disk_is_told_and_leaves_no_half_of_a_line(tmp_path: Path) -> None:
    with small_disk(tmp_path, "64k"):
        log = tmp_path / "log"
        with pytest.raises(OSError, match="No space left") as told:
            for number in range(1000):
                append_line(log, json.dumps({"number": number, "text": "x" * 700}))
        assert told.value.errno == errno.ENOSPC
        lines = log.read_text().splitlines(keepends=True)
        assert [json.loads(line)["number"] for line in lines] == list(range(len(lines)))
        assert lines[-1].endswith("\n") and len(lines) > 50


def test_what_a_kill_left_of_a_file_goes_with_the_next_process_that_writes_there(
    tmp_path: Path,
) -> None:
    killed = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from spineseg.files import write_whole\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_whole(Path(sys.argv[1]), 'half')\n"
    )
    for name in ("worth", "stop"):
        done = subprocess.run([sys.executable, "-c", killed, str(tmp_path / name)], check=False)
        assert done.returncode == -signal.SIGKILL
    living, other = tmp_path / f".stop.{os.getppid()}.part", tmp_path / ".000-x.part"
    living.write_text("another's, at work")
    other.mkdir()
    assert len(list(tmp_path.glob(".*.part"))) == 3, "the second has cleared up after the first"
    write_whole(tmp_path / "attempt.json", "{}")
    assert {path.name for path in tmp_path.iterdir()} == {"attempt.json", living.name, other.name}


def test_lines_of_two_processes_stand_beside_each_other(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from spineseg.files import append_line\n"
        "for number in range(200):\n"
        "    append_line(Path(sys.argv[1]), sys.argv[2] * 300)\n"
    )
    log = tmp_path / "log"
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(log), letter]) for letter in "ab"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    lines = log.read_text().splitlines()
    assert sorted(lines) == ["a" * 300] * 200 + ["b" * 300] * 200


LOOKING = (
    "import sys\n"
    "from pathlib import Path\n"
    "from spineseg.files import is_locked\n"
    "print('ready', flush=True)\n"
    "while True:\n"
    "    is_locked(Path(sys.argv[1]))\n"
)


def test_whoever_looks_at_a_lock_without_pause_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    """Eight that look, as many a `status` beside a driver that looks ten times a second."""
    lock = tmp_path / "lock"
    lock.touch()
    lookers = [
        subprocess.Popen(
            [sys.executable, "-c", LOOKING, str(lock)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    try:
        assert all(looker.stdout and looker.stdout.readline() for looker in lookers)
        descriptor = os.open(lock, os.O_RDWR)
        refused = 0
        for _ in range(2000):  # As `locked` begins, without its patience.
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            except BlockingIOError:
                refused += 1
        os.close(descriptor)
        assert refused == 0
    finally:
        for looker in lookers:
            looker.kill()
            looker.wait(10)
            looker.stdout.close()  # type: ignore[union-attr]


def test_a_lock_can_be_looked_at_by_whoever_may_only_read_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock):
        lock.chmod(0o444)
        assert is_locked(lock)
        with locked(lock) as free:
            assert not free
        assert is_locked(lock)
    assert not is_locked(lock)


def test_a_lock_that_is_held_for_one_that_is_dead_is_waited_for(tmp_path: Path) -> None:
    """As by what is left of a killed training while its memory is given back."""
    script = (
        "import fcntl, os, sys, time\n"
        "from spineseg import files\n"
        "descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(descriptor, fcntl.LOCK_EX)\n"
        "files._mark(descriptor)\n"
        "os.write(descriptor, b'999999999')\n"
        "print('held', flush=True)\n"
        "time.sleep(1.5)\n"
    )
    lock = tmp_path / "lock"
    dying = subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert dying.stdout and dying.stdout.readline()
    with locked(lock) as free:
        assert free and (found := holder(lock)) and found.pid == os.getpid()
    dying.wait(10)
    dying.stdout.close()


@pytest.mark.parametrize(
    ("address", "blotted"),
    [
        ("http://me:hush@host:5000/x", "http://***@host:5000/x"),
        ("postgresql://me:pa/hush@host/db", "postgresql://***@host/db"),
        ("http://me:p@hush@host", "http://***@host"),
        ("http://me:p@a/hush?@host", "http://***@host"),
        ("http://hush@host", "http://***@host"),
        ("postgresql+psycopg://host/db?password=hush", "postgresql+psycopg://host/db?password=***"),
        ("http://host/x?sslpassword=hush&a=1", "http://host/x?sslpassword=***&a=1"),
        ("http://host/x?api_key=hush", "http://host/x?api_key=***"),
    ],
)
def test_no_password_of_an_address_is_in_what_is_said_of_it(address: str, blotted: str) -> None:
    said = f"{address}: no answer, nor of http://other:80/a, so wait; ask a@b.de"
    assert without_password(said) == said.replace(address, blotted)
    # As the address of the store, and in the words of the library, which cut it off somewhere.
    for cut in (0, 199 - len(address)):
        told = str(unusable(address, ValueError(f"{'.' * cut} {address} is bad")))
        assert "hush" not in told and "***" in told


@pytest.mark.parametrize(
    "text",
    ["http://host:5000/#/experiments/1", "https://host/a@b", "models:/a@b", "sqlite:///a:b@c"],
)
def test_what_holds_no_password_is_said_whole(text: str) -> None:
    assert without_password(text) == text
