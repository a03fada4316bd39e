"""Files in pieces of some megabytes: cut where they lie, put down where they are to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from spineseg.errors import RecordError

PIECE_BYTES = 8 * 2**20  # Some fit into any object store; each costs a question and an answer.
Part = tuple[str, int, bytes]  # A file's path in its folder, where in it, and what is there.
Span = tuple[str, int, int]  # A file's path in its folder, where in it, and how many bytes.


def cut(files: Iterable[tuple[str, Path]]) -> Iterator[list[Part]]:
    """Yield files, named as they are to be called, in pieces of at most PIECE_BYTES."""
    piece: list[Part] = []
    room = PIECE_BYTES
    for name, path in files:
        with path.open("rb") as file:
            while True:
                offset = file.tell()
                content = file.read(room)
                if content or not offset:
                    piece.append((name, offset, content))
                    room -= len(content)
                if room > 0:
                    break  # It was read to its end.
                yield piece
                piece, room = [], PIECE_BYTES
    if piece:
        yield piece


def spans(sizes: Mapping[str, int]) -> Iterator[list[Span]]:
    """Yield what to ask for, a piece at a time, to have whole files of so many bytes."""
    asked: list[Span] = []
    room = PIECE_BYTES
    for name, size in sizes.items():
        offset = 0
        while offset < size or not size:
            length = min(room, size - offset)
            asked.append((name, offset, length))
            offset, room = offset + length, room - length
            if room == 0:
                yield asked
                asked, room = [], PIECE_BYTES
            if not size:
                break
    if asked:
        yield asked


def read_spans(folder: Path, asked: Iterable[Span]) -> list[Part]:
    """Return what was asked for, of the files in `folder`."""
    parts = []
    for name, offset, length in asked:
        with (folder / name).open("rb") as file:
            file.seek(offset)
            parts.append((name, offset, file.read(length)))
    return parts


def put_down(folder: Path, piece: Iterable[Part]) -> None:
    """Write a piece into `folder`; a file begins anew where its first bytes come.

    Raises RecordError for a name that leads out of the folder.
    """
    for name, offset, content in piece:
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise RecordError(f"{folder}: {name!r} leads out of it, and is not written")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(content)
