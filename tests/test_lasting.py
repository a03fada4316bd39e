"""What is printed outlives a terminal that is closed and a disk that is full."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_disk import grow, small_disk

STUDY = """
import os, signal, sys, time
from pathlib import Path
import click
from spineseg.commands.ending import run_to_its_end
from spineseg.lasting import outliving_terminal
from spineseg.live_line import shown

@click.command()
@click.argument("place")
def study(place):
    place = Path(place)
    with outliving_terminal(place / "terminal.log"), shown("training") as line:
        line.say("begun")
        (place / "begun").touch()
        while not (place / "closed").exists():
            time.sleep(0.01)
        for number in range(3):
            time.sleep(0.6)  # The line ticks meanwhile.
            line.say(f"epoch {number}")
            print(f"printed {number}")
            click.echo(f"warned {number}", err=True)
    click.echo("compared")
    (place / "hung up").write_text(str(signal.getsignal(signal.SIGHUP)))
    (place / "done").touch()

run_to_its_end(study)
"""


@pytest.mark.parametrize("how", ["controlling", "in the background"])
def test_a_study_goes_on_when_its_terminal_is_closed_and_says_so_in_its_folder(
    tmp_path: Path, how: str
) -> None:
    (tmp_path / "study.py").write_text(STUDY)
    told = [sys.executable, str(tmp_path / "study.py"), str(tmp_path)]
    if how == "controlling":  # Closing it sends SIGHUP, too.
        child, master = pty.fork()
        if not child:
            os.execv(sys.executable, told)
    else:
        master, slave = pty.openpty()
        child = subprocess.Popen(told, stdin=slave, stdout=slave, stderr=slave).pid
        os.close(slave)
    wait_for(tmp_path / "begun")
    os.read(master, 10_000)
    os.close(master)
    (tmp_path / "closed").touch()
    _, status = os.waitpid(child, 0)
    assert (os.waitstatus_to_exitcode(status), (tmp_path / "done").exists()) == (0, True)
    log = (tmp_path / "terminal.log").read_text()
    first, rest = log.split("\n", 1)
    assert re.search(rf"the terminal is closed; process {child} goes on, and speaks here", first)
    said = re.findall(r"(?:epoch|printed|warned) \d|compared", rest)
    words = ("epoch", "printed", "warned")
    assert said[-7:] == [*(f"{word} {n}" for n in (1, 2) for word in words), "compared"]
    assert log.count("the terminal is closed") == 1 and len(said) >= 9, log
    assert "\x1b" not in rest.split("epoch 1")[1]


def wait_for(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not come in time"
        time.sleep(0.01)


def test_lines_that_find_no_room_are_dropped_and_counted_and_end_nothing(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from spineseg.lasting import print_into\n"
        "place = Path(sys.argv[1])\n"
        "inside = sys.stdin\n"
        "print_into(place / 'train.log')\n"
        "print('begun')\n"
        "(place / 'ballast').write_bytes(b'')\n"
        "with open(place / 'ballast', 'wb', 0) as ballast:\n"
        "    try:\n"
        "        while True:\n"
        "            ballast.write(b'x' * 4096)\n"
        "    except OSError:\n"
        "        pass\n"
        "for number in range(100):\n"
        "    print('y' * 100, flush=True)\n"
        "(place.parent / 'full').touch()\n"
        "inside.readline()\n"
        "print('room again', flush=True)\n"
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "64k"):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(disk)], stdin=subprocess.PIPE, text=True
        )
        wait_for(tmp_path / "full")
        grow(disk, "1m")
        child.communicate("\n", timeout=60)
        log = (disk / "train.log").read_text()
    assert child.returncode == 0 and log.startswith("begun\n") and log.endswith("room again\n")
    found = re.search(r"\[(\d+) bytes of this log found no room on the disk\]", log)
    assert found and int(found[1]) + log.count("y") + log.count("y\n") >= 100 * 101 - 1
