"""The only door to the roboflow package: a project's newest version and the address of an export.

The package asks through `roboflow.util.http`, without time limits or retries, prints to stdout, and
turns every refusal into the same bare exception: here it is given what it lacks.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any

import requests

from spineseg.config.data import RoboflowSource
from spineseg.data.roboflow import incoming
from spineseg.data.roboflow.retrying import Broken, Refused, Say, tried
from spineseg.errors import DataError
from spineseg.files import shown

FORMAT = "yolov11"
EXPORT_WAIT_SECONDS = 600.0


class StillMade(Exception):
    """The export is not ready after EXPORT_WAIT_SECONDS."""


class NoExport(Exception):
    """The package found no export; the text says what it raised, without the key."""


class Project:
    """One project, asked with the user's key.

    Its methods raise Refused, Broken, StillMade, NoExport, DataError or a RequestException; the
    text of the last one may hold the key, and is not to be shown.
    """

    def __init__(self, source: RoboflowSource, key: str, say: Say) -> None:
        self._source, self._key, self._say = source, key, say

    def newest(self) -> int:
        """Return the highest version."""
        with self._asking():
            return max(self._versions(None))

    def link(self, version: int) -> str:
        """Return the address of a version's zip; the service makes the export if it must."""
        source = self._source
        with self._asking():
            from roboflow.adapters import rfapi

            self._versions(version)
            self._project.version(version).export(FORMAT)
            answer = rfapi.get_version_export(
                self._key, source.workspace, source.project, version, FORMAT
            )
            return str(answer["export"]["link"])

    @cached_property
    def _project(self) -> Any:
        import roboflow

        workspace = roboflow.Roboflow(api_key=self._key).workspace(self._source.workspace)
        return workspace.project(self._source.project)

    def _versions(self, wanted: int | None) -> list[int]:
        entries = self._project.get_version_information()
        there = [int(str(entry["id"]).rsplit("/", 1)[-1]) for entry in entries]
        if not there or wanted not in (None, *there):
            has = f"it has {', '.join(map(str, sorted(there)))}" if there else "it has none yet"
            raise DataError(
                f"{self._source.workspace}/{self._source.project}: has no version {wanted or ''}; "
                f"{has}: set the source's version, or generate one on its page"
            )
        return there

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        heard = _heard(self._say)
        silence = contextlib.redirect_stdout(io.StringIO())
        try:
            with silence, _watched(heard):
                yield
        except (OSError, DataError, Broken, Refused, StillMade, NoExport):
            raise
        except Exception as error:  # The package raises bare exceptions, its own and others'.
            reason = shown(str(error).replace(self._key, "***")[:120])
            raise NoExport(f"{type(error).__name__}: {reason}") from None


def _heard(say: Say) -> Say:
    """Return `say` for use while stdout is turned away, for it may write there."""
    stdout = sys.stdout

    def speak(text: str) -> None:
        with contextlib.redirect_stdout(stdout):
            say(text)

    return speak


@contextlib.contextmanager
def _watched(say: Say) -> Iterator[None]:
    """Give the package's requests time limits, retries and an end of waiting."""
    from roboflow.util import http

    plain = {name: getattr(http, name) for name in ("get", "post")}
    deadline = time.monotonic() + EXPORT_WAIT_SECONDS

    def asking(name: str) -> Callable[..., requests.Response]:
        def ask(url: str, **options: Any) -> requests.Response:
            answer = tried(lambda: _whole_answer(plain[name], url, options), say)
            if time.monotonic() > deadline:
                raise StillMade  # The package would ask for ever.
            return answer

        return ask

    try:
        for name in plain:
            setattr(http, name, asking(name))
        yield
    finally:
        for name, function in plain.items():
            setattr(http, name, function)


def _whole_answer(
    ask: Callable[..., requests.Response], url: str, options: dict[str, Any]
) -> requests.Response:
    options = {"timeout": incoming.TIMEOUT_SECONDS, **options, "stream": True}
    answer = incoming.begun(partial(ask, url, **options))
    with answer:
        if answer.status_code >= 400:
            raise Refused(answer)
        # Read here, where a trickle has an end; the package then finds it as if read by requests.
        answer._content = b"".join(incoming.pieces(answer, decode=True))
    return answer
