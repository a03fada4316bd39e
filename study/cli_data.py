"""The command `data`: make, audit and count a study's data, and write what is to be looked at."""

from __future__ import annotations

import json
from pathlib import Path

import click

from study.cli_options import CONFIG, JSON, SETS, say_to

_SOUND_FILMS = 24


@click.command()
@CONFIG
@SETS
@JSON
@click.option(
    "--review",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write doubtful films and a sample of the others there: drawn, and as Label Studio's "
    "tasks.",
)
@click.option(
    "--sound",
    type=click.IntRange(0),
    metavar="N",
    help=f"With --review: so many films without a finding, too; default: {_SOUND_FILMS}.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --review: a .pt file that reads whole columns; those labelled one level off from "
    "it are doubtful.",
)
@click.option("--model", metavar="NAME[@ALIAS|/VERSION]", help="The same, a registered model.")
@click.option(
    "--store", metavar="URI|DIR", help="Where the model is; default: the store of CONFIG."
)
@click.option(
    "--device", help="With --weights or --model: auto, cpu or a CUDA device; default: auto."
)
def data(
    config: Path,
    sets: tuple[str, ...],
    as_json: bool,
    review: Path | None,
    sound: int | None,
    weights: Path | None,
    model: str | None,
    store: str | None,
    device: str | None,
) -> None:
    """Make, fetch or merge a study's data, audit and count them.

    Exit code 1 where they leak between their parts in a way that the config does not accept.
    """
    from study.data_report import describe_data, refuse_without, review_data

    of_model = {"--store": store, "--device": device}
    say = say_to(as_json)
    if review is None:
        refuse_without("--review", {"--weights": weights, "--model": model, "--sound": sound})
    if weights is None and model is None:
        refuse_without("--weights or --model", of_model)
    if review is None:
        description, reviewed = describe_data(config, sets, say=say), None
    else:
        description, reviewed = review_data(
            config,
            sets,
            review,
            sound=_SOUND_FILMS if sound is None else sound,
            weights=weights,
            model=model,
            store=store,
            device=device or "auto",
            say=say,
        )
    if as_json:
        more = {"review": reviewed.model_dump(mode="json")} if reviewed else {}
        click.echo(json.dumps(description.model_dump(mode="json") | more))
    else:
        click.echo("\n\n".join(part.text() for part in (description, reviewed) if part))
    raise SystemExit(1 if description.standing_leaks else 0)
