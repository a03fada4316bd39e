"""Weights written for use elsewhere: as ONNX, checked against torch, or as .safetensors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from spineseg.chosen_model import Asked, Chosen, chosen_model
from spineseg.decoding.decode import read_film
from spineseg.errors import ConfigError, WeightsError
from spineseg.files import sha256_of, shown, staging
from spineseg.prediction.network_file import (
    LICENCE,
    SAFE,
    load_network,
    read_card,
    write_network,
)

_PHANTOM_PX = 256
_PHANTOM_SEEDS = (1, 2)


def export_network(
    asked: Asked, films: Sequence[Path], *, out: Path, opset: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Write weights to `out`, .onnx or .safetensors, and return what was written.

    An ONNX file is compared with torch on `films`, or on phantoms made for it, and is not kept
    where they are too far apart: then WeightsError says how far. Raises ConfigError for another
    suffix, a place that takes no file or a size that no network takes, DataError for a film that
    cannot be read, and whatever `chosen_model` does; then nothing is written.
    """
    kind = out.suffix.lower()
    if kind not in (".onnx", SAFE):
        raise ConfigError(f"--out {out}: must end in .onnx or {SAFE}")
    if kind == SAFE and films:
        raise ConfigError(f"{films[0]}: films are for the check of a .onnx file; leave them out")
    if asked.image_size_px is not None and asked.image_size_px % 32:
        raise ConfigError(f"--image-size {asked.image_size_px}: must be a multiple of 32")
    if asked.image_size_px is not None and kind == SAFE:
        raise ConfigError(
            f"--image-size {asked.image_size_px}: is for .onnx files, {SAFE} keeps the size that "
            "the weights were trained at; leave it out"
        )
    _refuse_place(out)
    images = [np.ascontiguousarray(read_film(path)[..., ::-1]) for path in films]
    chosen = chosen_model(asked)
    say(chosen.text())
    with staging(out.parent, out.stem) as folder:
        part = folder / out.name
        if kind == SAFE:
            write_network(
                chosen.path,
                part,
                trust=chosen.trusted,
                numbering=chosen.numbering,
                synthetic=chosen.synthetic,
            )
            load_network(part)  # As whoever gets it will.
            card = read_card(part)
            figures = {"architecture": card.architecture, "licence": card.licence}
        else:
            figures = _checked_onnx(chosen, images, part, opset, say)
        replaced = out.exists()
        part.replace(out)
    return {
        "file": str(out),
        "replaced": replaced,
        "sha256": sha256_of(out),
        **figures,
        "weights": chosen.as_json(),
    }


def _refuse_place(out: Path) -> None:
    """Raise ConfigError where no file can be put, before any work is done for it."""
    if out.is_dir():
        raise ConfigError(
            f"--out {shown(out)}: is a folder; name a file, as {shown(out / out.name)}"
        )
    if out.exists() and not out.is_file():
        raise ConfigError(f"--out {shown(out)}: is no plain file; name another")
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not (parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)):
        raise ConfigError(
            f"--out {shown(out)}: nothing can be written in {shown(parent)}; name another"
        )


def _checked_onnx(
    chosen: Chosen,
    images: list[np.ndarray],
    part: Path,
    opset: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    from spineseg.prediction.onnx_file import agreement, write_onnx
    from spineseg.prediction.segmenter import load_segmenter

    segmenter = load_segmenter(
        chosen.path, image_size_px=chosen.image_size_px, trust=chosen.trusted
    )
    if not segmenter.exportable:
        raise WeightsError(
            f"{shown(chosen.path)}: a {segmenter.network.architecture} is not written as ONNX, "
            f"YOLO8 to YOLO12 alone are; name --out {shown(part.with_suffix(SAFE).name)}"
        )
    write_onnx(segmenter, part, _about(chosen), opset)
    apart = agreement(segmenter, part, images or _phantoms())
    what = "films" if images else "synthetic films made for it"
    said = f"onnxruntime and torch on {what}: {apart.text()}"
    if not apart.within:
        raise WeightsError(
            f"{said}; that is too far apart, so nothing was written; try another --opset, or "
            "another version of onnxruntime"
        )
    say(said)
    if apart.best_score < 0.05:
        say("the network found next to nothing on them; name films of its kind for a better check")
    return {"check": {"on": what, **vars(apart)}}


def _phantoms() -> list[np.ndarray]:
    from spineseg.phantom.film import VIEWS, render_film

    return [
        np.ascontiguousarray(np.dstack([render_film(view, _PHANTOM_PX, seed).pixels] * 3))
        for view in VIEWS
        for seed in _PHANTOM_SEEDS
    ]


def _about(chosen: Chosen) -> dict[str, Any]:
    """Return what the ONNX file says of itself, beside what describes the network."""
    known = {True: "yes", False: "no", None: "not known"}
    source = chosen.source
    return {
        "description": "Outlines and levels of vertebrae on spine X-rays. Not a medical device.",
        "author": "spineseg",
        "version": version("spineseg"),
        "license": LICENCE,
        "model": "{model} version {version}".format(**source) if "model" in source else "",
        "weights_sha256": chosen.sha256,
        "image_size_px": chosen.image_size_px,
        "numbering": json.dumps(chosen.numbering.model_dump(mode="json")),
        "numbering_note": "scores are of single levels; whole columns are numbered after "
        "suppression, by `numbering`, as `spineseg predict` does",
        "trained_on_synthetic_films_only": known[chosen.synthetic],
    }
