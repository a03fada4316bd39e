"""Networks in files: both kinds give the same predictions; another network is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import planted
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from spineseg.errors import WeightsError
from spineseg.phantom.film import render_film
from spineseg.prediction.checkpoints import trained_size_px
from spineseg.prediction.network_file import load_network, trained_image_size_px, write_network
from spineseg.prediction.segmenter import load_segmenter
from spineseg.training.weights import bundled_weights


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("safe") / "w.safetensors"
    write_network(bundled_weights(), path)
    return path


def said(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load_network(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    return str(caught.value)


def test_both_kinds_of_file_predict_as_ultralytics_own_loading_does(
    safe: Path, tmp_path: Path
) -> None:
    films = []
    for view in ("frontal", "lateral"):
        films.append(tmp_path / f"{view}.png")
        Image.fromarray(render_film(view, 256, 3).pixels).save(films[-1])
    theirs, pickled, written = (
        list(load_segmenter(path, image_size_px=224, trust=trust).predict_many(films))
        for path, trust in (
            (bundled_weights(), True),
            (bundled_weights(), False),
            (safe, False),
        )
    )
    assert all(len(prediction.detections) > 10 for prediction in theirs)
    for ours in (pickled, written):
        for a, b in zip(theirs, ours, strict=True):
            assert len(a.detections) == len(b.detections)
            for one, other in zip(a.detections, b.detections, strict=True):
                assert (one.level, one.confidence) == (other.level, other.confidence)
                assert np.array_equal(one.box, other.box)
                assert np.array_equal(one.level_scores, other.level_scores)
                assert one.mask.code == other.mask.code


def test_the_written_file_holds_the_weights_as_they_were_and_says_what_they_are(
    safe: Path, tmp_path: Path
) -> None:
    stored = planted.bundled()["model"].state_dict()
    written = load_file(safe)
    assert written.keys() == stored.keys()
    assert all(v.dtype == stored[k].dtype and torch.equal(v, stored[k]) for k, v in written.items())
    header = json.loads(safe.read_bytes()[8 : 8 + int.from_bytes(safe.read_bytes()[:8], "little")])
    card = json.loads(header["__metadata__"]["spineseg"])
    assert card["architecture"] == "yolo11n-seg" and card["class_names"][:2] == ["L1", "L2"]
    assert card["image_size_px"] == trained_image_size_px(safe) == 224
    assert card["licence"] == "AGPL-3.0"
    write_network(bundled_weights(), tmp_path / "again.safetensors")
    write_network(safe, tmp_path / "copied.safetensors")
    for name in ("again", "copied"):
        assert (tmp_path / f"{name}.safetensors").read_bytes() == safe.read_bytes()


@pytest.mark.wide
def test_of_a_run_under_way_the_averaged_weights_are_taken(tmp_path: Path) -> None:
    checkpoint = planted.bundled()
    averaged = planted.bundled()["model"].float()
    torch.nn.init.ones_(averaged.model[0].conv.weight)
    torch.save(checkpoint | {"ema": averaged, "epoch": 4}, tmp_path / "last.pt")
    write_network(tmp_path / "last.pt", tmp_path / "w.safetensors")
    written = load_file(tmp_path / "w.safetensors")["model.0.conv.weight"]
    assert written.dtype == torch.float32 and bool((written == 1).all())
    assert torch.equal(load_network(tmp_path / "last.pt").model[0].conv.weight, written)


def test_loading_draws_no_random_numbers() -> None:
    before = torch.random.get_rng_state()
    load_network(bundled_weights())
    assert torch.equal(before, torch.random.get_rng_state())


def wider(checkpoint: dict[str, Any]) -> None:
    checkpoint["model"].model[0].conv.weight = torch.nn.Parameter(torch.zeros(8, 3, 3, 3).half())


def other_activation(checkpoint: dict[str, Any]) -> None:
    checkpoint["model"].model[1].add_module("act", torch.nn.ReLU())


def other_numbers(checkpoint: dict[str, Any]) -> None:
    bn = checkpoint["model"].model[0].bn
    bn._buffers["running_mean"] = torch.zeros(16, dtype=torch.int64)


def other_stride(checkpoint: dict[str, Any]) -> None:
    checkpoint["model"].model[1].conv.stride = (1, 1)


def no_stride(checkpoint: dict[str, Any]) -> None:
    checkpoint["model"].model[1].conv.stride = [torch.ones(2)]


def layer_gone(checkpoint: dict[str, Any]) -> None:
    del checkpoint["model"].model[4].m[0]


def no_tensor(checkpoint: dict[str, Any]) -> None:
    checkpoint["model"].model[2].cv1.bn._buffers["running_var"] = "ones"


def own_description(checkpoint: dict[str, Any]) -> None:
    checkpoint["model"].yaml["yaml_file"] = "/somewhere/mine-seg.yaml"


def another_task(checkpoint: dict[str, Any]) -> None:
    from ultralytics.nn.tasks import DetectionModel

    detects = object.__new__(DetectionModel)
    vars(detects).update(vars(checkpoint["model"]))
    checkpoint["model"] = detects


def no_names(checkpoint: dict[str, Any]) -> None:
    checkpoint["model"].names = {0: "L1", 2: "L2"}


def empty(checkpoint: dict[str, Any]) -> None:
    checkpoint["model"] = None


def an_average_of_no_kind(checkpoint: dict[str, Any]) -> None:
    checkpoint["ema"] = torch.ones(2)


def too_large_an_input(checkpoint: dict[str, Any]) -> None:
    checkpoint["train_args"] = {"imgsz": 1_000_000}


def no_number(checkpoint: dict[str, Any]) -> None:
    network = checkpoint["model"].model
    network[4].cv1.conv.weight.data[0, 0] = torch.nan
    network[6].cv1.conv.weight.data[0, 0] = torch.inf


DIFFERENCES: dict[Callable[[dict[str, Any]], None], str] = {
    wider: "not the yolo11n-seg that Ultralytics ships (model.0.conv.weight is 8x3x3x3, not 16x3x",
    other_activation: "(model.1.act is no SiLU)",
    other_stride: "(model.1.conv has another stride)",
    other_numbers: "(model.0.bn.running_mean holds numbers of another kind)",
    no_stride: "(model.1.conv has another stride)",
    layer_gone: "(model.4.m has other modules)",
    no_tensor: "(model.2.cv1.bn.running_var is no tensor)",
    own_description: "its architecture 'mine-seg' is none that Ultralytics ships",
    another_task: "is no segmentation network (DetectionModel)",
    no_names: "its class names are no 1 to 1000 names",
    empty: "there is no network in it",
    an_average_of_no_kind: "is no segmentation network (Tensor)",
    too_large_an_input: "its input size 1000000 px is more than 4096",
    no_number: "its weights model.4.cv1.conv.weight hold NaN or infinite values",
}


_FAST = (wider, other_activation, own_description, an_average_of_no_kind, no_number)


@pytest.mark.parametrize(
    "change",
    [c if c in _FAST else pytest.param(c, marks=pytest.mark.wide) for c in DIFFERENCES],
    ids=lambda change: change.__name__,
)
def test_a_checkpoint_of_another_network_is_refused_with_what_differs(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    checkpoint = planted.bundled()
    change(checkpoint)
    torch.save(checkpoint, tmp_path / "w.pt")
    assert DIFFERENCES[change] in said(tmp_path / "w.pt")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_torn_file_is_one_line(safe: Path, tmp_path: Path, suffix: str, share: float) -> None:
    whole = (safe if suffix == ".safetensors" else bundled_weights()).read_bytes()
    (tmp_path / f"w{suffix}").write_bytes(whole[: int(len(whole) * share)])
    assert "is no " in said(tmp_path / f"w{suffix}")


def card(**changes: Any) -> dict[str, str]:
    whole = {"architecture": "yolo11n-seg", "class_names": ["L1"] * 24, "image_size_px": 224}
    return {"spineseg": json.dumps(whole | changes)}


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (card(architecture="yolo11s-seg"), "is not the yolo11s-seg that Ultralytics ships"),
        (card(architecture="../../yolo11n-seg"), "'../../yolo11n-seg' is none that Ultralytics"),
        (card(architecture="yolo11n"), "'yolo11n' is none that Ultralytics ships"),
        (card(architecture="__import__('os')"), "is none that Ultralytics ships"),
        (card(class_names=["L1"]), "is not the yolo11n-seg that Ultralytics ships"),
        (card(class_names=["L1"] * 100_000), "its header cannot be read"),
        (card(image_size_px=0), "cannot be read: image_size_px: Input should be greater than or"),
        (card(image_size_px=100), "image_size_px: Input should be a multiple of 32"),
        (card(image_size_px=100_000), "image_size_px: Input should be less than or equal to 4096"),
        (card(code="x"), "its header cannot be read"),
        ({"format": "pt"}, "no card in it"),
        (None, "no card in it"),
    ],
)
def test_a_safe_file_that_says_something_else_is_refused(
    safe: Path, tmp_path: Path, metadata: dict[str, str] | None, words: str
) -> None:
    save_file(load_file(safe), tmp_path / "w.safetensors", metadata=metadata)
    assert words in said(tmp_path / "w.safetensors")


@pytest.mark.parametrize("value", [torch.nan, -torch.inf])
def test_weights_that_are_no_numbers_are_refused_by_name(
    safe: Path, tmp_path: Path, value: float
) -> None:
    tensors = load_file(safe)
    tensors["model.0.bn.bias"][3] = value
    save_file(tensors, tmp_path / "w.safetensors", metadata=card())
    assert "its weights model.0.bn.bias hold NaN or inf" in said(tmp_path / "w.safetensors")


@pytest.mark.wide
def test_trusted_weights_that_are_no_numbers_are_refused_too(tmp_path: Path) -> None:
    checkpoint = planted.bundled()
    no_number(checkpoint)
    torch.save(checkpoint, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match=r"its weights model\.4\.cv1\.conv\.weight hold NaN"):
        load_network(tmp_path / "w.pt", trust=True)


@pytest.mark.parametrize(("said", "wanted"), [(1, 32), (100, 128), ([640, 224], 640), (None, 640)])
def test_an_input_size_is_rounded_up_as_ultralytics_does(said: Any, wanted: int) -> None:
    assert trained_size_px(Path("w.pt"), {"imgsz": said}) == wanted


def test_a_level_that_two_classes_give_is_refused(safe: Path, tmp_path: Path) -> None:
    names = ["T1", "t1 ", *(f"L{i}" for i in range(1, 6)), *(f"C{i}" for i in range(1, 8))]
    network = load_network(safe)
    network.names = dict(enumerate(names))
    with pytest.raises(WeightsError, match="its classes give T1 more than once"):
        load_segmenter(tmp_path / "w.pt", image_size_px=96, network=network)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux's")
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_link_to_what_cannot_be_read_is_one_line(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"w{suffix}").symlink_to("/proc/self/mem")
    assert "is no " in said(tmp_path / f"w{suffix}")


@pytest.mark.parametrize("change", ["more", "fewer", "shape", "kind"])
def test_a_safe_file_with_other_tensors_is_refused(safe: Path, tmp_path: Path, change: str) -> None:
    tensors = load_file(safe)
    key = "model.0.conv.weight"
    if change == "more":
        tensors["model.__reduce__"] = torch.zeros(1)
    elif change == "fewer":
        del tensors[key]
    elif change == "kind":
        tensors[key] = torch.zeros(16, 3, 3, 3, dtype=torch.int32)
    else:
        tensors[key] = torch.zeros(1, 3, 3, 3)
    save_file(tensors, tmp_path / "w.safetensors", metadata=card())
    assert "is not the yolo11n-seg that Ultralytics ships (" in said(tmp_path / "w.safetensors")


def test_a_header_that_claims_to_be_huge_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    assert f"its header says it has {2**62} bytes" in said(path)
