"""Which build of torch a machine is given: with CUDA or for the CPU alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

WANTED = ("auto", "cpu", "cuda")
_LABELLED = ("torch", "torchvision")
"""What has builds of its own, told apart by a label: 2.14.1+cpu."""
_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_ASK_TWICE_S = 60


class NotToBeHad(Exception):
    """A build was asked for that the index, or the system, does not have."""


@dataclass(frozen=True)
class Build:
    """A build of torch: what to ask pip for instead of the pinned versions, and why."""

    why: str
    pins: Mapping[str, str]
    cuda: bool


def chosen_build(
    wanted: str,
    pinned: Mapping[str, str],
    there: Mapping[str, Sequence[str]],
    *,
    gpu: bool,
    system: str = sys.platform,
) -> Build:
    """Return the build to install.

    `pinned` are the versions of torch and torchvision in the lock file, `there` those that the
    user's index has. Raises NotToBeHad where `wanted` ('auto', 'cpu', 'cuda') cannot be done.
    """
    if wanted not in WANTED:
        raise NotToBeHad(f"TORCH={wanted}: must be one of {', '.join(WANTED)}")
    if system != "linux":
        if wanted == "cuda":
            raise NotToBeHad(f"TORCH=cuda: torch has no build with CUDA for {system}; leave it out")
        return Build("torch: the only build that there is for this system", {}, cuda=False)
    cpu = {name: f"=={pinned[name]}+cpu" for name in _LABELLED}
    lacks = [f"{n}{pin}" for n, pin in cpu.items() if pin[2:] not in there.get(n, ())]
    if wanted == "cpu" and lacks:
        raise NotToBeHad(
            f"TORCH=cpu: pip finds no {' and no '.join(lacks)}; name an index that has it: "
            f"make setup TORCH=cpu PIP_EXTRA_INDEX_URL={_CPU_INDEX}"
        )
    if not lacks and (wanted == "cpu" or (wanted == "auto" and not gpu)):
        found = "as TORCH=cpu asks" if wanted == "cpu" else "no NVIDIA GPU here"
        return Build(f"torch: the CPU build, {found}; TORCH=cuda takes the other", cpu, cuda=False)
    plain = _without_cpu(pinned, there)
    if wanted == "cuda":
        return Build("torch: the build with CUDA, as TORCH=cuda asks", plain, cuda=True)
    if gpu:
        return Build("torch: the build with CUDA, for the NVIDIA GPU here", plain, cuda=True)
    return Build(
        "torch: the build with CUDA, although no NVIDIA GPU is here: pip finds no "
        f"{lacks[0]}. PyTorch's own index has a much smaller one; for that, stop this with Ctrl-C: "
        f"make setup PIP_EXTRA_INDEX_URL={_CPU_INDEX}",
        plain,
        cuda=True,
    )


def _without_cpu(pinned: Mapping[str, str], there: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return exact pins where pip would take a CPU build, which it thinks newer, for the pinned."""
    pins = {}
    for name in _LABELLED:
        of_this = [v for v in there.get(name, ()) if v.partition("+")[0] == pinned[name]]
        others = [version for version in of_this if not version.endswith("+cpu")]
        if others and len(others) < len(of_this):
            pins[name] = f"==={others[0]}"  # Newest first; three signs: to the letter.
    return pins


def requirements(lock: str, build: Build) -> str:
    """Return the text of the lock file for a build: CUDA's libraries left out where not needed."""
    lines = []
    for line in lock.splitlines():
        name = re.split(r"[=;\s]", line, maxsplit=1)[0]
        if not build.cuda and brought_by_cuda(name):
            continue
        lines.append(f"{name}{build.pins[name]}" if name in build.pins else line)
    return "\n".join(lines) + "\n"


def brought_by_cuda(name: str) -> bool:
    """Return whether a locked package is there for torch's build with CUDA alone."""
    libraries = name.startswith(("nvidia-", "cuda-")) and name != "nvidia-ml-py"
    return libraries or name == "triton"


def pinned_versions(lock: str) -> dict[str, str]:
    """Return the versions of torch and torchvision that a lock file pins."""
    found = re.findall(r"^(torch|torchvision)==([^\s;]+)", lock, re.M)
    return dict(found)


def versions_there(pinned: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the versions that pip finds where it looks on this machine; none where it cannot say.

    pip knows the user's index, proxy and password, so pip is asked.
    """
    with ThreadPoolExecutor() as pool:
        return dict(zip(pinned, pool.map(_versions, pinned), strict=True))


def _versions(name: str) -> list[str]:
    words = [sys.executable, "-m", "pip", "index", "versions", name]
    try:
        asked = subprocess.run(words, capture_output=True, text=True, timeout=_ASK_TWICE_S)
    except subprocess.TimeoutExpired:
        return []
    found = re.search(r"^Available versions: (.*)$", asked.stdout, re.M)
    return found[1].split(", ") if found else []


def has_nvidia_gpu() -> bool:
    """Return whether an NVIDIA GPU, with its driver, is in this machine."""
    if any(Path("/proc/driver/nvidia/gpus").glob("*")):
        return True
    # Under WSL the driver is Windows' own, and its program need not be on the PATH.
    program = shutil.which("nvidia-smi") or shutil.which("/usr/lib/wsl/lib/nvidia-smi")
    if program is None:
        return False
    try:
        told = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0 and "GPU" in told.stdout
