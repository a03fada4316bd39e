"""The command `init`: a folder of films in, a commented config out, sized to this machine."""

from __future__ import annotations

from pathlib import Path

import click

from spineseg.commands.options import JSON, say_to

HOURS = click.FloatRange(0, min_open=True)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--name", help="Of the study; default: the folder's.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Of the config.")
@click.option("--hours", type=HOURS, help="What it may take; default: 2, with a GPU 24.")
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
    """Look at the films in DIR and write the config of a study on them.

    Says what lies there, what is left out and whose the films are, and sizes images, batch, epochs
    and trials to films, machine and hours. Where it can be no study, says what is missing.
    """
    from spineseg.starting.begin import begin
    from study.timing import timed_parts

    show = (lambda text: None) if as_json else click.echo
    time = timed_parts if timing else None
    begun = begin(folder, name, out, hours, time, say_to(as_json), show)
    click.echo(begun.model_dump_json() if as_json else begun.text())
