"""The command `keys`: every key of a config, with type, default, unit and meaning."""

from __future__ import annotations

import click

from spineseg.commands.options import JSON


@click.command()
@click.argument("wanted", nargs=-1, metavar="[PREFIX | WORDS]")
@JSON
@click.option("--markdown", is_flag=True, help="Write docs/configuration.md to the output.")
def keys(wanted: tuple[str, ...], as_json: bool, markdown: bool) -> None:
    """List the keys of a config: type, default, unit, meaning.

    PREFIX is a path, as search or search.space.lr0; other WORDS are looked for in what the keys
    mean, as learning rate.
    """
    from spineseg.config import reference
    from spineseg.errors import ConfigError

    if markdown:
        if wanted or as_json:
            raise ConfigError("--markdown writes the whole page; leave the rest out")
        click.echo(reference.as_markdown(), nl=False)
        return
    found = reference.keys_asked_for(" ".join(wanted))
    click.echo(reference.as_json(found) if as_json else reference.as_text(found))
