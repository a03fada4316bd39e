"""Options that several commands share, and where a command's progress goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from spineseg.called import SETS_VARIABLE, split_overrides


def _or_around(context: object, option: object, given: tuple[str, ...]) -> tuple[str, ...]:
    return given or tuple(split_overrides(os.environ.get(SETS_VARIABLE, "")))


CONFIG = click.argument(
    "config",
    type=click.Path(path_type=Path),
    default=Path("configs/studies/phantom.yaml"),
    metavar="[STUDY]",
)
SETS = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_or_around,
    help=f"Override a key of the config; repeatable. Without it, those in {SETS_VARIABLE} count.",
)
NAMED_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="STUDY",
    help="A study's name or file: the model is in its store.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Answer as JSON, for programs.")


def say_to(quiet: bool) -> Callable[[str], None]:
    """Return a function that prints progress, to stderr where stdout is for a program."""
    return lambda text: click.echo(text, err=quiet)
