"""MLflow's own pages over the store, on this machine only, opened on the study's list."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from spineseg.called import pasted
from spineseg.config.recorded import reference
from spineseg.config.study import StudyConfig
from spineseg.errors import StoreError
from spineseg.tracking import pages
from spineseg.tracking.store import TrackingStore, refusing
from spineseg.tracking.views.arranged import leaderboard
from spineseg.tracking.views.state import address
from spineseg.tracking.views.written import write_views

HOST = "127.0.0.1"
_ALL = "#/experiments"
_STARTING_SECONDS = 120.0  # MLflow's server imports for seconds; on a busy machine for many.


def serve(
    store: TrackingStore,
    config: StudyConfig,
    words: Sequence[str] = (),
    *,
    port: int,
    open_browser: bool = False,
    say: Callable[[str], None] = lambda text: print(text, flush=True),
) -> None:
    """Say where the study's list is, once it is there; serve it until interrupted.

    `words` name the study in a command; without, its name on record.

    Where the store is a server, its own pages have the list, and nothing is served. Raises
    StoreError for a port in use, and where the pages do not come up.
    """
    place = _place(store, config)
    if store.is_server:
        has = "do not have the study yet" if place == _ALL else "have the study"
        say(f"the store is a server; its pages {has}: {_server(store.uri)}/{place}")
        _open(f"{_server(store.uri)}/{place}", open_browser, say)
        return
    _refuse_taken(port)
    start = f"http://{HOST}:{port}/{place}"
    server = _started(store, port, place)
    for number in (signal.SIGINT, signal.SIGTERM):  # A shell's `&` leaves SIGINT ignored.
        signal.signal(number, signal.default_int_handler)
    try:
        if _comes_up(server, port):
            _tell(config.name, words or reference(config), port, start, say)
            _open(start, open_browser, say)
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()
    if code:
        raise StoreError(f"MLflow's pages ended with code {code}; the last lines say why")


def _place(store: TrackingStore, config: StudyConfig) -> str:
    """Return the study's list, behind a server's address; all experiments where it has none."""
    with refusing(store.uri):
        found = store.client.get_experiment_by_name(config.name)
        if found is None:
            return _ALL
        view = leaderboard()
        if view.tag not in found.tags:  # A store filled by an older version, or by hand.
            write_views(store, config)
            found = store.client.get_experiment(found.experiment_id)
        return address(found.experiment_id, view if view.tag in found.tags else None)


def _server(uri: str) -> str:
    """Return a server's address for a browser: without the password, which a browser asks for."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl().rstrip("/")


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise StoreError(
                f"port {port} is in use; choose another, as --port {port + 1}"
            ) from None


def _started(store: TrackingStore, port: int, place: str) -> subprocess.Popen[bytes]:
    told = {pages.DATABASE: store.uri, pages.START: place}
    if store.is_local:
        told[pages.ARTIFACTS] = (store.root / "artifacts").resolve().as_uri()
    return subprocess.Popen(
        [sys.executable, "-m", pages.__name__, str(port)],
        env=os.environ | told,
        start_new_session=True,
    )


def _tell(
    study: str, words: Sequence[str], port: int, start: str, say: Callable[[str], None]
) -> None:
    if start.endswith(_ALL):
        run, compare = (pasted(f"{verb} {shlex.join(words)}") for verb in ("run", "compare"))
        say(
            f"this store has no study {study!r} yet: `{run}` makes it, `{compare}` fills it from "
            f"run folders; all experiments are at\n\n  {start}\n"
        )
    else:
        say(f"study {study!r} is at\n\n  {start}\n")
    say(
        "Ctrl-C ends it. It is on this machine only; to see it on another, run there\n"
        f"  ssh -N -L {port}:{HOST}:{port} {socket.gethostname()}\n"
        "and open the same address."
    )


def _comes_up(server: subprocess.Popen[bytes], port: int) -> bool:
    """Return whether the pages answer; False where their process ends before they do."""
    deadline = time.monotonic() + _STARTING_SECONDS
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5):
                return True
        except OSError:
            if time.monotonic() > deadline:
                raise StoreError(
                    f"MLflow's pages did not come up within {_STARTING_SECONDS:.0f} s; try again "
                    "when the machine is less busy"
                ) from None
        time.sleep(0.1)
    return False


def _open(where: str, wanted: bool, say: Callable[[str], None]) -> None:
    if not wanted:
        return
    try:
        opened = webbrowser.open(where)
    except webbrowser.Error:
        opened = False
    if not opened:
        say("no browser could be opened here; open the address above in one")
