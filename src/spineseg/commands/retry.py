"""The command `retry`: ask for failed trainings anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spineseg.commands.options import JSON, SETS

if TYPE_CHECKING:
    from spineseg.config.study import StudyConfig
    from spineseg.runs import Run


@click.command()
@click.argument("runs", nargs=-1, metavar="RUN...")
@click.option("--all", "every", is_flag=True, help="Every failed run; RUN is then a STUDY.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="STUDY",
    help="A study's name or file: RUN is then a name alone.",
)
@SETS
@click.option("--reason", metavar="TEXT", help="Why, for the record; default: who asks.")
@JSON
def retry(
    runs: tuple[str, ...],
    every: bool,
    config: Path | None,
    sets: tuple[str, ...],
    reason: str | None,
    as_json: bool,
) -> None:
    """Ask for failed trainings anew: RUN is STUDY/NAME, as phantom/no-flips; several may be given.

    The failed run stays on record. `spineseg run` trains it under its name and a new number, and
    so does one that is at work, when it has nothing else to train. What was killed, stalled or ran
    out of memory, of the baseline and on fresh seeds, is asked for by `spineseg run` itself.
    """
    from spineseg.code_version import user_name
    from spineseg.errors import ConfigError
    from spineseg.retry import ask_again, chosen_failures, failures
    from spineseg.study_config import load_recorded, words_for

    if reason is not None and not reason.strip():
        raise ConfigError("--reason: says nothing; say why, or leave it out")
    asked: list[tuple[Path, StudyConfig, list[Run]]] = []
    for study, names in _by_study(runs, every, config).items():
        found = load_recorded(study, sets, "retry")
        asked.append((study, found, failures(found) if every else chosen_failures(found, names)))
    why = reason or f"asked for by {user_name() or 'hand'}"
    told = [
        (found, [ask_again(run, why) for run in chosen], words_for(found, study, sets))
        for study, found, chosen in asked
    ]
    if as_json:
        click.echo(json.dumps([_facts(found, chosen, words) for found, chosen, words in told]))
        return
    for found, chosen, words in told:
        click.echo(_text(found, chosen, words))


def _by_study(runs: tuple[str, ...], every: bool, config: Path | None) -> dict[Path, list[str]]:
    """Return the studies that are named and what of each. Raises ConfigError where none is."""
    from spineseg.errors import ConfigError
    from spineseg.files import shown

    if every:
        studies = [*runs, *([str(config)] if config is not None else [])]
        for study in studies:
            if "/" in study and not Path(study).exists():
                raise ConfigError(
                    f"--all {shown(study)}: takes a STUDY, and each failed run of it; to name one "
                    "run leave --all out"
                )
        if not studies:
            raise ConfigError("--all: name the STUDY; `spineseg studies` lists them")
        return {Path(study): [] for study in studies}
    if not runs:
        raise ConfigError(
            "name a failed run, as STUDY/NAME, or a study with --all; `spineseg status STUDY` "
            "lists its runs"
        )
    found: dict[Path, list[str]] = {}
    for run in runs:
        study, slash, name = run.rstrip("/").rpartition("/")
        if config is not None:
            found.setdefault(config, []).append(run)
            continue
        if not slash or not study or Path(run).exists():
            raise ConfigError(
                f"{shown(run)}: names no run; write STUDY/NAME, NAME with --config STUDY, or a "
                "STUDY with --all"
            )
        found.setdefault(Path(study), []).append(name)
    return found


def _facts(config: StudyConfig, runs: list[Run], words: list[str]) -> dict[str, object]:
    from spineseg.places import StudyPlaces

    places = StudyPlaces(config.store.root, config.name)
    return {
        "study": config.name,
        "asked": [
            {
                "run": run.name,
                "number": run.job.number,
                "failure": run.failed.kind if run.failed else None,
                "message": run.failed.message if run.failed else None,
                "reason": run.asked_again.reason if run.asked_again else None,
            }
            for run in runs
        ],
        "holder": places.holder() if places.held_since() is not None else None,
        "next": _next(words),
    }


def _next(words: list[str]) -> str:
    import shlex

    from spineseg.called import pasted

    return pasted(f"run {shlex.join(words)}")


def _text(config: StudyConfig, runs: list[Run], words: list[str]) -> str:
    from spineseg.places import StudyPlaces
    from spineseg.tries import numbered

    if not runs:
        return f"study {config.name}: no failed run is left to be asked for again"
    lines = [
        f"asked for again: {config.name}/{run.name}, which failed as {numbered(run.job)}"
        + (f" ({run.failed.kind}: {run.failed.message})" if run.failed else "")
        for run in runs
    ]
    places = StudyPlaces(config.store.root, config.name)
    if places.held_since() is not None:
        lines.append(
            f"process {places.holder()} has the study in hand: if it runs it, it trains "
            f"{'this' if len(runs) == 1 else 'these'} when it has nothing else; if not:"
        )
    return "\n".join([*lines, f"next: {_next(words)}"])
