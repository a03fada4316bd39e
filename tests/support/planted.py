"""Weights files that would run code: each leaves a file behind where it is loaded in full."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from spineseg.training.weights import bundled_weights


class Runs:
    """Runs a callable in unpickling."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call, self.arguments


def leaves(marker: Path) -> Runs:
    return Runs(os.system, f"touch '{marker}'")


def bundled() -> dict[str, Any]:
    """Return the bundled checkpoint, loaded in full: its network can be changed."""
    return torch.load(bundled_weights(), weights_only=False)


def system_call(path: Path, marker: Path) -> None:
    torch.save({"model": leaves(marker)}, path)


def evaluated(path: Path, marker: Path) -> None:
    torch.save({"model": Runs(eval, f"open({str(marker)!r}, 'w')")}, path)


def in_a_network(path: Path, marker: Path) -> None:
    checkpoint = bundled()
    checkpoint["model"].model[3].conv.note = [{"deep": leaves(marker)}]
    torch.save(checkpoint, path)


def beside_a_network(path: Path, marker: Path) -> None:
    torch.save(bundled() | {"train_metrics": leaves(marker)}, path)


def newer_protocol(path: Path, marker: Path) -> None:
    torch.save({"model": leaves(marker)}, path, pickle_protocol=4)


def zipped(path: Path, pickled: bytes) -> None:
    """Write a pickle as torch.save lays it out."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w/data.pkl", pickled)
        archive.writestr("w/version", "3\n")


def out_of_sight(path: Path, marker: Path) -> None:
    """The last two texts are harmless; what is named was put away before."""
    texts = [b"\x8c" + bytes([len(text)]) + text for text in (b"posix", b"system")]
    decoys = b"\x8c\x05torch0\x8c\x04Size0"
    command = f"touch '{marker}'".encode()
    zipped(
        path,
        b"\x80\x04" + b"".join(text + b"\x940" for text in texts) + decoys + b"h\x00h\x01\x93"
        b"X" + len(command).to_bytes(4, "little") + command + b"\x85R.",
    )  # fmt: skip


def by_attributes(path: Path, marker: Path) -> None:
    """Every name is one that a network's checkpoint may hold; what is called is reached by them."""
    command = f"touch '{marker}'".encode()
    zipped(
        path,
        b"\x80\x02cbuiltins\ngetattr\n(cbuiltins\ngetattr\n(cultralytics.nn.tasks\ntorch\n"
        b"X\x02\0\0\0ostRX\x06\0\0\0systemtR"
        b"X" + len(command).to_bytes(4, "little") + command + b"\x85R.",
    )


def claims_too_much(path: Path, marker: Path) -> None:
    """A text of 2**63 bytes."""
    zipped(path, b"\x80\x04\x8d" + (2**63 - 1).to_bytes(8, "little") + b"x.")


def older_file(path: Path, marker: Path) -> None:
    torch.save({"model": leaves(marker)}, path, _use_new_zipfile_serialization=False)


def plain_pickle(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(leaves(marker), protocol=0))


def second_pickle(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(1, protocol=2) + pickle.dumps(leaves(marker), protocol=5))


def tar(path: Path, marker: Path) -> None:
    """The oldest form, in which a flaw of torch's weights-only reading lay (CVE-2025-32434)."""
    with tarfile.open(path, "w") as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            content = pickle.dumps(leaves(marker), protocol=2)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def torchscript(path: Path, marker: Path) -> None:
    torch.jit.script(torch.nn.Identity()).save(str(path))


def packed(path: Path, marker: Path) -> None:
    """A small file that unpacks to a large one."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", pickle.dumps({"model": None}, protocol=2))
        archive.writestr("x/data/0", bytes(30_000_000))


def two_pickles(path: Path, marker: Path) -> None:
    """What is looked at first is harmless."""
    system_call(path, marker)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", pickle.dumps({}, protocol=2))


SAYS: dict[Callable[[Path, Path], None], str] = {
    system_call: "would run posix.system,",
    evaluated: "would run builtins.eval,",
    in_a_network: "would run posix.system,",
    beside_a_network: "would run posix.system,",
    newer_protocol: "its pickle has STACK_GLOBAL, which torch.save never writes",
    out_of_sight: "its pickle has STACK_GLOBAL, which torch.save never writes",
    claims_too_much: "is no Ultralytics checkpoint (",
    older_file: "would run posix.system,",
    plain_pickle: "would run posix.system,",
    second_pickle: "is no Ultralytics checkpoint",
    tar: "is no Ultralytics checkpoint",
    torchscript: "is no Ultralytics checkpoint (a TorchScript archive",
    packed: "unpacks to more than its size",
    two_pickles: "would run posix.system,",
}
"""How each is refused."""
