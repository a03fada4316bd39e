"""Say what `make setup` will install and how much that is; write the requirements for pip.

    python -m spineseg.installing LOCK REQUIREMENTS --torch auto
    python -m spineseg.installing LOCK REQUIREMENTS --extra ray

Never in the way of an installation: what cannot be found out is guessed, and said to be.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from spineseg.installing.downloads import File, Wanted, pip_sources, sizes, wanted_packages
from spineseg.installing.torch_build import (
    NotToBeHad,
    brought_by_cuda,
    chosen_build,
    has_nvidia_gpu,
    pinned_versions,
    requirements,
    versions_there,
)

_GB = 1e9
# Of the lock file of November 2026 on Linux x86_64, Python 3.11; what is unpacked is twice as much.
_GUESSED_GB = {True: 3.6, False: 0.9}
_GUESSED_EXTRA_GB = 0.1
_UNPACKED = 2.0


def main() -> None:
    """Write the requirements; print one line for the build of torch, one for the size."""
    parser = argparse.ArgumentParser(description="What make setup will install.")
    parser.add_argument("lock", type=Path)
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--torch", default="auto")
    parser.add_argument("--extra", help="the lock file is of what this extra brings along")
    parser.add_argument("--check", action="store_true", help="only compare what is installed")
    asked = parser.parse_args()
    try:
        if asked.check:
            refuse_other(asked.torch)
            return
        if asked.extra:
            text = asked.lock.read_text(encoding="utf-8")
            said = size_told(text, _GUESSED_EXTRA_GB, asked.requirements.parent)
            print(f"extra {asked.extra}: {said}", flush=True)
            asked.requirements.write_text(text, encoding="utf-8")
            return
        print("asking pip what there is for this machine ...", flush=True)
        lock = asked.lock.read_text(encoding="utf-8")
        pinned = pinned_versions(lock)
        build = chosen_build(asked.torch, pinned, versions_there(pinned), gpu=has_nvidia_gpu())
    except NotToBeHad as error:
        raise SystemExit(f"setup: {error}") from None
    text = requirements(lock, build)
    print(build.why)
    print(size_told(text, _GUESSED_GB[build.cuda], asked.requirements.parent), flush=True)
    asked.requirements.write_text(text, encoding="utf-8")


def refuse_other(wanted: str) -> None:
    """Raise NotToBeHad where another build than `wanted` is installed already."""
    try:
        installed = version("torch")
    except PackageNotFoundError:
        return
    try:
        with_cuda = bool(version("nvidia-cublas"))
    except PackageNotFoundError:
        with_cuda = False
    if wanted in ("cpu", "cuda") and with_cuda != (wanted == "cuda"):
        has = f"torch {installed} {'with' if with_cuda else 'without'} CUDA"
        raise NotToBeHad(f".venv has {has}; to have another: make clean, make setup TORCH={wanted}")


def size_told(text: str, guess: float, folder: Path) -> str:
    """Return how much will be downloaded and what it takes; `guess`, in GB, if need be."""
    try:
        wanted = wanted_packages(text)
        found = sizes(wanted, pip_sources())
    except Exception as error:  # pip's inner parts may change; an installation must not fail by it.
        why = f"not asked for: {type(error).__name__}"
        return _sentence(guess, guess * _UNPACKED, f" (guessed; {why})", folder)
    if not wanted:
        return "nothing is to be downloaded: all is there"
    if 2 * len(found) < len(wanted):
        why = f"the index told the sizes of {len(found)} of {len(wanted)} packages"
        return _sentence(guess, guess * _UNPACKED, f" (guessed: {why})", folder)
    return _summed(wanted, found, folder)


def _summed(wanted: list[Wanted], found: Mapping[Wanted, File], folder: Path) -> str:
    fetched = {one: file.size or 0 for one, file in found.items() if not file.here}
    unpacked = sum(file.size or 0 for file in found.values()) * _UNPACKED / _GB
    torch = sum(s for one, s in fetched.items() if one.name == "torch" or brought_by_cuda(one.name))
    parts = [f"torch and what it brings along {_amount(torch / _GB)}"] if torch else []
    if here := len(found) - len(fetched):
        parts.append(f"{here} of {len(wanted)} packages lie on this machine")
    if unknown := len(wanted) - len(found):
        parts.append(f"without {unknown} packages whose size the index does not tell")
    more = f" ({'; '.join(parts)})" if parts else ""
    return _sentence(sum(fetched.values()) / _GB, unpacked, more, folder)


def _sentence(download_gb: float, unpacked_gb: float, more: str, folder: Path) -> str:
    free = shutil.disk_usage(folder).free / _GB
    short = ": TOO LITTLE, stop with Ctrl-C and free some" if free < unpacked_gb else ""
    return (
        f"downloads about {_amount(download_gb)}{more}, less what pip has kept; takes about "
        f"{_amount(unpacked_gb)} in .venv; {_amount(free)} are free{short}"
    )


def _amount(gigabytes: float) -> str:
    return f"{gigabytes:.1f} GB" if gigabytes >= 0.95 else f"{1000 * gigabytes:.0f} MB"


if __name__ == "__main__":
    main()
