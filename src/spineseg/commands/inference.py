"""The commands that use weights, whosever they are: `predict` and `evaluate`."""

from __future__ import annotations

import sys
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
            help="Where the model or run is: an MLflow address, or a folder of records; default: "
            "the store of --config, else mlruns.",
        ),
        click.option(
            "--trust",
            is_flag=True,
            help="Load a .pt file in full: it then runs whatever code its maker put into it.",
        ),
        click.option("--model", metavar="NAME[@ALIAS|/VERSION]", help="A registered model."),
        click.option(
            "--run",
            metavar="STUDY[/RUN]",
            help="The best weights of a run on record, as phantom/search-002; of a study alone: of "
            "its best run.",
        ),
        click.option(
            "--weights",
            type=click.Path(path_type=Path),
            metavar="FILE|bundled",
            help="A .safetensors or .pt file, nothing in it is run; or the synthetic weights that "
            "come with the project. Without --weights, --run or --model: the champion.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("films", nargs=-1, required=True, metavar="FILES|FOLDERS|PATTERNS...")
@chooses_weights
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for overlays, JSON, CSV and gallery: a new one, or that of the same call, which "
    "then goes on; default: predictions, or predictions-2 and so on where that is taken.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="Less certain vertebrae are left out.",
)
@DEVICE
@JSON
def predict(
    films: tuple[str, ...],
    out: Path | None,
    confidence: float,
    device: str,
    as_json: bool,
    **asked: Any,
) -> None:
    """Outline and number the vertebrae on films: overlays, JSON, a CSV and an HTML gallery.

    Folders are searched with all beneath them, quoted patterns ('films/**/*.png') are expanded;
    what is no film there is skipped, counted and listed. Exit code 1 where a film could not be
    read and the others were predicted; a file named itself that is no film is refused beforehand.
    A call that was stopped goes on where it was if it is made again.
    """
    from spineseg.chosen_model import Asked
    from spineseg.commands.film_progress import FilmProgress
    from spineseg.inference.predict import predict_films

    say, choice = say_to(as_json), Asked(**asked)
    with FilmProgress(as_json) as progress:
        done = predict_films(
            films,
            choice,
            out=out,
            confidence=confidence,
            device=device,
            say=say,
            each=progress.show,
        )
    say(done.text())
    raise SystemExit(1 if done.errors else 0)


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
@click.option(
    "--reason",
    help="Why films of a study's test part are to be scored; entered as an opening of it.",
)
@DEVICE
@JSON
def evaluate(
    folder: Path, part: str, reason: str | None, device: str, as_json: bool, **asked: Any
) -> None:
    """Score any weights on any labelled export, numbered just as `predict` numbers with them."""
    from spineseg.chosen_model import Asked
    from spineseg.inference.evaluate import evaluate_films, evaluation_json, evaluation_text

    say = say_to(True) if sys.stderr.isatty() else _silent
    answer = evaluate_films(
        Asked(**asked), folder, part=part, device=device, reason=reason, say=say
    )
    click.echo((evaluation_json if as_json else evaluation_text)(*answer))


def _silent(text: str) -> None:
    """Say nothing: where no person looks on, the answer is all."""
