"""An Ultralytics checkpoint read as plain data, and its weights put into a network built anew.

Whatever a checkpoint names becomes a record that holds what was given to it: no class of torch's or
Ultralytics' networks is made from the file, so none of its code runs, then or later.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from spineseg.config.networks import family_of
from spineseg.errors import WeightsError
from spineseg.files import shown
from spineseg.prediction.architectures import description
from spineseg.prediction.pickled import NAME_ANOTHER, NETWORKS, named_in, no_checkpoint

MOST_CLASSES = 1000
LEAST_SIDE_PX = 32  # Of a network's input, and what its sides are multiples of.
MOST_SIDE_PX = 4096  # A size that a file makes up would fill the memory.
_ONE_AT_A_TIME = threading.Lock()  # What torch's unpickler may make is one list a process.
_NOT_THE_NETWORK = {"inplace", "training", "shape", "type", "np", "name", "nc", "max_det"}
"""Attributes that change no number that a network gives, or follow from others."""


class Record:
    """What stands for anything that a checkpoint names: its arguments, its attributes, no code."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds, as data."""

    path: Path
    network: Any  # A record of the pickled network; the network itself, if trusted.
    architecture: str
    class_names: tuple[str, ...]
    image_size_px: int


@lru_cache(maxsize=256)
def _record_of(name: str) -> type[Record]:
    module, _, last = name.rpartition(".")
    return type(last, (Record,), {"__module__": module})


def read_checkpoint(path: Path, *, trust: bool = False) -> Checkpoint:
    """Return what a .pt file holds; with `trust` it is loaded in full, and runs what it names.

    Raises WeightsError for a file that is no checkpoint of a network that Ultralytics ships, and,
    without `trust`, for one that would run code.
    """
    content = _in_full(path) if trust else _as_records(path)
    if type(content) is not dict:
        raise no_checkpoint(path, "it holds no table")
    averaged = content.get("ema")
    network = content.get("model") if averaged is None else averaged  # As Ultralytics chooses.
    if network is None:
        raise no_checkpoint(path, "there is no network in it")
    if _name_of(type(network)) != "ultralytics.nn.tasks.SegmentationModel":
        raise WeightsError(
            f"{shown(path)}: is no segmentation network ({type(network).__name__}); name a -seg "
            "checkpoint"
        )
    return Checkpoint(
        path=path,
        network=network,
        architecture=_architecture(path, network),
        class_names=_checked_names(path, getattr(network, "names", None)),
        image_size_px=trained_size_px(path, content.get("train_args")),
    )


def _as_records(path: Path) -> Any:
    import torch

    records = [(_record_of(name), name) for name in named_in(path) if NETWORKS.fullmatch(name)]
    try:
        with _ONE_AT_A_TIME, torch.serialization.safe_globals(records):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise no_checkpoint(path, "it does more than to hold weights") from None
    except Exception as error:  # A damaged file can raise anything.
        raise no_checkpoint(path, type(error).__name__) from None


def _in_full(path: Path) -> Any:
    from ultralytics.nn.tasks import torch_safe_load

    if not path.is_file():
        raise WeightsError(f"{shown(path)}: no such file; name a .pt or .safetensors file")
    try:
        return torch_safe_load(path)[0]
    except Exception as error:  # Unpickling a foreign file can raise anything.
        raise no_checkpoint(path, type(error).__name__) from None


def _architecture(path: Path, network: Any) -> str:
    told = getattr(network, "yaml", None)
    name, scale = (
        (told.get("yaml_file"), told.get("scale")) if isinstance(told, dict) else (None, None)
    )
    stem = PurePosixPath(str(name).replace("\\", "/")).stem
    for known in (stem, stem.replace("-seg", f"{scale}-seg", 1)):  # yolo11-seg.yaml at scale n.
        if description(known) is not None:
            return known
    raise unknown_architecture(path, stem)


def unknown_architecture(path: Path, name: str) -> WeightsError:
    """Return the error for weights of a network that cannot be built by its name."""
    return WeightsError(
        f"{shown(path)}: its architecture {name[:60]!r} is none that Ultralytics ships for "
        f"segmentation; {NAME_ANOTHER}, or, if you trust whoever made it, let it run its own code "
        "with --trust"
    )


def _checked_names(path: Path, names: Any) -> tuple[str, ...]:
    """Return class names in order. Raises WeightsError where they are no names."""
    if isinstance(names, list):
        names = dict(enumerate(names))
    if (
        not isinstance(names, dict)
        or not 1 <= len(names) <= MOST_CLASSES
        or any(number not in names for number in range(len(names)))
        or not all(isinstance(name, str) for name in names.values())
    ):
        raise WeightsError(
            f"{shown(path)}: its class names are no 1 to {MOST_CLASSES} names; {NAME_ANOTHER}"
        )
    return tuple(names[number] for number in range(len(names)))


def trained_size_px(path: Path, settings: Any) -> int:
    """Return the larger side that training says, 640 (Ultralytics' default) where it says none.

    Rounded up to a multiple of 32, as Ultralytics does. Raises WeightsError for one beyond bounds.
    """
    size = settings.get("imgsz") if isinstance(settings, dict) else None
    sides = size if isinstance(size, (list, tuple)) and size else [size]
    whole = [side for side in sides if type(side) is int and side > 0]
    side = max(whole, default=640)
    if side > MOST_SIDE_PX:
        raise WeightsError(
            f"{shown(path)}: its input size {str(side)[:20]} px is more than {MOST_SIDE_PX}; "
            f"{NAME_ANOTHER}"
        )
    return -(-side // LEAST_SIDE_PX) * LEAST_SIDE_PX


def weights_for(network: Any, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint's tensors for `network`, by name, in the precision they are stored in.

    Raises WeightsError where the checkpoint's network is another one in any layer, shape or
    constant (its weights might fit, and would give other predictions), or holds no numbers.
    """
    try:
        weights = dict(_weights(network, checkpoint.network, ""))
    except _AnotherNetwork as error:
        raise another_network(checkpoint.path, checkpoint.architecture, str(error)) from None
    return finite(checkpoint.path, weights)


def finite(path: Path, weights: dict[str, Any]) -> dict[str, Any]:
    """Return weights, of which all are numbers as float32. Raises WeightsError at the first not."""
    for name, tensor in weights.items():
        if not bool(tensor.float().isfinite().all()):
            raise WeightsError(
                f"{shown(path)}: its weights {name} hold NaN or infinite values, so it would find "
                f"nothing; {NAME_ANOTHER}, such as one of an earlier epoch"
            )
    return weights


def another_network(path: Path, architecture: str, why: str) -> WeightsError:
    """Return the error for weights that are not those of the network they name."""
    return WeightsError(
        f"{shown(path)}: it is not the {architecture} that "
        f"{'Ultralytics ships' if family_of(architecture) in (None, 'yolo') else 'is known here'} "
        f"({why}); "
        f"{NAME_ANOTHER}, or, if you trust whoever made it, let it run its own code with --trust"
    )


class _AnotherNetwork(Exception):
    """A layer that the shipped network has otherwise."""


def _weights(ours: Any, theirs: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of a module, or of a record of one, by their full names.

    The walk goes along `ours`, so it ends whatever the record holds.
    """
    import torch

    where = at.rstrip(".") or "the network"
    if _name_of(type(theirs)) != _name_of(type(ours)):
        raise _AnotherNetwork(f"{where} is no {type(ours).__name__}")
    held, mine = vars(theirs), vars(ours)
    for name in sorted(held.keys() & mine.keys() - _NOT_THE_NETWORK):
        plain = isinstance(mine[name], (bool, int, float, str, tuple, list))
        if plain and not name.startswith("_") and not _same(held[name], mine[name]):
            raise _AnotherNetwork(f"{where} has another {name}")
    for kind in ("_parameters", "_buffers", "_modules"):
        have = held.get(kind)
        want = {key: value for key, value in mine[kind].items() if value is not None}
        there = (
            {key for key, value in have.items() if value is not None}
            if isinstance(have, dict)
            else set()
        )
        if there != want.keys():
            raise _AnotherNetwork(f"{where} has other {kind.removeprefix('_')}")
        for key, value in want.items():
            if kind == "_modules":
                yield from _weights(value, have[key], f"{at}{key}.")
                continue
            tensor = have[key]
            if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
                raise _AnotherNetwork(f"{at}{key} is no tensor")
            if tensor.shape != value.shape:
                raise _AnotherNetwork(
                    f"{at}{key} is {_sizes(tensor.shape)}, not {_sizes(value.shape)}"
                )
            if tensor.is_floating_point() != value.is_floating_point():
                raise _AnotherNetwork(f"{at}{key} holds numbers of another kind")
            yield f"{at}{key}", tensor.detach()


def _same(theirs: Any, ours: Any) -> bool:
    try:
        return isinstance(theirs, (bool, int, float, str, tuple, list)) and bool(theirs == ours)
    except Exception:  # Of whatever a list in the file holds.
        return False


def _sizes(shape: Any) -> str:
    return "x".join(str(side) for side in shape) or "a number"


def _name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"
