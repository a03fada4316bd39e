"""The only door to the roboflow package: one version of one project, whole, in the cache."""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from spineseg.config.data import RoboflowSource
from spineseg.data.archive import unpack
from spineseg.errors import DataError
from spineseg.files import shown, staging, write_whole

FORMAT = "yolov11"
EXPORT_WAIT_SECONDS = 600.0
RETRY_SECONDS = (2.0, 8.0)  # Waits before another try where the service is busy or stumbles.
_TIMEOUT_SECONDS = (10, 60)  # To connect, and between two bytes.
_CHUNK_BYTES = 16 * 1024  # What a broken connection can lose.
_RECORD = "download.json"  # Beside an export's folder: what was downloaded.
_NEWEST = "newest.json"
_GET_KEY = (
    "make one at https://app.roboflow.com (Settings, API Keys), then set ROBOFLOW_API_KEY or run "
    "`roboflow login`; or download the export by hand and use it as a `local` source"
)
Say = Callable[[str], None]


class _Refused(Exception):
    """The service answered with an error status."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class _StillMade(Exception):
    """The export is not ready after the time that we wait."""


def fetched(source: RoboflowSource, cache: Path, say: Say) -> tuple[Path, int]:
    """Return the folder of the export and its version, from the cache or downloaded into it.

    `cache/roboflow/WORKSPACE/PROJECT/vN-yolov11` appears whole or not at all; an interrupted
    download goes on where it was. Without a version the newest is looked up once and written to
    `newest.json` beside. Raises DataError where it cannot be had; no message holds the key.
    """
    place = cache / "roboflow" / source.workspace / source.project
    version = source.version or _newest_known(place)
    if version is not None:
        folder = place / f"v{version}-{FORMAT}"
        if folder.is_dir():
            _verify(folder)
            return folder, version
    return _download(source, version, place, say)


def _newest_known(place: Path) -> int | None:
    """Return the version that was looked up once, if it was."""
    try:
        return int(json.loads((place / _NEWEST).read_text())["version"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise DataError(
            f"{place / _NEWEST}: cannot be read; remove it, or set the source's version"
        ) from None


def _verify(folder: Path) -> None:
    """Raise DataError where an export in the cache is not what was downloaded."""
    try:
        wanted = json.loads(_record_of(folder).read_text())["files"]
    except (OSError, ValueError, KeyError):
        wanted = None
    there = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            there[path.relative_to(folder).as_posix()] = path.stat().st_size
    if there != wanted:
        raise DataError(
            f"{folder}: is not what was downloaded; remove the folder to fetch it again, or use "
            "it as a `local` source"
        )


def _record_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.{_RECORD}")


def _download(
    source: RoboflowSource, version: int | None, place: Path, say: Say
) -> tuple[Path, int]:
    name = f"{source.workspace}/{source.project}"
    key = _key(source)
    deadline = time.monotonic() + EXPORT_WAIT_SECONDS
    with _told_apart(name, version, key), _watched(deadline):
        say(f"asking Roboflow for {name}")
        version, link = _export_link(source, version, key, place, say)
        what = f"{name} v{version}"
        place.mkdir(parents=True, exist_ok=True)
        archive = place / f"v{version}-{FORMAT}.zip.part"
        say(f"downloading {what}")
        _fetch(link, archive)
        folder = place / f"v{version}-{FORMAT}"
        try:
            with staging(place, folder.name) as part:
                sizes = unpack(archive, part, what)
                if "data.yaml" not in sizes:
                    raise DataError(
                        f"{what}: its zip has no data.yaml; is it a segmentation project?"
                    )
                record = {"workspace": source.workspace, "project": source.project}
                record |= {"version": version, "format": FORMAT, "files": sizes}  # type: ignore[dict-item]
                write_whole(_record_of(folder), json.dumps(record))
                part.replace(folder)
        except OSError:
            raise  # A full disk: what was downloaded is kept.
        except BaseException:
            _forget(archive)
            raise
        _forget(archive)
    return folder, version


def _forget(archive: Path) -> None:
    archive.unlink(missing_ok=True)
    _mark_of(archive).unlink(missing_ok=True)


def _key(source: RoboflowSource) -> str:
    """Return the user's key, from the environment or Roboflow's own config file."""
    name = f"{source.workspace}/{source.project}"
    try:
        from roboflow.config import load_roboflow_api_key

        key = load_roboflow_api_key(source.workspace)
    except (ValueError, AttributeError, KeyError, TypeError):
        raise DataError(
            f"{name}: Roboflow's config file cannot be read; set ROBOFLOW_API_KEY, or run "
            "`roboflow login` again"
        ) from None
    if not key or not key.strip():
        raise DataError(f"{name}: downloading needs a Roboflow key; {_GET_KEY}")
    return str(key).strip()


def _export_link(
    source: RoboflowSource, version: int | None, key: str, place: Path, say: Say
) -> tuple[int, str]:
    """Return the version and the address of its zip; the service makes the export if it must."""
    import roboflow
    from roboflow.adapters import rfapi

    with contextlib.redirect_stdout(io.StringIO()):
        project = roboflow.Roboflow(api_key=key).workspace(source.workspace).project(source.project)
        there = [
            int(str(entry["id"]).rsplit("/", 1)[-1]) for entry in project.get_version_information()
        ]
        if not there or version not in (None, *there):
            has = f"it has {', '.join(map(str, sorted(there)))}" if there else "it has none yet"
            raise DataError(
                f"{source.workspace}/{source.project}: has no version {version or ''}; {has}: set "
                "the source's version, or generate one on its page"
            )
        if version is None:
            version = max(there)
            place.mkdir(parents=True, exist_ok=True)
            today = time.strftime("%Y-%m-%d")
            write_whole(place / _NEWEST, json.dumps({"version": version, "looked_up": today}))
            say(
                f"{source.workspace}/{source.project}: the newest version is {version}; written "
                f"to {place / _NEWEST}. Pin it: `version: {version}`"
            )
        project.version(version).export(FORMAT)
        answer = rfapi.get_version_export(key, source.workspace, source.project, version, FORMAT)
    return version, str(answer["export"]["link"])


def _mark_of(archive: Path) -> Path:
    return archive.with_name(archive.name + ".etag")


def _fetch(link: str, archive: Path) -> None:
    """Download `link`, going on with what a former try left of the same file."""
    mark = _mark_of(archive)
    etag = mark.read_text() if mark.exists() else ""
    there = archive.stat().st_size if etag and archive.exists() else 0
    headers = {"Range": f"bytes={there}-", "If-Range": etag} if there else {}
    with requests.get(link, stream=True, headers=headers, timeout=_TIMEOUT_SECONDS) as answer:
        if answer.status_code == 416:  # Nothing is left to fetch: it was whole.
            return
        if answer.status_code not in (200, 206):
            raise _Refused(answer.status_code)
        mark.write_text(answer.headers.get("ETag", ""))
        with archive.open("ab" if answer.status_code == 206 else "wb") as sink:
            for chunk in answer.iter_content(_CHUNK_BYTES):
                sink.write(chunk)


@contextlib.contextmanager
def _watched(deadline: float) -> Iterator[None]:
    """Give the package's requests a timeout, retries and an end of waiting, which it has not.

    It asks through `roboflow.util.http`, and turns every refusal into the same error.
    """
    from roboflow.util import http

    plain = {name: getattr(http, name) for name in ("get", "post")}

    def asking(name: str) -> Callable[..., requests.Response]:
        def ask(url: str, **options: Any) -> requests.Response:
            for wait in (*RETRY_SECONDS, None):
                answer: requests.Response = plain[name](
                    url, **{"timeout": _TIMEOUT_SECONDS, **options}
                )
                if wait is None or answer.status_code not in (429, 500, 502, 503, 504):
                    break
                time.sleep(wait)
            if answer.status_code >= 400:
                raise _Refused(answer.status_code)
            if time.monotonic() > deadline:
                raise _StillMade  # The package would ask for ever.
            return answer

        return ask

    try:
        for name in plain:
            setattr(http, name, asking(name))
        yield
    finally:
        for name, function in plain.items():
            setattr(http, name, function)


@contextlib.contextmanager
def _told_apart(name: str, version: int | None, key: str) -> Iterator[None]:
    """Turn what the service, the network and the package raise into one line with its remedy."""
    what = f"{name} v{version}" if version else name
    page = f"https://universe.roboflow.com/{name}"
    try:
        yield
    except DataError as error:
        raise DataError(str(error).replace(key, "***")) from None
    except _Refused as error:
        raise DataError(f"{what}: Roboflow {_remedy(error.status, page)}") from None
    except _StillMade:
        raise DataError(
            f"{what}: Roboflow is still making the export; run again in some minutes"
        ) from None
    except requests.exceptions.JSONDecodeError:
        raise DataError(
            f"{what}: Roboflow's answer cannot be read; is a proxy or a login page between? "
            "Try again"
        ) from None
    except (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        raise DataError(
            f"{what}: Roboflow cannot be reached, or the connection broke; check the network and "
            "run again: what is downloaded is kept"
        ) from None
    except requests.RequestException as error:
        raise DataError(f"{what}: the request failed ({type(error).__name__}); run again") from None
    except OSError:
        raise
    except Exception as error:  # The package raises bare exceptions, its own and others'.
        reason = shown(str(error).replace(key, "***")[:120])
        raise DataError(
            f"{what}: Roboflow offers no {FORMAT} export of it ({type(error).__name__}: {reason}); "
            f"look at {page}, choose another version, or download it by hand"
        ) from None


def _remedy(status: int, page: str) -> str:
    if status == 401:
        return f"does not know the key (401); {_GET_KEY}"
    if status == 403:
        return (
            "refuses this key the project (403); use a key of a workspace that may read it, or "
            f"fork it at {page}"
        )
    if status == 404:
        return f"has no such workspace, project or version (404); compare with {page}"
    if status == 429:
        return "has had too many requests (429); wait some minutes and run again"
    if status >= 500:
        return f"has a fault of its own ({status}); run again later (https://status.roboflow.com)"
    return f"refused ({status}); compare the source with {page}"
