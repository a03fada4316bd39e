"""The commands that read a registry: `models`, its versions; `history`, its ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spineseg.commands.options import JSON, NAMED_CONFIG, SETS
from spineseg.report.grid import as_columns

if TYPE_CHECKING:
    from spineseg.tracking.ledger import Entry, Ledger
    from spineseg.tracking.model_list import Listed, ModelList
    from spineseg.tracking.store import TrackingStore

Command = Callable[..., None]


def names_a_store(command: Command) -> Command:
    """Give a command the options that say which registry it reads."""
    for option in (
        SETS,
        NAMED_CONFIG,
        click.option(
            "--store",
            metavar="URI|DIR",
            help="An MLflow address, or a folder of records; default: the store of --config, else "
            "mlruns.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@names_a_store
@JSON
def models(store: str | None, config: Path | None, sets: tuple[str, ...], as_json: bool) -> None:
    """List the registered models: versions, aliases, figures, and what is wrong with them."""
    from spineseg.tracking.model_list import list_models

    found = list_models(_opened(store, config, sets))
    click.echo(json.dumps(found.as_json()) if as_json else _models_text(found))


@click.command()
@names_a_store
@JSON
def history(store: str | None, config: Path | None, sets: tuple[str, ...], as_json: bool) -> None:
    """Tell who promoted or rolled back what, when and why.

    Exit code 1 where an entry was altered or taken out, or cannot be read, and where a champion is
    another than the ledger tells last.
    """
    from spineseg.tracking.model_list import whole_history

    ledger = whole_history(_opened(store, config, sets))
    click.echo(ledger.as_json() if as_json else _history_text(ledger))
    raise SystemExit(1 if ledger.problems else 0)


def _opened(store: str | None, config: Path | None, sets: tuple[str, ...]) -> TrackingStore:
    from spineseg.chosen_model import DEFAULT_MODEL, Asked, store_place
    from spineseg.tracking.store import open_existing_store

    place = store_place(Asked(model=DEFAULT_MODEL, store=store, config=config, sets=sets))
    return open_existing_store(place.root, place.mlflow_uri)


def _models_text(found: ModelList) -> str:
    if not found.versions:
        lines = [f"{found.store} has no registered model; register one with `spineseg promote`"]
    else:
        head = ("model", "version", "alias", "study", "run", "valid", "test", "registered", "state")
        lines = as_columns([head, *map(_row, found.versions)])
    return "\n".join([*lines, *(f"! {problem}" for problem in found.problems)])


def _row(listed: Listed) -> tuple[str, ...]:
    synthetic = {True: " (synthetic)", False: "", None: ""}[listed.synthetic]
    return (
        listed.model,
        listed.version,
        ", ".join(listed.aliases) or "-",
        f"{listed.study or '-'}{synthetic}",
        listed.run or "-",
        *("-" if score is None else f"{score:.4f}" for score in (listed.score, listed.test_score)),
        listed.registered,
        listed.state,
    )


def _history_text(ledger: Ledger) -> str:
    lines = [f"ledger of promotions: {ledger.place}"]
    lines += [line for entry in ledger.entries for line in _told(entry)]
    if not ledger.entries:
        lines.append("nothing was promoted yet")
    return "\n".join([*lines, *(f"! {problem}" for problem in ledger.problems)])


def _told(entry: Entry) -> list[str]:
    what = f"{entry.number}. {entry.time} {entry.model} version {entry.version}"
    other = entry.replaces not in (None, entry.version)
    replaced = f" in place of version {entry.replaces}" if other else ""
    how = "rolled back to" if entry.action == "rollback" else "promoted"
    origin = f" (study {entry.study}, run {entry.run})" if entry.run else ""
    evidence = f"; evidence {entry.evidence_sha256[:12]}" if entry.evidence_sha256 else ""
    why = f"   {entry.why}" if entry.why else "   no reason is kept"
    return [f"{what} {how}{replaced} by {entry.who or 'nobody known'}{origin}{evidence}", why]
