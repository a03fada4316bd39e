"""The command `studies`: what is on record, and how far it is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from spineseg.commands.options import JSON
from spineseg.report.grid import as_columns


@click.command()
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of the records; default: mlruns.",
)
@JSON
def studies(root: Path | None, as_json: bool) -> None:
    """List the studies on record: how far each is, its best, whose is the champion."""
    from spineseg.config.study import StoreConfig
    from spineseg.errors import ConfigError
    from spineseg.studies import listed_studies, studies_text

    place = root if root is not None else StoreConfig().root
    if root is not None and not root.is_dir():
        raise ConfigError(f"--root {root}: is no folder; name a folder of records, as mlruns")
    found = listed_studies(place)
    if as_json:
        listed = [study.model_dump(mode="json") for study in found]
        click.echo(json.dumps({"root": str(place), "studies": listed}))
        return
    rows = studies_text(found)
    lines = as_columns(rows) if len(rows) > 1 else [f"{place} has no study yet"] * (not found)
    lines += [f"! {study.name} is damaged: {study.problem}" for study in found if study.problem]
    click.echo("\n".join(lines))
