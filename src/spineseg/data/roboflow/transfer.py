"""Downloads one zip into a part file: goes on where a try broke off, and tells how far it is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import requests

from spineseg.data.roboflow import incoming
from spineseg.data.roboflow.retrying import ENOUGH_BYTES, Broken, Refused, Say, tried

TELL_SECONDS = 10.0  # Between two lines of progress.
_EXPIRED = (400, 401, 403, 404, 410)  # What storages answer to an address whose time is over.
_HEAD = b"PK"
_MEGABYTE = 1e6


class StorageRefused(Exception):
    """The storage refuses the export's address, and another one too."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class NoZip(Exception):
    """What came is no zip; the text is its content type."""


def download(ask_link: Callable[[], str], archive: Path, what: str, say: Say) -> None:
    """Download the zip at the address that `ask_link` gives to `archive`, or what it lacks of it.

    An address that has expired is asked for anew, once for each stretch that came. Raises Broken,
    Refused, StorageRefused or NoZip; what came stays in `archive`, with its mark beside it.
    """
    link, asked_at = ask_link(), None
    while True:
        try:
            fetch = partial(_fetch, link, archive, what, say)
            tried(fetch, say, reached=lambda: _size(archive))
            return
        except Refused as error:
            if error.status not in _EXPIRED:
                raise
            if asked_at is not None and _size(archive) < asked_at + ENOUGH_BYTES:
                raise StorageRefused(error.status) from None
            say(f"the address of {what} is refused ({error.status}); asking for another")
        link, asked_at = ask_link(), _size(archive)


def forget(archive: Path) -> None:
    """Remove what was downloaded, and its mark."""
    archive.unlink(missing_ok=True)
    _mark_of(archive).unlink(missing_ok=True)


def _fetch(link: str, archive: Path, what: str, say: Say) -> None:
    """Ask once, for what is not there yet."""
    there, etag = _kept(archive)
    with _asked(link, there, etag) as answer:
        if answer.status_code == 416 and there and _span(answer)[1] == there:
            return  # It was whole.
        _check(answer, archive, there, etag)
        encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
        total = None if encoded else _span(answer)[1]
        body = incoming.pieces(answer, decode=encoded)
        first = next(body, b"")
        if answer.status_code == 200:
            if not _HEAD.startswith(first[:2]):
                raise NoZip(answer.headers.get("Content-Type", "no content type"))
            there, etag = 0, answer.headers.get("ETag", "")
        told = _Progress(what, total, say, there)
        with archive.open("ab" if there else "wb") as sink:
            # After the old content is gone: a mark never stands beside what it does not mark.
            _mark_of(archive).write_text("" if encoded or etag.startswith("W/") else etag)
            for piece in chain([first], body):
                sink.write(piece)
                told.more(len(piece))
    if total is not None and told.there != total:
        raise Broken("Roboflow sent another number of bytes than it said")


def _kept(archive: Path) -> tuple[int, str]:
    """Return the bytes to go on from, and the ETag of the file that they are the beginning of."""
    mark = _mark_of(archive)
    etag = mark.read_text() if mark.exists() else ""
    return _size(archive) if etag else 0, etag


def _asked(link: str, there: int, etag: str) -> requests.Response:
    headers = {"Accept-Encoding": "identity"}  # Half an encoded body could not be gone on with.
    if there:
        headers |= {"Range": f"bytes={there}-", "If-Range": etag}
    options: dict[str, Any] = {"headers": headers, "timeout": incoming.TIMEOUT_SECONDS}
    return incoming.begun(partial(requests.get, link, stream=True, **options))


def _check(answer: requests.Response, archive: Path, there: int, etag: str) -> None:
    """Raise Refused, or Broken where an answer does not go on from what is there, now forgotten."""
    if answer.status_code == 206:
        fits = _span(answer)[0] == there and answer.headers.get("ETag", etag) == etag
    else:
        fits = answer.status_code != 416 or not there
    if not fits:
        forget(archive)
        raise Broken("Roboflow sent another part than was asked for")
    if answer.status_code not in (200, 206):
        raise Refused(answer)


class _Progress:
    """Tells at the start, and then every TELL_SECONDS, how many megabytes there are of how many."""

    def __init__(self, what: str, total: int | None, say: Say, there: int) -> None:
        self.there = there
        self._what, self._total, self._say = what, total, say
        self._told = time.monotonic()
        verb = "going on with" if there else "downloading"
        say(f"{verb} {what}: {self._share()}")

    def more(self, count: int) -> None:
        """Count what came."""
        self.there += count
        if time.monotonic() >= self._told + TELL_SECONDS:
            self._told = time.monotonic()
            self._say(f"downloading {self._what}: {self._share()}")

    def _share(self) -> str:
        there = f"{self.there / _MEGABYTE:.1f}"
        if self._total is None:
            return f"{there} MB, of a total that the server does not tell"
        percent = 100 * self.there // max(self._total, 1)
        return f"{there} of {self._total / _MEGABYTE:.1f} MB ({percent} %)"


def _span(answer: requests.Response) -> tuple[int | None, int | None]:
    """Return the first byte that an answer holds, and the bytes of the whole file, if it tells."""
    if answer.status_code == 200:
        length = answer.headers.get("Content-Length", "")
        return 0, int(length) if re.fullmatch(r"\d{1,18}", length, re.ASCII) else None
    text = answer.headers.get("Content-Range", "")
    span = re.fullmatch(r"bytes (?:(\d{1,18})-\d{1,18}|\*)/(?:(\d{1,18})|\*)", text, re.ASCII)
    if not span:
        return None, None
    start, total = (None if number is None else int(number) for number in span.groups())
    return start, total


def _size(archive: Path) -> int:
    return archive.stat().st_size if archive.exists() else 0


def _mark_of(archive: Path) -> Path:
    return archive.with_name(archive.name + ".etag")
