"""An answer as it comes in, with an end to waiting for a server that hardly sends."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator

import requests
from requests.packages.urllib3.exceptions import HTTPError as TransferError

from spineseg.data.roboflow.retrying import Broken

TIMEOUT_SECONDS = (10.0, 60.0)  # To connect, and between two bytes.
LEAST_BYTES_PER_SECOND = 1000.0
RATE_WINDOW_SECONDS = 60.0  # Over this time the least rate is held.
HEAD_SECONDS = 180.0  # Until the head of an answer is there, after any redirections.
_PIECE_BYTES = 256 * 1024


def begun(ask: Callable[[], requests.Response]) -> requests.Response:
    """Return the answer that `ask` gives once its head is there; its body is yet to be read.

    Raises Broken where the connection breaks or HEAD_SECONDS are over. The waiting is done in a
    thread, for no limit of requests ends a head that comes a byte at a time.
    """
    box: queue.SimpleQueue[requests.Response | BaseException] = queue.SimpleQueue()

    def wait() -> None:
        try:
            box.put(ask())
        except BaseException as error:
            box.put(error)

    threading.Thread(target=wait, daemon=True).start()
    try:
        answer = box.get(timeout=HEAD_SECONDS)
    except queue.Empty:
        raise Broken(f"Roboflow began no answer in {HEAD_SECONDS:.0f} s") from None
    if isinstance(answer, BaseException):
        with _breaks_told():
            raise answer
    return answer


@contextlib.contextmanager
def _breaks_told() -> Iterator[None]:
    """Turn every way in which a connection breaks into Broken, whose text holds no address.

    A proxy that fails and a certificate that is refused go through: waiting does not mend them.
    """
    try:
        yield
    except requests.exceptions.ProxyError:
        raise
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE" in str(error):
            raise
        raise Broken("Roboflow's encrypted connection broke, or was none") from None
    except requests.Timeout:
        raise Broken("Roboflow cannot be reached, or has fallen silent") from None
    except (
        requests.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
        TransferError,
    ):
        raise Broken("Roboflow cannot be reached, or the connection broke") from None


def pieces(answer: requests.Response, *, decode: bool) -> Iterator[bytes]:
    """Give the body of a streamed `answer` piece by piece; `decode`: undo its content encoding.

    Raises Broken where the connection breaks, ends before its time, or brings less than
    LEAST_BYTES_PER_SECOND over RATE_WINDOW_SECONDS.
    """
    start, came = time.monotonic(), 0
    while True:
        with _breaks_told():
            piece = answer.raw.read1(_PIECE_BYTES, decode_content=decode)
        if not piece:
            return
        yield piece
        came += len(piece)
        seconds = time.monotonic() - start
        if seconds < RATE_WINDOW_SECONDS:
            continue
        if came < LEAST_BYTES_PER_SECOND * seconds:
            raise Broken(
                f"Roboflow sent {came} bytes in {seconds:.0f} s, less than "
                f"{LEAST_BYTES_PER_SECOND:.0f} a second"
            )
        start, came = time.monotonic(), 0
