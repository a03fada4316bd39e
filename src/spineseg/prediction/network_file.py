"""Networks in files: `.safetensors`, which holds weights and nothing that runs, and `.pt`.

Either is loaded without running anything that it holds: the network is built by its architecture's
name from what Ultralytics ships, and takes the file's weights where every layer and shape agrees.
`trust` loads a `.pt` file in full instead: as a pickle, it then runs whatever its maker wanted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spineseg.config.networks import family_of
from spineseg.errors import WeightsError
from spineseg.files import shown, write_whole
from spineseg.prediction.built import untrained
from spineseg.prediction.checkpoints import (
    LEAST_SIDE_PX,
    MOST_CLASSES,
    MOST_SIDE_PX,
    another_network,
    finite,
    read_checkpoint,
    trained_size_px,
    unknown_architecture,
    weights_for,
)
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.pickled import named_in, no_checkpoint
from spineseg.prediction.suffixes import SAFE

_CARD = "spineseg"
_MOST_HALF = 60_000.0  # Half precision ends at 65,504.
_MOST_HEADER_BYTES = 4_000_000  # Of the largest network's, a twentieth.
LICENCE = "AGPL-3.0"  # Of Ultralytics' networks, and so of weights trained from them.


class Prompter(BaseModel):
    """The YOLO network that prompts a SAM, and lies in the same file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    image_size_px: int = Field(ge=LEAST_SIDE_PX, le=MOST_SIDE_PX, multiple_of=LEAST_SIDE_PX)


class NetworkCard(BaseModel):
    """What a `.safetensors` file says of its network, in its metadata, as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    architecture: str
    class_names: tuple[str, ...] = Field(min_length=1, max_length=MOST_CLASSES)
    image_size_px: int = Field(ge=LEAST_SIDE_PX, le=MOST_SIDE_PX, multiple_of=LEAST_SIDE_PX)
    licence: str = LICENCE
    prompter: Prompter | None = None
    numbering: NumberingModel | None = None  # How the weights number; None: the file is silent.
    synthetic: bool | None = None  # Trained on synthetic films only; None where nobody knows.


def load_network(path: Path, *, trust: bool = False) -> Any:
    """Return the network in a file, float32, on the CPU, ready to predict.

    It carries `architecture`, `names`, `args["imgsz"]` and `task`. With `trust`, a .pt file is
    loaded in full, and runs the code it holds. Raises WeightsError where there is no network, it
    does not segment, it would run code, it is another network than it says, or its weights are no
    numbers.
    """
    if trust and not _is_safe(path):
        network = _in_full(path)
        finite(path, network.state_dict())
        return network
    network, card, weights = _opened(path)
    network.load_state_dict(weights, strict=True)
    network.names = dict(enumerate(card.class_names))
    network.args = {"task": "segment", "imgsz": card.image_size_px}
    network.task, network.pt_path = "segment", str(path)
    for module in network.modules():
        if hasattr(module, "inplace"):
            module.inplace = True
    return network.eval()


def trained_image_size_px(path: Path, *, trust: bool = False) -> int:
    """Return the input size that weights were trained at. Raises WeightsError as load_network."""
    if _is_safe(path):
        return read_card(path).image_size_px
    if trust:
        return trained_size_px(path, _in_full(path).args)
    return read_checkpoint(path).image_size_px


def refuse_code(path: Path) -> None:
    """Raise WeightsError for a file that is no network's, or names what no network needs.

    It is the early look, without torch, at what `load_network` will not take; what it lets pass is
    not safe to load in full, as a chain of attributes leads from harmless names to any other.
    """
    if _is_safe(path):
        read_card(path)
    else:
        named_in(path)


def numbering_in(path: Path) -> tuple[NumberingModel | None, bool | None]:
    """Return how weights number and whether their films were synthetic, as far as the file says."""
    if not _is_safe(path):
        return None, None
    card = read_card(path)
    return card.numbering, card.synthetic


def write_network(
    source: Path,
    target: Path,
    *,
    trust: bool = False,
    numbering: NumberingModel | None = None,
    synthetic: bool | None = None,
) -> None:
    """Write the weights in `source` to `target` as .safetensors, in the precision they have there.

    `numbering` and `synthetic` go with them, so that they number alike wherever they are. The same
    give the same bytes. Raises WeightsError as load_network does, and for a network that cannot be
    built by its name; then nothing is written.
    """
    from safetensors.torch import save

    _, card, weights = _opened(source, trust=trust)
    whole = {key: weights[key].clone().contiguous() for key in sorted(weights)}
    card = card.model_copy(update={"numbering": numbering, "synthetic": synthetic})
    # One key: of several, the library keeps no certain order.
    write_whole(target, save(whole, metadata={_CARD: card.model_dump_json(exclude_none=True)}))


def write_built(network: Any, target: Path, image_size_px: int) -> None:
    """Write a network that was built by its name to `target` as .safetensors, in half precision.

    It is trained at `image_size_px`. A tensor that half precision cannot hold keeps its own. Raises
    WeightsError, and writes nothing, where a weight is no number.
    """
    from safetensors.torch import save

    weights = finite(target, network.state_dict())
    card = NetworkCard(
        architecture=network.architecture,
        class_names=tuple(network.names[place] for place in sorted(network.names)),
        image_size_px=image_size_px,
    )
    if getattr(network, "prompter", None) is not None:
        prompter = Prompter(
            architecture=network.prompter.architecture,
            image_size_px=network.prompter_image_size_px,
        )
        card = card.model_copy(update={"prompter": prompter})
    halved = {key: _halved(weights[key]) for key in sorted(weights)}
    write_whole(target, save(halved, metadata={_CARD: card.model_dump_json(exclude_none=True)}))


def _halved(tensor: Any) -> Any:
    kept = tensor.detach().cpu()
    fits = kept.is_floating_point() and kept.numel() and float(kept.abs().max()) < _MOST_HALF
    return (kept.half() if fits else kept.clone()).contiguous()


def _is_safe(path: Path) -> bool:
    return path.suffix.lower() == SAFE


def _opened(path: Path, *, trust: bool = False) -> tuple[Any, NetworkCard, dict[str, Any]]:
    """Return a file's network without weights, its card, and its weights as they are stored."""
    if _is_safe(path):
        card = read_card(path)
        network = _named(path, card)
        return network, card, _tensors(path, card, network)
    checkpoint = read_checkpoint(path, trust=trust)
    card = NetworkCard(
        architecture=checkpoint.architecture,
        class_names=checkpoint.class_names,
        image_size_px=checkpoint.image_size_px,
    )
    network = _named(path, card)
    return network, card, weights_for(network, checkpoint)


def _named(path: Path, card: NetworkCard) -> Any:
    classes, parts = len(card.class_names), {}
    if family_of(card.architecture) == "sam":
        parts["image_size_px"] = card.image_size_px
    if card.prompter is not None:
        known = family_of(card.prompter.architecture) == "yolo"
        if not known or family_of(card.architecture) != "sam":
            raise unknown_architecture(path, card.prompter.architecture)
        prompter = untrained(card.prompter.architecture, classes)
        parts["prompter"] = prompter
    network = untrained(card.architecture, classes, **parts)
    if network is None:
        raise unknown_architecture(path, card.architecture)
    network.architecture = card.architecture
    if card.prompter is not None:
        prompted_by(network, card.prompter, card.class_names)
    return network


def prompted_by(network: Any, prompter: Prompter, class_names: Sequence[str]) -> None:
    """Note in a SAM what prompts it, and which classes that knows."""
    network.prompter_image_size_px = prompter.image_size_px
    network.prompter.architecture = prompter.architecture
    network.prompter.names = dict(enumerate(class_names))


def read_card(path: Path) -> NetworkCard:
    """Return what the header of a .safetensors file says. Imports no torch."""
    if not path.is_file():
        raise WeightsError(f"{shown(path)}: no such file; name a .pt or .safetensors file")
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _MOST_HEADER_BYTES:
                raise _no_network(path, f"its header says it has {length} bytes")
            header = json.loads(file.read(length))
        return NetworkCard.model_validate_json(header["__metadata__"][_CARD])
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in wrong["loc"])[:60]
        raise _no_network(path, f"its header cannot be read: {place}: {wrong['msg']}") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        why = (
            "no card in it"
            if isinstance(error, (KeyError, TypeError))
            else "its header cannot be read"
        )
        raise _no_network(path, why) from None


def _tensors(path: Path, card: NetworkCard, network: Any) -> dict[str, Any]:
    """Return the tensors of a .safetensors file, which are those of `network`, name by name."""
    from safetensors import SafetensorError, safe_open

    ours = network.state_dict()
    wanted = {key: list(value.shape) for key, value in ours.items()}
    try:
        with safe_open(path, framework="pt") as file:
            found = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118
            for key in sorted(wanted.keys() | found.keys()):
                if wanted.get(key) != found.get(key):
                    why = f"{key[:80]!r} is {found.get(key)}, not {wanted.get(key)}"
                    raise another_network(path, card.architecture, why)
            tensors = {key: file.get_tensor(key) for key in wanted}
    except (SafetensorError, OSError) as error:
        raise _no_network(path, str(error)[:100] or type(error).__name__) from None
    for key, tensor in tensors.items():
        if tensor.is_floating_point() != ours[key].is_floating_point():
            why = f"{key} holds numbers of another kind"
            raise another_network(path, card.architecture, why)
    return finite(path, tensors)


def _no_network(path: Path, why: str) -> WeightsError:
    return WeightsError(
        f"{shown(path)}: is no network of this project ({shown(why)}); name a file that `spineseg "
        "export` wrote, or a .pt file"
    )


def _in_full(path: Path) -> Any:
    """Return the network in a .pt file as Ultralytics loads it: the file's code runs."""
    from ultralytics.nn.tasks import load_checkpoint

    if not path.is_file():
        raise WeightsError(f"{shown(path)}: no such file; name a .pt or .safetensors file")
    try:
        model, _ = load_checkpoint(path)
    except Exception as error:  # Unpickling a foreign file can raise anything.
        raise no_checkpoint(path, type(error).__name__) from None
    if getattr(model, "task", None) != "segment":
        raise WeightsError(f"{shown(path)}: is no segmentation network; name a -seg checkpoint")
    return model
