"""A training hangs when it is silent for longer than epochs take; real processes are looked at."""

from __future__ import annotations

import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import ENVIRONMENT
from run_folders import epoch, make_job
from told_runs import job, story, study, whole

from spineseg.config.limits import LimitsConfig
from spineseg.events import Event, Phase
from spineseg.files import is_locked
from spineseg.limits.watchdog import Watch, longest_epoch, process_state
from spineseg.places import LOCK_FILE

LIMITS = LimitsConfig(stalled_factor=10, stalled_minutes=30)
LEAST = 30 * 60.0
JOB = make_job()
STARTED = story(job(0, "baseline"))[0]
_EXIT = {"x86_64": 60, "aarch64": 93}  # Linux' number of `exit`, which ends one thread alone.
_LOCKED = """
import sys, time
from pathlib import Path
from spineseg.files import locked
with locked(Path(sys.argv[1])):
    print("at work", flush=True)
    while True:
        {work}
"""


class Clock:
    """Looks at a watch every half minute; says after how many seconds it raised the alarm."""

    def __init__(self, **about: float) -> None:
        self.now = 1000.0  # Of some steady clock: it says nothing of the time of day.
        self.watch = Watch(LIMITS, self.now, **about)

    def heard(self, *events: Event) -> Clock:
        for event in events:
            self.watch.heard(event, self.now)
        return self

    def silent(self, most: float, waits: bool = False) -> tuple[float, str] | None:
        since = self.now
        while self.now - since < most:
            self.now += 30
            said = self.watch.stalled(self.now, waits=waits)
            if said:
                return self.now - since, said
        return None


def an_epoch(seconds: float, number: int = 1) -> Event:
    return epoch(JOB, number).model_copy(update={"epoch_seconds": seconds})


def test_short_epochs_are_given_the_least_and_long_ones_their_multiple() -> None:
    assert Clock().heard(STARTED, an_epoch(20)).silent(1e5)[0] == LEAST + 30  # type: ignore[index]
    assert Clock().heard(STARTED, an_epoch(600)).silent(1e5)[0] == 6030  # type: ignore[index]


def test_the_longest_epoch_counts_and_not_the_last() -> None:
    clock = Clock().heard(STARTED, an_epoch(600), an_epoch(20, 2))
    assert clock.silent(6000) is None and clock.silent(60) is not None


def test_each_word_begins_the_silence_anew() -> None:
    clock = Clock().heard(STARTED)
    for number in range(1, 5):
        clock.heard(an_epoch(20, number))
        assert clock.silent(LEAST) is None
    clock.watch.reached(clock.now)
    assert clock.silent(LEAST) is None and clock.silent(60) is not None


def test_a_first_epoch_is_given_what_other_runs_took() -> None:
    assert Clock(longest_epoch=600).heard(STARTED).silent(6000) is None
    known = longest_epoch(study().baseline.with_(model="yolo11s-seg"), [whole(job(0, "baseline"))])
    assert known == pytest.approx(3.4) and longest_epoch(study().baseline, []) == 0


def test_a_first_epoch_of_hours_is_not_cut_off_where_nothing_is_known() -> None:
    assert Clock().heard(STARTED).silent(10 * LEAST) is None
    assert Clock().heard(STARTED).silent(10 * LEAST + 60) is not None


def test_while_it_is_the_drivers_turn_a_training_is_not_silent() -> None:
    clock = Clock().heard(STARTED, an_epoch(20))
    assert clock.silent(5 * LEAST, waits=True) is None
    assert clock.silent(LEAST) is None and clock.silent(60) is not None


def test_who_watches_may_sleep_for_a_night() -> None:
    """After Ctrl-Z, or on a laptop that was shut, the children have slept as well."""
    clock = Clock().heard(STARTED, an_epoch(20))
    clock.now += 30_000
    assert clock.watch.stalled(clock.now) is None
    assert clock.silent(LEAST - 90) is None and clock.silent(120) is not None


def test_the_clock_of_the_events_says_nothing() -> None:
    late = an_epoch(20).model_copy(update={"time": 1.0})
    assert Clock().heard(STARTED, late).silent(LEAST) is None


def test_the_words_say_where_it_hung_and_which_keys_allow_more() -> None:
    clock = Clock().heard(STARTED, an_epoch(20, 3), Phase(run=JOB.id, name="scoring"))
    found = clock.silent(1e5)
    assert found is not None
    assert found[1] == (
        "no word for 30 min (after epoch 3, scoring; its epochs take up to 20 s); a longer silence "
        "is allowed by limits.stalled_minutes and limits.stalled_factor"
    )
    nothing = Clock().silent(1e6)
    assert nothing is not None and "(starting; no epoch is known yet)" in nothing[1]


@contextmanager
def at_work(folder: Path, work: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock of a run's folder, as a child does."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LOCKED.format(work=work), str(folder / LOCK_FILE)],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "at work\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def alarm(folder: Path, least: float, most: float) -> str | None:
    """Watch a process that says nothing; return what is said within so many seconds."""
    limits = LimitsConfig(stalled_minutes=least / 60, stalled_factor=20)
    watch = Watch(limits, time.monotonic(), run_folder=folder)
    watch.heard(STARTED, time.monotonic())
    until = time.monotonic() + most
    while time.monotonic() < until:
        said = watch.stalled(time.monotonic())
        if said:
            return said
        time.sleep(0.05)
    return None


def test_before_its_first_epoch_an_idle_process_hangs_and_one_that_computes_does_not(
    tmp_path: Path,
) -> None:
    with at_work(tmp_path, "time.sleep(60)"):
        assert alarm(tmp_path, 0.4, 5) is not None
    with at_work(tmp_path, "pass"):
        assert alarm(tmp_path, 0.4, 1.5) is None


def test_a_process_that_computed_for_a_while_and_then_hangs_is_found_out(tmp_path: Path) -> None:
    lines = ("end = time.monotonic() + 1.5", "while time.monotonic() < end: pass", "time.sleep(60)")
    with at_work(tmp_path, "\n        ".join(lines)):
        assert alarm(tmp_path, 0.4, 7) is not None  # Busy, it would be given 8 seconds.


def test_a_stopped_process_is_told_as_such(tmp_path: Path) -> None:
    with at_work(tmp_path, "pass") as process:
        assert process_state(tmp_path) == ""
        process.send_signal(signal.SIGSTOP)
        said = alarm(tmp_path, 0.4, 10)
        process.send_signal(signal.SIGCONT)
    assert said is not None and "; it is stopped (SIGSTOP, Ctrl-Z; `kill -CONT`" in said


@pytest.mark.skipif(platform.machine() not in _EXIT, reason="the call's number is not known")
def test_a_process_whose_threads_outlive_it_is_a_zombie_that_holds_the_run(tmp_path: Path) -> None:
    """A main thread that is gone, and a thread in a driver's call that never returns."""
    work = (
        "import ctypes, threading;"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start();"
        f"ctypes.CDLL(None).syscall({_EXIT[platform.machine()]}, 0)"
    )
    with at_work(tmp_path, work):
        until = time.monotonic() + 10
        while not process_state(tmp_path) and time.monotonic() < until:
            time.sleep(0.05)
        assert is_locked(tmp_path / LOCK_FILE)
        assert "a zombie" in process_state(tmp_path)


def test_a_run_that_nobody_is_at_has_no_state(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text("1")
    assert process_state(tmp_path) == "" and process_state(tmp_path / "none") == ""
