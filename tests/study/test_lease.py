"""One driver at a time for a study in Optuna's database: real processes, real databases."""

from __future__ import annotations

import getpass
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from group_server import postgresql
from lease_holder import Holder

from spineseg import this_process
from spineseg.database import engine_options
from spineseg.errors import InUseError, StoreError
from spineseg.lease import Lease

Hold = Callable[..., Holder]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.wide)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'optuna.db'}"
        return
    with postgresql() as address:
        yield address


@pytest.fixture
def hold(url: str) -> Iterator[Hold]:
    """Start holders that end with the test."""
    holders: list[Holder] = []

    def start(*words: Any, **told: Any) -> Holder:
        holders.append(Holder(url, *words, **told))
        return holders[-1]

    yield start
    for holder in holders:
        holder.end()


def test_a_second_driver_is_refused_with_who_has_it_and_let_in_when_that_ends(hold: Hold) -> None:
    first = hold()
    assert first.said == "taken"
    second = hold()
    assert second.process.wait(60) == 2
    for told in (
        f"refused: study 'small' is in the hands of process {first.process.pid} ",
        f"of {getpass.getuser()} on {socket.gethostname()}, since 20",
        "with /there; wait for it, or end that process",
    ):
        assert told in second.said
    assert first.asked() == "held"
    first.let_go()
    assert hold().said == "taken"


@pytest.mark.parametrize("reaped", [True, False])
def test_a_driver_that_was_killed_on_this_machine_is_followed_at_once(
    hold: Hold, reaped: bool
) -> None:
    first = hold()
    first.process.send_signal(signal.SIGKILL)
    if reaped:
        first.process.wait()
    else:  # Its parent may never ask how it ended.
        wait_until(lambda: state_of(first.process.pid) == "Z")
    second = hold()
    assert f"taken over from process {first.process.pid}" in second.said
    assert second.next_line() == "taken"


@pytest.mark.wide
def test_a_driver_that_died_elsewhere_is_followed_when_its_lease_has_ended(hold: Hold) -> None:
    first = hold("container", 4)
    first.end()
    second = hold("", 4)
    assert second.said.startswith("refused") and "where it has died, " in second.said
    time.sleep(4.5)
    third = hold()
    assert "taken over from process" in third.said and "on container" in third.said


@pytest.mark.wide
def test_a_driver_that_was_stopped_meanwhile_notices_that_another_has_the_study(
    hold: Hold,
) -> None:
    first = hold("container", 2, 0.2)
    first.process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    second = hold("", 60)
    assert "taken over" in second.said and second.next_line() == "taken"
    first.process.send_signal(signal.SIGCONT)
    wait_until(lambda: "refused" in first.asked())
    assert first.process.wait(60) == 2
    assert second.asked() == "held"


@pytest.mark.wide
def test_of_five_drivers_at_once_one_has_the_study(hold: Hold) -> None:
    holders = [hold(wait=False) for _ in range(5)]
    said = [holder.next_line().partition(":")[0] for holder in holders]
    assert sorted(said) == ["refused"] * 4 + ["taken"]


def own(file: Path, said: list[str], seconds: float = 60.0, every: float = 0.05) -> Lease:
    address, options = engine_options(f"sqlite:///{file}")
    engine = sqlalchemy.create_engine(address, **options)
    return Lease(engine, "small", file.parent, say=said.append, seconds=seconds, every=every)


def test_a_file_that_another_machine_holds_is_refused_and_names_postgresql(tmp_path: Path) -> None:
    file = tmp_path / "optuna.db"
    first = Holder(f"sqlite:///{file}", "elsewhere")
    first.let_go()
    said: list[str] = []
    lease = own(file, said)
    lease.take()  # It let go of it: a folder may go from machine to machine.
    lease.let_go()
    first = Holder(f"sqlite:///{file}", "elsewhere", 0.1)
    first.end()
    time.sleep(0.2)
    with pytest.raises(InUseError, match=r"on another machine, and a SQLite file .* PostgreSQL"):
        own(file, said).take()
    assert said == []
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE spineseg_lease SET expires = expires - 3600")
    lease = own(file, said)
    lease.take()
    lease.let_go()
    assert len(said) == 1 and "is taken over from process" in said[0] and "on elsewhere" in said[0]


def test_a_driver_goes_on_while_its_database_is_locked_and_says_so_once(tmp_path: Path) -> None:
    said: list[str] = []
    lease = own(tmp_path / "optuna.db", said, seconds=0.5)
    lease.take()
    with closing(sqlite3.connect(tmp_path / "optuna.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        wait_until(lambda: bool(said))
        began = time.monotonic()
        with pytest.raises(StoreError, match="locked"):
            lease.assure()  # It asks the database, where that was long ago.
        asked = time.monotonic()
        for _ in range(20):
            lease.renew()
            assert lease.lost() is None
        assert time.monotonic() - asked < asked - began
        other.execute("ROLLBACK")
    wait_until(lambda: row(tmp_path)["expires"] > row(tmp_path)["now"])
    lease.renew()
    lease.let_go()
    assert len(said) == 1 and "another driver could take the study there by now" in said[0]
    assert row(tmp_path)["token"] == ""


def test_a_lease_is_made_anew_where_its_file_was_moved_away(tmp_path: Path) -> None:
    lease = own(tmp_path / "optuna.db", [])
    lease.take()
    (tmp_path / "optuna.db").rename(tmp_path / "old.db")
    wait_until(lambda: (tmp_path / "optuna.db").exists() and row(tmp_path)["token"] != "")
    lease.assure()
    lease.let_go()


def test_a_process_of_another_user_that_cannot_be_looked_at_is_not_taken_for_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where /proc is mounted with hidepid, there is no stat of it."""
    monkeypatch.setattr(this_process, "Path", lambda word: Path(word.replace("/1/", "/none/")))
    mine = this_process.this_process()
    assert not this_process.Process(mine.host, mine.machine, 1, "12").is_gone()
    assert this_process.Process(mine.host, mine.machine, 2**22 + 1, "12").is_gone()


def row(folder: Path) -> dict[str, Any]:
    """Return the lease in a file; an empty one where there is none yet."""
    asked = "SELECT token, expires, (julianday('now') - 2440587.5) * 86400.0 FROM spineseg_lease"
    with closing(sqlite3.connect(folder / "optuna.db")) as database:
        try:
            found = database.execute(asked).fetchone()
        except sqlite3.OperationalError:
            found = None
    return dict(zip(("token", "expires", "now"), found or ("", 0.0, 1.0), strict=True))


def state_of(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")
