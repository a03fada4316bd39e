"""One version of one Roboflow project, whole, in the cache: found there, or downloaded once."""

from __future__ import annotations

import json
import time
from pathlib import Path

from spineseg.config.data import RoboflowSource
from spineseg.data.roboflow import export_cache, transfer
from spineseg.data.roboflow.api import FORMAT, Project
from spineseg.data.roboflow.archive import unpack
from spineseg.data.roboflow.key import key_of, usable_config
from spineseg.data.roboflow.refusals import told_apart
from spineseg.data.roboflow.retrying import Say
from spineseg.errors import DataError
from spineseg.files import locked_after, staging, write_whole

_NEWEST = "newest.json"


def fetched(source: RoboflowSource, cache: Path, say: Say) -> tuple[Path, int]:
    """Return the folder of the export and its version, from the cache or downloaded into it.

    `cache/roboflow/WORKSPACE/PROJECT/vN-yolov11` appears whole or not at all; an interrupted
    download goes on where it was; of several processes one downloads and the others wait. Without
    a version the newest is looked up once and written to `newest.json` beside. Raises DataError
    where it cannot be had; no message holds the key.
    """
    name = f"{source.workspace}/{source.project}"
    place = cache / "roboflow" / source.workspace / source.project
    version = source.version or _newest_known(place)
    if version is not None and _folder(place, version).is_dir():
        export_cache.verify(_folder(place, version), say)
        return _folder(place, version), version
    project = Project(source, key_of(source), say)
    place.mkdir(parents=True, exist_ok=True)
    with usable_config(say):
        if version is None:
            with told_apart(name, place):
                version = _newest(project, name, place, say)
        return _download_once(project, version, f"{name} v{version}", place, say), version


def _download_once(project: Project, version: int, what: str, place: Path, say: Say) -> Path:
    """Return the folder of a version, which another process may have filled meanwhile."""
    folder = _folder(place, version)
    lock = folder.with_name(f"{folder.name}.lock")
    with locked_after(lock, lambda: say(f"another process downloads {what}; waiting for it")):
        if folder.is_dir():
            export_cache.verify(folder, say)
        else:
            with told_apart(what, place):
                _download(project, version, folder, what, say)
    return folder


def _folder(place: Path, version: int) -> Path:
    return place / f"v{version}-{FORMAT}"


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


def _newest(project: Project, name: str, place: Path, say: Say) -> int:
    """Return the newest version, looked up by one process and written down for all."""
    waiting = f"another process looks up the newest version of {name}; waiting for it"
    with locked_after(place / "newest.lock", lambda: say(waiting)):
        known = _newest_known(place)
        if known is not None:
            return known
        say(f"asking Roboflow for {name}")
        version = project.newest()
        today = time.strftime("%Y-%m-%d")
        write_whole(place / _NEWEST, json.dumps({"version": version, "looked_up": today}))
    say(
        f"{name}: the newest version is {version}; written to {place / _NEWEST}. Pin it: "
        f"`version: {version}`"
    )
    return version


def _download(project: Project, version: int, folder: Path, what: str, say: Say) -> None:
    """Fill `folder`. Whatever fails but the zip itself leaves the zip for the next try."""
    archive = folder.with_name(f"{folder.name}.zip.part")

    def link() -> str:
        say(f"asking Roboflow for {what}")
        return project.link(version)

    transfer.download(link, archive, what, say)
    try:
        with staging(folder.parent, folder.name) as part:
            hashes = unpack(archive, part, what)
            if "data.yaml" not in hashes:
                raise DataError(f"{what}: its zip has no data.yaml; is it a segmentation project?")
            export_cache.write_record(folder, part, hashes, {"export": what, "format": FORMAT})
            part.replace(folder)
    except DataError:
        transfer.forget(archive)
        raise
    transfer.forget(archive)
