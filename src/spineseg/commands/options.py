"""Options that several commands share, and where a command's progress goes."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def names_a_run(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument that names a run on record, and what says where all of it is."""
    for given in (
        click.option(
            "--run-only-check", "check", is_flag=True, help="Train nothing: say what is there."
        ),
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="KEY=VALUE",
            help="Where data lie now, as data.sources.0.path=DIR, and devices.device; repeatable.",
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="The config of its study, for its store, and for data of which the store keeps "
            "no study.yaml.",
        ),
        click.option(
            "--store",
            metavar="URI|DIR",
            help="Where it is on record: an MLflow address, or a folder of records; default: the "
            "store of --config, else mlruns.",
        ),
        click.argument("run"),
    ):
        command = given(command)
    return command
