"""Hands a text to a command or an address on the web: tried once, for seconds, never raising."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import unquote, urlsplit, urlunsplit

SECONDS = 20.0  # Whoever waits for a study's end does not wait for more.
_HANDLERS = (  # No redirects: following one would drop what is posted.
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
)


def hand_to_command(command: Sequence[str], body: bytes) -> str:
    """Run `command` with `body` as its input; return what went wrong, empty if nothing did.

    What it prints is dropped; where it takes longer than SECONDS it is ended with its children.
    """
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
        )
        process.communicate(body, SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"command {command[0]} did not end within {SECONDS:.0f} s and was ended"
    except OSError as error:
        return f"command {command[0]} could not be run ({error.strerror})"
    code = process.returncode
    return f"command {command[0]} ended with code {code}" if code else ""


def post(address: str, body: bytes) -> str:
    """Post JSON to `address`; return what went wrong, empty if nothing did.

    A user and password in the address become a header; nothing but its host is ever named.
    """
    answers: list[str] = []
    # In a thread of its own: a server that trickles would never be out of time.
    thread = threading.Thread(
        target=lambda: answers.append(_posted(address, body)), name="on_end", daemon=True
    )
    thread.start()
    thread.join(SECONDS)
    problem = answers[0] if answers else f"no answer within {SECONDS:.0f} s"
    return f"webhook at {urlsplit(address).hostname} was not told ({problem})" if problem else ""


def _posted(address: str, body: bytes) -> str:
    """Post once; return what went wrong, nothing of the address in it; empty if nothing did."""
    parts = urlsplit(address)
    headers = {"Content-Type": "application/json", "User-Agent": "spineseg"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    opener = urllib.request.OpenerDirector()
    for handler in _HANDLERS:
        opener.add_handler(handler())
    try:
        request = urllib.request.Request(plain, body, headers, method="POST")
        # Its own time-out starts anew with each byte; it only ends a thread that nobody waits for.
        opener.open(request, timeout=2 * SECONDS)
    except urllib.error.HTTPError as error:
        return f"answer {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
        return getattr(reason, "strerror", None) or type(reason).__name__
    except Exception as error:  # Its text may hold the address.
        return type(error).__name__
    return ""
