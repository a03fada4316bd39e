"""What a PyTorch checkpoint names, looked up without loading it: what is no network is refused.

A checkpoint is a pickle, and a pickle runs what it names. Here its names are read from its bytes;
neither torch nor anything named is imported.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from spineseg.errors import WeightsError
from spineseg.files import shown

NAME_ANOTHER = "name another file"
_MOST_PICKLED_BYTES = 64_000_000  # Of the largest network's, a hundredth: tensors lie beside it.
_LONGEST_SHOWN = 80

TENSORS = re.compile(
    r"torch\._utils\._rebuild_(tensor_v2|parameter)|torch\.\w+Storage|torch\.(Size|device|float16"
    r"|float32|int64)|collections\.OrderedDict|builtins\.set|_codecs\.encode"
)
"""Names that torch's weights-only unpickler calls itself: they make tensors and plain values."""
NETWORKS = re.compile(
    r"(torch|ultralytics)\.nn\.modules\.\w+\.\w+|ultralytics\.nn\.tasks\.\w+"
    r"|ultralytics\.utils\.(loss|tal)\.\w+|ultralytics\.(yolo\.)?utils\.IterableSimpleNamespace"
    r"|numpy\.dtype|numpy\._?core\.multiarray\.scalar|pathlib\.(_local\.)?(Posix|Windows)Path"
    # Published checkpoints keep `Detect.forward` so.
    r"|builtins\.getattr"
)
"""Names that checkpoints of Ultralytics hold besides: read as records, never called."""
_UNTOLD = {"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4"}
"""Ways to name something out of sight, or of older pickles: torch.save writes none of them."""
_OLD_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}  # Protocol 2 is Python 2's.


def named_in(path: Path) -> set[str]:
    """Return the names that a checkpoint holds, each `module.name`, all of them of a network.

    Raises WeightsError for a file that is no checkpoint, that is packed, and that names anything
    that a network does not need; the name is said.
    """
    if not path.is_file():
        raise WeightsError(f"{shown(path)}: no such file; name a .pt or .safetensors file")
    names: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for pickled in _pickles(path, archive):
                with archive.open(pickled) as file:
                    names.update(_names(file))
    except WeightsError:
        raise
    except zipfile.BadZipFile:  # Older than 2020, or no checkpoint at all.
        with path.open("rb") as file:
            _refuse_others(path, set(_all_names(file)))
        raise no_checkpoint(path, "no archive of torch.save") from None
    except _Untold as error:
        why = (
            f"its pickle has {error}, which torch.save never writes; it may hide what it would run"
        )
        raise no_checkpoint(path, why) from None
    except Exception as error:  # A damaged archive can raise anything.
        raise no_checkpoint(path, f"{type(error).__name__}") from None
    _refuse_others(path, names)
    return names


def no_checkpoint(path: Path, why: str) -> WeightsError:
    """Return the error for a file that is damaged, or of another kind."""
    return WeightsError(f"{shown(path)}: is no Ultralytics checkpoint ({why}); {NAME_ANOTHER}")


def _pickles(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the pickles of an archive. Raises WeightsError where it is none of torch.save."""
    entries = archive.infolist()
    pickles = [entry for entry in entries if Path(entry.filename).name == "data.pkl"]
    if any(Path(entry.filename).name == "constants.pkl" for entry in entries):
        raise no_checkpoint(path, "a TorchScript archive, which holds a program")
    if not pickles:
        raise no_checkpoint(path, "no data.pkl in it")
    size = path.stat().st_size
    packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if packed or sum(entry.file_size for entry in entries) > size:
        raise no_checkpoint(path, "it unpacks to more than its size, torch.save packs nothing")
    if any(entry.file_size > _MOST_PICKLED_BYTES for entry in pickles):
        raise no_checkpoint(path, f"its pickle has more than {_MOST_PICKLED_BYTES} bytes")
    return pickles


class _Untold(ValueError):
    """An opcode that names something which cannot be told without running the pickle."""


def _names(file: IO[bytes]) -> Iterator[str]:
    """Yield what one pickle names. Raises _Untold where that hides, what it may where it is torn.

    A STACK_GLOBAL takes its names from the stack, where a pickle can put them out of sight.
    """
    for opcode, value, _ in pickletools.genops(file):
        if opcode.name in _UNTOLD:
            raise _Untold(opcode.name)
        if opcode.name == "GLOBAL":
            yield _joined(*str(value).split(" ", 1))


def _all_names(file: IO[bytes]) -> Iterator[str]:
    """Yield what the pickles name that a file is made of, one after another, as far as they go."""
    try:
        while file.tell() < _MOST_PICKLED_BYTES:
            yield from _names(file)
    except Exception:  # What follows the pickles may be anything.
        return


def _joined(module: str, name: str = "") -> str:
    return f"{_OLD_MODULES.get(module, module)}.{name}"


def _refuse_others(path: Path, names: set[str]) -> None:
    """Raise WeightsError where a name is none that a network's checkpoint needs."""
    others = sorted(n for n in names if not (TENSORS.fullmatch(n) or NETWORKS.fullmatch(n)))
    if others:
        said = ", ".join(shown(name[:_LONGEST_SHOWN]) for name in others[:3])
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise WeightsError(
            f"{shown(path)}: loading it would run {said}{more}, which is no part of a network; "
            f"{NAME_ANOTHER}, or, if you trust whoever made it, write its weights to a "
            ".safetensors file with `spineseg export model --trust`"
        )
