"""File habits, in one place: a lock, a synced line, a hash, files and folders written whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil  # Imported where it is called: few commands ask for a process.

_READ_ONLY = 0o444
_PAUSE_SECONDS = 0.02
_PATIENCE_SECONDS = 0.3  # Where one cannot look at a lock without holding it for a moment.
_DYING_SECONDS = (
    10.0  # What was killed holds its lock until its memory, a GPU's too, is given back.
)
# A password may hold `@`, and one that is not escaped `/`: up to the last `@` of the address.
_USER = re.compile(r"(\w+://)(?:[^/:\s]*:(?:(?!://)\S)*|[^/\s]+)@")
_SECRET = re.compile(
    r"((?:password|passwd|pwd|token|secret|api_?key)\w*=)[^&\s]+?(?=[:;,.)\]'\"]*(?:[&\s]|$))",
    re.IGNORECASE,
)
_PART = re.compile(r"\..+\.(\d+)\.part")  # As `write_whole` names what it is writing.
_held: set[int] = set()
_cleared: set[Path] = set()


def _let_go_of_all() -> None:
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


# A lock is the process's that took it: a fork, as one that loads films, may outlive that.
os.register_at_fork(after_in_child=_let_go_of_all)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of `path`, made where it is missing; gives whether it was free.

    It holds the holder's process number, and is let go with the process, however that ends. A
    holder that has just been killed is waited for, some seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    _held.add(descriptor)
    try:
        free = _taken(descriptor)
        start = time.monotonic()
        while not free:
            waited = time.monotonic() - start
            if waited > _DYING_SECONDS or (waited > _PATIENCE_SECONDS and _named(path)):
                break
            time.sleep(_PAUSE_SECONDS)
            free = _taken(descriptor)
        if free:
            _name_holder(descriptor)
        yield free
    finally:
        _let_go(descriptor)


@contextmanager
def locked_after(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of `path`, after whoever holds it now; `waiting` is called before a wait."""
    with locked(path) as free:
        if free:
            yield
            return
    waiting()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    _held.add(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _mark(descriptor)
        _name_holder(descriptor)
        yield
    finally:
        _let_go(descriptor)


def is_locked(path: Path) -> bool:
    """Return whether any process holds the lock of `path`; looking takes nothing from anyone."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        asked = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _WHOLE_FILE)
        return bool(struct.unpack(_LOCK_FORM, asked)[0] != fcntl.F_UNLCK)
    except (AttributeError, OSError):  # A system without such locks: for a moment it is taken.
        return not _taken(descriptor)
    finally:
        os.close(descriptor)


# Beside `flock`, of which one can only know by taking it, a lock of the same file that can be asked
# for: a `status` that looked just then would end a training that just begins.
_LOCK_FORM = "hhqqi4x"  # C's `struct flock`: kind, whence, start, length (0: all), process.
_WHOLE_FILE = struct.pack(_LOCK_FORM, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    _mark(descriptor)
    return True


def _mark(descriptor: int) -> None:
    """Let a lock that was taken be seen by whoever looks."""
    with suppress(AttributeError, OSError):  # Who looks then takes it for a moment.
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WHOLE_FILE)


def holder(path: Path) -> psutil.Process | None:
    """Return the process that holds the lock of `path`, where that is one of this machine's."""
    return _named(path) if is_locked(path) else None


def _named(path: Path) -> psutil.Process | None:
    """Return the living process that a lock names and that has it open."""
    import psutil

    try:
        process = psutil.Process(int(path.read_text()))
        open_files = {file.path for file in process.open_files()}
    except (OSError, ValueError, psutil.Error):
        return None
    return process if str(path.resolve()) in open_files else None


def _let_go(descriptor: int) -> None:
    if descriptor in _held:
        _held.discard(descriptor)
        os.close(descriptor)


def _name_holder(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def append_line(path: Path, text: str) -> None:
    """Append one line whole or not at all, and sync it to disk.

    A line that a killed writer left torn is closed first, so that it spoils none but itself. Raises
    OSError, as of a full disk, with nothing appended.
    """
    line = text.encode() + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size, torn = _end(descriptor)
        if torn:
            line = b"\n" + line
        written = 0
        try:
            while written < len(line):  # A disk that fills takes a part, and says so next time.
                written += os.write(descriptor, line[written:])
            os.fsync(descriptor)
        except OSError:
            if os.fstat(descriptor).st_size == size + written:  # Nobody has gone on after it.
                os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _end(descriptor: int) -> tuple[int, bool]:
    """Return a file's size in bytes and whether its last line is torn: lacks its end, and stands.

    What another process is just writing is seen to grow, and is no torn line.
    """
    seen = -1
    while True:
        size = os.fstat(descriptor).st_size
        if not size or os.pread(descriptor, 1, size - 1) == b"\n":
            return size, False
        if size == seen:
            return size, True
        seen = size
        time.sleep(_PAUSE_SECONDS)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: beside its place first, then put there in one step.

    The first that a process writes in a folder clears away what killed ones left half-written.
    """
    _clear_parts(path.parent)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _clear_parts(folder: Path) -> None:
    """Remove what processes that are gone left of files that they wrote here: once is enough."""
    folder = folder.absolute()
    if folder in _cleared:
        return
    _cleared.add(folder)
    with suppress(OSError):  # Not there, or not to be read: the write says so.
        for entry in os.scandir(folder):
            part = _PART.fullmatch(entry.name)
            if part and entry.is_file(follow_symlinks=False) and not _is_process(int(part[1])):
                Path(entry.path).unlink(missing_ok=True)


def _is_process(number: int) -> bool:
    try:
        os.kill(number, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def sync(path: Path) -> None:
    """Have a file's content on the disk itself: a rename may outlive what it names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_read_only(path: Path, content: bytes) -> None:
    """Write a file that nobody is to change: trainers do mend films in their place."""
    path.write_bytes(content)
    path.chmod(_READ_ONLY)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def staging(parent: Path, name: str) -> Iterator[Path]:
    """Give an empty folder in `parent` to fill and then, by one `replace`, to put in its place.

    What is not put in its place is removed at the end; what a killed process left goes, too.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f".{name}.*.part"):
        process = left.suffixes[-2].removeprefix(".")
        if left.is_dir() and not (process.isdigit() and _is_process(int(process))):
            shutil.rmtree(left, ignore_errors=True)
    folder = parent / f".{name}.{os.getpid()}.part"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def shown(path: Path | str) -> str:
    """Return a path in one line, whatever its name holds."""
    text = str(path)
    if text.isprintable():
        return text
    return text.encode("unicode_escape", "backslashreplace").decode("ascii", "replace")


def without_password(text: str) -> str:
    """Return `text` with what is secret in every address in it blotted out.

    That is the user and the password before the host, and what is called a password, a token or a
    key, as in `?password=`. Rather too much is blotted out than too little.
    """
    return _SECRET.sub(r"\1***", _USER.sub(r"\1***@", text))
