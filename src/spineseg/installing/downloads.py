"""How much an installation downloads: the size of each file that pip would choose, asked for."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

_AT_MOST_S = 15.0  # Longer than that nobody waits to be told a size.
_A_REQUEST_S = 8.0
_AT_A_TIME = 16
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.2"


@dataclass(frozen=True)
class Wanted:
    """A package that is to be installed, in the version asked for."""

    name: str
    version: str


@dataclass(frozen=True)
class File:
    """A file that pip may choose: its size, and whether it lies on this machine already."""

    name: str
    size: int | None
    here: bool


@dataclass(frozen=True)
class Sources:
    """Where pip looks on this machine."""

    indexes: tuple[str, ...] = ("https://pypi.org/simple",)
    folders: tuple[str, ...] = ()
    certificates: str | None = None


def wanted_packages(requirements: str) -> list[Wanted]:
    """Return the packages of a requirements file that this system needs and does not have yet."""
    markers = _of_pip("packaging.markers")
    have = {_normal(d.metadata["Name"]): d.version for d in distributions()}
    found = []
    for line in requirements.splitlines():
        pin, _, marker = line.partition(" ; ")
        name, _, version = pin.replace("===", "==").partition("==")
        if version and (not marker or markers.Marker(marker).evaluate()):
            found.append(Wanted(_normal(name), version.strip()))
    return [one for one in found if have.get(one.name) != one.version]


def sizes(wanted: Sequence[Wanted], sources: Sources) -> dict[Wanted, File]:
    """Return for each package the file that pip would choose, where its size could be found out.

    What lies on this machine is not asked for elsewhere. Takes some seconds; what is not answered
    after a quarter of a minute is left out.
    """
    session = _of_pip("requests").Session()
    session.headers["Accept"] = _ACCEPT
    if sources.certificates:
        session.verify = sources.certificates
    tags = {tag: i for i, tag in enumerate(_of_pip("packaging.tags").sys_tags())}
    pool = ThreadPoolExecutor(_AT_A_TIME)
    asked = {pool.submit(partial(_file, session, sources, tags), one): one for one in wanted}
    done, _ = wait(asked, timeout=_AT_MOST_S)
    pool.shutdown(wait=False, cancel_futures=True)
    answers = {asked[job]: job.result() for job in done if not job.exception()}
    return {one: file for one, file in answers.items() if file and file.size is not None}


def _file(session: Any, sources: Sources, tags: dict[Any, int], wanted: Wanted) -> File | None:
    """Return the file of a package that fits this system best, wherever it lies."""
    found: list[tuple[int, File, str]] = []
    for files in (_near(sources, wanted.name), _far(session, sources, wanted.name)):
        for file, address in files:
            rank = _rank(file.name, wanted, tags) if wanted.version in unquote(file.name) else None
            if rank is not None:
                found.append((rank, file, address))
        if found:
            break
    else:
        return None
    _, file, address = min(found, key=lambda entry: entry[0])
    if file.size is None and address.startswith("http"):
        head = session.head(address, timeout=_A_REQUEST_S, allow_redirects=True)
        length = head.headers.get("Content-Length", "") if head.ok else ""
        return File(file.name, int(length), here=False) if length.isdigit() else None
    return file


def _rank(name: str, wanted: Wanted, tags: dict[Any, int]) -> int | None:
    """Return how well a file fits, 0 best; None for another version or system."""
    utils = _of_pip("packaging.utils")
    try:
        if not name.endswith(".whl"):
            _, version = utils.parse_sdist_filename(name)
            return len(tags) if str(version) == wanted.version else None
        _, version, _, fits = utils.parse_wheel_filename(name)
    except (utils.InvalidWheelFilename, utils.InvalidSdistFilename, ValueError):
        return None
    # `==2.14.1` is met by 2.14.1+cpu, too, and pip would take that; pins say which is meant.
    if str(version) != str(_of_pip("packaging.version").Version(wanted.version)):
        return None
    return min((tags[tag] for tag in fits if tag in tags), default=None)


def _near(sources: Sources, name: str) -> Iterator[tuple[File, str]]:
    """Yield what the folders and indexes on this machine have of a package, and where."""
    for folder in sources.folders:
        path = Path(unquote(urlsplit(folder).path) if folder.startswith("file:") else folder)
        for file in path.glob("*"):
            if _normal(file.name.partition("-")[0]) == name:
                yield File(file.name, file.stat().st_size, here=True), str(file)
    for index in sources.indexes:
        page = Path(unquote(urlsplit(index).path)) / name / "index.html"
        if index.startswith("file:") and page.is_file():
            yield from _linked(page.read_text(encoding="utf-8"), f"{index.rstrip('/')}/{name}/")


def _far(session: Any, sources: Sources, name: str) -> Iterator[tuple[File, str]]:
    """Yield what the indexes on the network have of a package, and where."""
    for index in sources.indexes:
        if not index.startswith("http"):
            continue
        answer = session.get(f"{index.rstrip('/')}/{name}/", timeout=_A_REQUEST_S)
        if not answer.ok:
            continue
        if "json" in answer.headers.get("Content-Type", ""):
            for entry in answer.json()["files"]:
                yield File(entry["filename"], entry.get("size"), here=False), entry["url"]
        else:
            yield from _linked(answer.text, answer.url)


def _linked(page: str, address: str) -> Iterator[tuple[File, str]]:
    for link in re.findall(r"""href=["']([^"'#]+)""", page):
        target = urljoin(address, link)
        path = Path(unquote(urlsplit(target).path))
        here = target.startswith("file:") and path.is_file()
        yield File(path.name, path.stat().st_size if here else None, here=here), target


def pip_sources() -> Sources:
    """Return where pip looks here: as its configuration and its variables say."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, timeout=60
    ).stdout
    # Later ones go over earlier ones: files, what is for `install`, then the environment.
    found: dict[str, str] = {}
    for start in ("global", "install", ":env:"):
        pattern = rf"^{start}\.([a-z-]+)=(['\"])(.*)\2$"
        found |= {key: value for key, _, value in re.findall(pattern, told, re.M)}
    index = () if found.get("no-index") else (found.get("index-url", Sources.indexes[0]),)
    return Sources(
        indexes=tuple(_words([*index, found.get("extra-index-url", "")])),
        folders=tuple(_words([found.get("find-links", "")])),
        certificates=found.get("cert"),
    )


def _words(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from text.replace("\\n", " ").split()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _of_pip(module: str) -> Any:
    """Return a package that comes inside pip: no other is there before the first installation."""
    return importlib.import_module(f"pip._vendor.{module}")
