"""The command `init`: a folder of films in, a commented config out, sized to this machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from spineseg.commands.options import JSON, say_to


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--name", help="Of the study; default: the folder's.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Of the config.")
@click.option("--hours", type=float, help="What it may take; default: 2, with a GPU 24.")
@click.option("--timing/--no-timing", default=True, help="Train for seconds to size the study.")
@JSON
def init(
    folder: Path,
    name: str | None,
    out: Path | None,
    hours: float | None,
    timing: bool,
    as_json: bool,
) -> None:
    """Look at the films in DIR, and write a study's config; or say what is missing for one."""
    from spineseg.starting.begin import begin
    from spineseg.starting.timing_films import timed_pace
    from spineseg.timing import epoch_parts

    pace = partial(timed_pace, epoch_parts) if timing else None
    begun = begin(folder, name, out, hours, pace, say_to(as_json), quiet=as_json)
    click.echo(begun.model_dump_json() if as_json else begun.text())
