"""A tracking server as a group runs it: PostgreSQL, logins, artifacts served; all on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow_server import Server, free_port

ADMIN, PASSWORD = "leader", "a-password-of-a-group"
_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


class PostgreSQL:
    """A PostgreSQL of its own in a folder, on loopback, that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self._prefix = as_nobody if os.geteuid() == 0 else []  # It refuses to run as root.
        if self._prefix:
            shutil.chown(folder, "nobody", "nogroup")

    def make(self) -> None:
        """Make its files."""
        self._run("initdb", "-D", "data", "-U", "study", "-A", "trust", "-N")

    def start(self) -> None:
        """Start it; it answers then."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        )
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, as a machine does that goes down."""
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    def database(self, name: str, scheme: str = "postgresql+psycopg2") -> str:
        """Return the address of an empty database."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "study", name)
        return f"{scheme}://study@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *words: str) -> None:
        command = [*self._prefix, str(_PROGRAMS[-1] / program), *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr


@contextmanager
def postgresql_server() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL of its own."""
    if not _PROGRAMS:
        pytest.skip("no PostgreSQL here; on Debian: apt-get install postgresql")
    # Not pytest's folder: the database's own user may not enter that of root.
    folder = Path(tempfile.mkdtemp(prefix="spineseg-postgresql-"))
    server = PostgreSQL(folder)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL of its own; gives the address of an empty database."""
    with postgresql_server() as server:
        yield server.database("tracking")


class GroupServer(Server):
    """An MLflow server over a database, its artifacts served, with logins where asked."""

    def __init__(self, folder: Path, database: str, *, logins: bool) -> None:
        super().__init__(folder)
        self.database, self.logins = database, logins
        self.log = folder / "server.log"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        words += ["--backend-store-uri", self.database, "--serve-artifacts"]
        words += ["--artifacts-destination", str(self.folder / "served")]
        more = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        if self.logins:
            settings = self.folder / "auth.ini"
            settings.write_text(
                "[mlflow]\ndefault_permission = READ\nauth_cache_ttl_seconds = 60\n"
                f"database_uri = sqlite:///{self.folder / 'logins.db'}\n"
                f"admin_username = {ADMIN}\nadmin_password = {PASSWORD}\n"
                "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
            )
            words += ["--app-name", "basic-auth"]
            more |= {
                "MLFLOW_AUTH_CONFIG_PATH": str(settings),
                "MLFLOW_FLASK_SERVER_SECRET_KEY": "of-these-tests",
            }
        self._run(words, os.environ | more)

    def _run(self, words: list[str], environment: dict[str, str]) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *words],
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self.wait()
