"""The commands `export`: a model for use elsewhere, a study's tables and figures for a paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from spineseg.commands.inference import chooses_weights
from spineseg.commands.options import JSON, say_to


@click.group()
def export() -> None:
    """Write a model for use elsewhere, or a study's tables and figures for a paper."""


@click.command("model")
@click.argument("films", nargs=-1, type=click.Path(path_type=Path))
@chooses_weights
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="FILE.onnx for any runtime, or FILE.safetensors: the weights, and nothing that runs.",
)
@click.option(
    "--image-size",
    "image_size_px",
    type=click.IntRange(32),
    help="ONNX: network input in px, a multiple of 32; default: as trained.",
)
@click.option(
    "--opset",
    type=click.IntRange(13, 20),
    default=17,
    show_default=True,
    help="ONNX: version of its operators.",
)
@JSON
def export_model(
    films: tuple[Path, ...], out: Path, opset: int, as_json: bool, **asked: Any
) -> None:
    """Write weights to a file for use elsewhere; one that is there is replaced.

    ONNX is compared with torch on FILMS, by default on synthetic ones made for it, and kept only
    where boxes and masks agree. Without --weights, --run or --model, the champion.
    """
    from spineseg.chosen_model import Asked
    from spineseg.export import export_network

    say = say_to(as_json)
    written = export_network(Asked(**asked), films, out=out, opset=opset, say=say)
    if as_json:
        click.echo(json.dumps(written))
    else:
        replaced = ", replaced" if written["replaced"] else ""
        click.echo(f"{written['file']}, SHA-256 {written['sha256'][:12]}{replaced}")


export.add_command(export_model)
