"""The real trainer, that kills itself at the n-th moment of its writing: before, or in the middle.

`Launcher(cache, trainer=TRAINER)`; `kill-at` in the run's folder says at which moment. How many
there are, a training that is not killed leaves in `moments`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spineseg.training.preload  # noqa: F401
from spineseg.training import child
from spineseg.training.orders import Orders

TRAINER = "killed_anywhere:run_job"
KILL_AT, MOMENTS = "kill-at", "moments"


def run_job(run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    """Train as ever, up to the moment."""
    asked = run_folder / KILL_AT
    kill_at = int(asked.read_text()) if asked.exists() else -1
    asked.unlink(missing_ok=True)
    passed: list[str] = []

    def moment(name: str, half: Callable[[], object] | None = None) -> None:
        passed.append(name)
        if len(passed) == kill_at:
            if half is not None:
                half()
            os.kill(os.getpid(), signal.SIGKILL)

    _watch(run_folder, moment)
    child.run_job(run_folder, device, cache, orders)
    (run_folder / MOMENTS).write_text("\n".join(passed))


def _watch(folder: Path, moment: Callable[..., None]) -> None:
    """Let every line, every file written whole, every sync and every move be two moments."""
    import torch

    write, fsync, replace = os.write, os.fsync, Path.replace
    write_bytes, save = Path.write_bytes, torch.save

    def is_ours(path: Path) -> bool:
        return folder in path.parents and path.name != child.LOG_FILE

    def watched_write(descriptor: int, data: bytes) -> int:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if is_ours(path):
            moment(f"before a line of {path.name}")
            moment(f"in a line of {path.name}", lambda: write(descriptor, data[: len(data) // 2]))
        return write(descriptor, data)

    def watched_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        moment(f"before {path.name} is synced")
        fsync(descriptor)

    def watched_replace(path: Path, target: Path) -> Path:
        if is_ours(path):
            moment(f"before {path.name} is put in place")
        moved = replace(path, target)
        if is_ours(path):
            moment(f"after {path.name} was put in place")
        return moved

    def watched_write_bytes(path: Path, data: Any) -> int:
        if is_ours(path):
            moment(f"before {path.name} is written")
            moment(f"in {path.name}", lambda: write_bytes(path, bytes(data)[: len(data) // 2]))
        return write_bytes(path, data)

    def watched_save(content: Any, path: Any, *rest: Any, **more: Any) -> None:
        save(content, path, *rest, **more)
        if isinstance(path, str | Path):
            size = Path(path).stat().st_size
            moment(f"in {Path(path).name}", lambda: os.truncate(path, size // 2))

    os.write, os.fsync, Path.replace = watched_write, watched_fsync, watched_replace  # type: ignore[assignment,method-assign]
    Path.write_bytes, torch.save = watched_write_bytes, watched_save  # type: ignore[assignment,method-assign]
