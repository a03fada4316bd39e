"""One driver at a time for a study in Optuna's database: a lease, by the database's own clock."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Column, Connection, Double, Engine, Integer, String, Text

from spineseg.code_version import user_name
from spineseg.database import REFUSALS, refusing
from spineseg.errors import InUseError, StoreError
from spineseg.this_process import Process, this_process

LEASE_SECONDS, RENEWED_EVERY_SECONDS = 60.0, 10.0
_MOVED_SECONDS = 3600.0  # A file that another machine held: it was moved here, not shared.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # Counts while a laptop sleeps.
_NOW = {  # Seconds since the Unix epoch.
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) AS double precision)",
    "mysql": "UNIX_TIMESTAMP(NOW(6)) + 0e0",
}
_LEASES = sqlalchemy.Table(
    "spineseg_lease",
    sqlalchemy.MetaData(),
    Column("study", String(255), primary_key=True),
    Column("token", String(32), nullable=False),  # Empty: let go of.
    Column("host", String(255), nullable=False),
    Column("machine", String(255), nullable=False),
    Column("process", Integer, nullable=False),
    Column("began", String(64), nullable=False),
    Column("person", String(255), nullable=False),
    Column("root", Text, nullable=False),
    Column("taken", Double, nullable=False),
    Column("expires", Double, nullable=False),
)


class Lease:
    """A study held in Optuna's database against any other driver of it, wherever that runs.

    A thread renews it every `every` seconds for `seconds`, so that a driver whose database is away
    goes on: while nobody else can have taken the study nothing is said, then it is.
    """

    def __init__(
        self,
        engine: Engine,
        study: str,
        root: Path,
        *,
        say: Callable[[str], None] = lambda text: None,
        seconds: float = LEASE_SECONDS,
        every: float = RENEWED_EVERY_SECONDS,
        own_file: bool = False,
    ) -> None:
        """Prepare; `own_file`: the database is a file beside a lock that this process holds."""
        self._own_file = own_file
        self._engine, self._study, self._say = engine, study, say
        self._seconds, self._every = seconds, every
        self._here, self._token = this_process(), uuid.uuid4().hex
        self._mine = {
            "study": study,
            "token": self._token,
            **vars(self._here),
            "person": user_name(),
            "root": str(root.resolve()),
        }
        now = _NOW.get(self._engine.dialect.name)
        if now is None:
            raise StoreError(
                f"Optuna's store is a {self._engine.dialect.name} database, which two drivers "
                "cannot be kept apart on; store.optuna_url takes PostgreSQL, MySQL or SQLite"
            )
        self._now: Any = sqlalchemy.literal_column(now, Double)
        self._own = (_LEASES.c.study == study) & (_LEASES.c.token == self._token)
        self._heard, self._told_late = _clock(), False
        self._lost: InUseError | None = None
        self._asking = threading.Lock()
        self._letting_go = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def take(self) -> None:
        """Take the study, and keep it until `let_go`.

        Raises InUseError where another driver has it, or may have: its host, process, user and
        since when; StoreError where the database does not answer.
        """
        with refusing(str(self._engine.url)):
            self._make_table()
            while not self._taken():
                pass  # Another was quicker: who it is shows the next look.
        self._thread.start()

    def lost(self) -> InUseError | None:
        """Return that another has taken the study, where that is so; asks nobody."""
        return self._lost

    def renew(self) -> None:
        """Raise InUseError where another has taken the study. Never blocks: a thread renews it."""
        if self._lost is not None:
            raise self._lost

    def assure(self) -> None:
        """Raise InUseError where another has taken the study; ask, where that was long ago.

        For whoever is about to write: a process that was stopped, or had no database, may not have
        noticed. Raises StoreError where the database does not answer.
        """
        if _clock() - self._heard > 2 * self._every:
            with refusing(str(self._engine.url)):
                self._renewed()
        self.renew()

    def let_go(self) -> None:
        """Let another driver have the study at once; where the database is away, it ends itself."""
        self._letting_go.set()
        self._thread.join(5.0)

    def _keep(self) -> None:
        while not self._letting_go.wait(self._every) and self._lost is None:
            try:
                self._renewed()
            except REFUSALS:
                self._tell_late()
        with suppress(*REFUSALS), self._engine.begin() as connection:
            connection.execute(_LEASES.update().where(self._own).values(token=""))
        self._engine.dispose()

    def _tell_late(self) -> None:
        if _clock() - self._heard > self._seconds and not self._told_late:
            self._told_late = True
            self._say(
                f"Optuna's store has not answered for {self._seconds:.0f} s: another driver could "
                "take the study there by now; this one goes on"
            )

    def _make_table(self) -> None:
        try:
            _LEASES.create(self._engine, checkfirst=True)
        except sqlalchemy.exc.DBAPIError:
            if not sqlalchemy.inspect(self._engine).has_table(_LEASES.name):
                raise  # Else two made it at once.

    def _renewed(self) -> None:
        """Renew the lease, or notice who has it; one that is gone with its file is made anew."""
        with self._asking:
            asked = _clock()
            if asked - self._heard > 2 * self._every:
                self._make_table()  # The file may have been moved away.
            with self._engine.begin() as connection:
                until = self._now + self._seconds
                done = connection.execute(_LEASES.update().where(self._own).values(expires=until))
                if done.rowcount == 0:
                    row = self._row(connection)
                    if row is None:
                        connection.execute(_LEASES.insert().values(self._values()))
                    else:
                        self._lost = InUseError(
                            f"study {self._study!r} was taken over by {_whose(row)} while this "
                            "driver could not reach Optuna's store; it stops here, and that one "
                            "goes on"
                        )
            self._heard, self._told_late = asked, False

    def _values(self) -> dict[str, Any]:
        return {**self._mine, "taken": self._now, "expires": self._now + self._seconds}

    def _row(self, connection: Connection) -> Any:
        asked = sqlalchemy.select(_LEASES, self._now.label("now"))
        return connection.execute(asked.where(_LEASES.c.study == self._study)).one_or_none()

    def _taken(self) -> bool:
        """Take the study where it is free; False where another took or renewed it meanwhile."""
        asked = _clock()
        try:
            with self._engine.begin() as connection:
                row = self._row(connection)
                if row is None:
                    connection.execute(_LEASES.insert().values(self._values()))
                    taken = True
                else:
                    note = self._free(row)
                    as_seen = (_LEASES.c.study == self._study) & (_LEASES.c.token == row.token)
                    as_seen &= _LEASES.c.expires == row.expires
                    change = _LEASES.update().where(as_seen).values(self._values())
                    taken = connection.execute(change).rowcount == 1
                    if taken and note:
                        self._say(note)
        except sqlalchemy.exc.IntegrityError:
            return False
        self._heard = asked
        return taken

    def _free(self, row: Any) -> str:
        """Return what is to be said of a lease that may be taken. Raises InUseError for another."""
        if not row.token:
            return ""
        taken_over = f"study {self._study!r} is taken over from {_whose(row)}, which is gone"
        held = f"study {self._study!r} is in the hands of {_whose(row)}"
        holder = Process(row.host, row.machine, row.process, row.began)
        if self._here.counts_with(holder):
            if holder.is_gone():
                return taken_over
            raise InUseError(f"{held}; wait for it, or end that process and run again")
        left = row.expires - row.now
        apart = not self._own_file and not self._here.is_near(holder)
        if self._engine.dialect.name == "sqlite" and apart:
            if left > -_MOVED_SECONDS:
                raise InUseError(
                    f"{held}, on another machine, and a SQLite file cannot keep two machines "
                    "apart: give both a PostgreSQL database as store.optuna_url; or, where that "
                    "study has ended, move the file away (it is filled again) or wait "
                    f"{(left + _MOVED_SECONDS) / 60:.0f} minutes"
                )
            return taken_over
        if left > 0:
            raise InUseError(
                f"{held}; wait for it, or, where it has died, {left:.0f} s until its lease ends"
            )
        return taken_over


def _clock() -> float:
    return time.clock_gettime(_CLOCK)


def _whose(row: Any) -> str:
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.taken))
    who = f" of {row.person}" if row.person else ""
    return f"process {row.process}{who} on {row.host}, since {since}, with {row.root}"
