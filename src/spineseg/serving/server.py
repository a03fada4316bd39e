"""Runs the page on loopback until it is interrupted."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import webbrowser
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from spineseg.errors import ConfigError

HOST = "127.0.0.1"


def bound(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine.

    Raises ConfigError for one in use, or one that needs more rights.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        what = "needs more rights" if isinstance(error, PermissionError) else "is in use"
        other = port + 1 if port < 65535 else port - 1
        raise ConfigError(
            f"--port {port}: {what}; choose another, as --port {max(other, 1024)}"
        ) from None
    listening.listen()
    return listening


def opened(url: str) -> bool:
    """Open an address in a browser; return whether there is one that shows pages.

    Without a display, webbrowser takes one of text in this terminal, and waits for its end.
    """
    told = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in told):
        return False
    return webbrowser.open(url)


def serve_page(
    app: FastAPI, listening: socket.socket, *, show: bool, say: Callable[[str], None]
) -> None:
    """Serve the page until it is interrupted; with `show`, open it in a browser."""
    url = f"http://{HOST}:{listening.getsockname()[1]}"
    say(f"Try the models at {url} (Ctrl-C ends it); films stay on this machine, none is kept")
    if show and not opened(url):
        say(f"no browser could be opened; open {url} yourself")
    # No access log: it would be the one place where something of a film is kept.
    # A browser that hangs in sending a film is not waited for.
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=3
    )
    server, log = uvicorn.Server(settings), logging.getLogger("uvicorn.error")

    def runs(_: logging.LogRecord) -> bool:
        return not server.should_exit  # What is broken off at the end is no error to tell.

    log.addFilter(runs)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        log.removeFilter(runs)
