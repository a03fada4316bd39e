"""Options that several commands share, and where a command's progress goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from spineseg.called import SETS_VARIABLE, split_overrides


class _Override(click.ParamType):
    """KEY=VALUE; in the environment several in one text."""

    name = "KEY=VALUE"

    def split_envvar_value(self, rv: str) -> list[str]:
        """Return the environment's overrides one by one."""
        return split_overrides(rv)


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
    type=_Override(),
    envvar=SETS_VARIABLE,
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
