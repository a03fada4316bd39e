"""The command `data`: make, audit and count a study's data, and write what is to be looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spineseg.commands.options import CONFIG, JSON, SETS, live, say_to

if TYPE_CHECKING:
    from spineseg.chosen_model import Chosen
    from spineseg.data.description import DataDescription
    from spineseg.data.manifest import Dataset
    from spineseg.review.folder import Review

_SOUND_FILMS = 24
Say = Callable[[str], None]


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
    metavar="FILE|bundled",
    help="With --review: a .safetensors or .pt file that reads whole columns; those labelled one "
    "level off from it are doubtful.",
)
@click.option("--run", metavar="STUDY[/RUN]", help="The same, the best weights of a run on record.")
@click.option("--model", metavar="NAME[@ALIAS|/VERSION]", help="The same, a registered model.")
@click.option(
    "--store", metavar="URI|DIR", help="Where model or run is; default: the store of CONFIG."
)
@click.option(
    "--trust",
    is_flag=True,
    help="With --weights, --run or --model: load a .pt file in full: it then runs whatever code "
    "its maker put into it.",
)
@click.option(
    "--device",
    help="With --weights, --run or --model: auto, cpu or a CUDA device; default: auto.",
)
@live
def data(
    config: Path,
    sets: tuple[str, ...],
    as_json: bool,
    review: Path | None,
    sound: int | None,
    weights: Path | None,
    run: str | None,
    model: str | None,
    store: str | None,
    trust: bool,
    device: str | None,
) -> None:
    """Make, fetch or merge a study's data, audit and count them.

    Exit code 1 where they leak between their parts in a way that the config does not accept.
    """
    if review is None:
        _refuse_without(
            "--review",
            {"--weights": weights, "--run": run, "--model": model, "--sound": sound},
        )
    compares = weights is not None or run is not None or model is not None
    if not compares:
        _refuse_without(
            "--weights, --run or --model",
            {"--store": store, "--device": device, "--trust": trust or None},
        )

    say, chosen, reviewed = say_to(as_json), None, None
    if review is not None:
        from spineseg.review.folder import refuse_taken

        refuse_taken(review)
    if compares:
        from spineseg.chosen_model import Asked, chosen_model
        from spineseg.training.devices import chosen_devices

        asked = Asked(
            weights=weights,
            model=model,
            run=run,
            store=store,
            config=config,
            sets=sets,
            trust=trust,
        )
        device = chosen_devices(device or "auto")[0].name
        chosen = chosen_model(asked)
    description, dataset = _described(config, sets, say)
    if review is not None:
        number = _SOUND_FILMS if sound is None else sound
        reviewed = _reviewed(dataset, review, number, chosen, device or "", say)
    if as_json:
        more = {"review": reviewed.model_dump(mode="json")} if reviewed else {}
        click.echo(json.dumps(description.model_dump(mode="json") | more))
    else:
        click.echo("\n\n".join(part.text() for part in (description, reviewed) if part))
    raise SystemExit(1 if description.standing_leaks else 0)


def _refuse_without(option: str, given: Mapping[str, object]) -> None:
    """Raise ConfigError for options that mean nothing without `option`, where any is given."""
    from spineseg.errors import ConfigError

    for name, value in given.items():
        if value is not None:
            raise ConfigError(f"{name} {value}: means nothing without {option}; give both")


def _described(path: Path, overrides: tuple[str, ...], say: Say) -> tuple[DataDescription, Dataset]:
    """Make or merge the data that the config at `path` names, audit and count them."""
    from spineseg.config.yaml_files import load_data, load_store
    from spineseg.data.description import described
    from spineseg.data.merge import prepare_dataset
    from spineseg.places import Caches
    from spineseg.report.audit_page import audit_page

    config = load_data(path, overrides)
    dataset = prepare_dataset(config, Caches(load_store(path, overrides).root).data, say)
    return described(dataset, audit_page(dataset), config.accept_leaks), dataset


def _reviewed(
    dataset: Dataset, folder: Path, sound: int, chosen: Chosen | None, device: str, say: Say
) -> Review:
    """Write a review of the labels into `folder`; with a model, whole columns are compared."""
    from spineseg.data.audit import load_audit
    from spineseg.review.columns import compared_columns
    from spineseg.review.folder import write_review

    columns = compared_columns(dataset, chosen, device=device, say=say) if chosen else None
    return write_review(dataset, load_audit(dataset), folder, sound=sound, columns=columns, say=say)
