"""Options that several commands share, and where a command's progress goes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def live(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command show what it is doing while it does it; to be put below its options."""

    @functools.wraps(command)
    def with_line(**options: Any) -> None:
        from spineseg.live_line import shown

        with shown(
            "starting: reading, loading libraries", quiet=bool(options.get("as_json"))
        ) as line:
            try:
                command(**options)
            except KeyboardInterrupt:
                line.say("interrupted; the same command begins again, or goes on where it can")
                raise

    return with_line


def say_to(quiet: bool) -> Callable[[str], None]:
    """Return a function that prints progress, to stderr where stdout is for a program."""
    return lambda text: click.echo(text, err=quiet)
