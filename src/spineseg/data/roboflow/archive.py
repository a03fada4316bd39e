"""Unpacks a downloaded zip where nothing can go wrong: checked whole before a file is written."""

from __future__ import annotations

import errno
import hashlib
import lzma
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from spineseg.errors import DataError
from spineseg.files import shown

_MOST_BYTES = 200 * 1024**3
_MOST_TIMES = 200  # Unpacked size over packed size: images hardly shrink.
_MOST_FILES = 2_000_000
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_NO_NAME = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, None)  # None: bz2's damage.


def unpack(archive: Path, folder: Path, what: str) -> dict[str, str]:
    """Unpack `archive` into the empty `folder`; return each file's path in it and its SHA-256.

    Raises DataError where it is cut short, damaged, or would write outside `folder`, or more than
    it says; `what` names it. OSError of a full disk goes through.
    """
    again = "it was removed: run again to fetch it anew"
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [info for info in packed.infolist() if not info.is_dir()]
            _check(members, archive.stat().st_size, what)
            hashes = {}
            for info in members:
                name = _inner(info, what)
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(info) as source, target.open("xb") as sink:
                    hashes[name.as_posix()] = _copied(source, sink)
    except _DAMAGE as error:
        raise DataError(
            f"{what}: the zip is truncated or damaged ({shown(str(error))}); {again}"
        ) from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        twice = shown(Path(str(error.filename)).name)
        raise DataError(f"{what}: the zip holds {twice} twice; {again}") from None
    except OSError as error:
        if error.errno not in _NO_NAME:
            raise
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{what}: the zip is damaged ({reason}); {again}") from None
    if not hashes:
        raise DataError(f"{what}: the zip is empty; {again}")
    return hashes


def _copied(source: IO[bytes], sink: IO[bytes]) -> str:
    """Copy a member and return its SHA-256."""
    sha256 = hashlib.sha256()
    while piece := source.read(1024 * 1024):
        sha256.update(piece)
        sink.write(piece)
    return sha256.hexdigest()


def _check(members: list[zipfile.ZipInfo], packed_bytes: int, what: str) -> None:
    total = sum(info.file_size for info in members)
    if (
        len(members) > _MOST_FILES
        or total > _MOST_BYTES
        or total > _MOST_TIMES * packed_bytes + 10**7
    ):
        raise DataError(
            f"{what}: the zip of {packed_bytes} bytes would unpack to {len(members)} files of "
            f"{total} bytes, which is no dataset; check the project"
        )
    for info in members:
        _inner(info, what)


def _inner(info: zipfile.ZipInfo, what: str) -> PurePosixPath:
    """Return a member's path in the folder. Raises DataError for one that leads out of it."""
    name = PurePosixPath(info.filename.replace("\\", "/"))
    kind = stat.S_IFMT(info.external_attr >> 16)
    hostile = (
        name.is_absolute()
        or ".." in name.parts
        or not name.parts
        or (":" in name.parts[0])
        or kind not in {0, stat.S_IFREG}
    )
    if hostile:
        raise DataError(
            f"{what}: the zip holds {shown(info.filename)!r}, which leads out of its folder or is "
            "no file; nothing of it was used: check the project"
        )
    return name
