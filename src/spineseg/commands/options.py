"""Options that several commands share, and where a command's progress goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

CONFIG = click.argument(
    "config",
    type=click.Path(path_type=Path),
    default=Path("configs/studies/phantom.yaml"),
    metavar="[CONFIG]",
)
SETS = click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a config key; repeatable."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Answer as JSON, for programs.")


def say_to(quiet: bool) -> Callable[[str], None]:
    """Return a function that prints progress, to stderr where stdout is for a program."""
    return lambda text: click.echo(text, err=quiet)
