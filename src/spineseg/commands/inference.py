"""The commands that use weights, a file's or a registered model's: `predict` and `evaluate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from spineseg.commands.options import JSON, NAMED_CONFIG, SETS, say_to

Command = Callable[..., None]
DEVICE = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu or a CUDA device."
)


def chooses_weights(command: Command) -> Command:
    """Give a command the options that say which weights it uses, and how they number."""
    for option in (
        click.option(
            "--numbering",
            type=click.Choice(["argmax", "sequence"]),
            help="Levels one by one or by whole columns; default: as the weights' own job or "
            "version says, else whole.",
        ),
        SETS,
        NAMED_CONFIG,
        click.option(
            "--store",
            metavar="URI|DIR",
            help="Where the model is: an MLflow address, or a folder of records; default: the "
            "store of --config, else mlruns.",
        ),
        click.option(
            "--trust",
            is_flag=True,
            help="Load a .pt file in full: it then runs whatever code its maker put into it.",
        ),
        click.option("--model", metavar="NAME[@ALIAS|/VERSION]", help="A registered model."),
        click.option(
            "--weights",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="A .safetensors or .pt file; nothing in it is run.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@chooses_weights
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("predictions"),
    show_default=True,
    help="Folder of overlays and JSON files.",
)
@click.option("--confidence", type=click.FloatRange(0, 1), default=0.25, show_default=True)
@DEVICE
@JSON
def predict(
    images: tuple[Path, ...],
    out: Path,
    confidence: float,
    device: str,
    as_json: bool,
    **asked: Any,
) -> None:
    """Outline and number the vertebrae on IMAGES: an overlay and a JSON file each.

    Without --weights or --model, by the champion of spine-vertebrae.
    """
    from spineseg.chosen_model import DEFAULT_MODEL, Asked
    from spineseg.inference import predict_images

    if asked["weights"] is None and asked["model"] is None:
        asked["model"] = DEFAULT_MODEL
    predictions = predict_images(
        images, Asked(**asked), out=out, confidence=confidence, device=device, say=say_to(as_json)
    )
    if as_json:
        click.echo(json.dumps(predictions))


@click.command()
@chooses_weights
@click.option(
    "--data",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    help="A labelled export, YOLO or COCO.",
)
@click.option(
    "--part",
    default="valid",
    show_default=True,
    type=click.Choice(["train", "valid", "test", "all"]),
)
@click.option(
    "--image-size",
    "image_size_px",
    type=click.IntRange(32),
    help="Network input in px; default: as trained.",
)
@DEVICE
@JSON
def evaluate(folder: Path, part: str, device: str, as_json: bool, **asked: Any) -> None:
    """Score any weights, a file's or a registered model's, on any labelled export."""
    from spineseg.chosen_model import Asked
    from spineseg.inference import evaluate_films, evaluation_json, evaluation_text

    answer = evaluate_films(Asked(**asked), folder, part=part, device=device)
    click.echo((evaluation_json if as_json else evaluation_text)(*answer))
