"""Pages of this machine: `ui`, MLflow's; `try`, to drop a film on and see what models say."""

from __future__ import annotations

from pathlib import Path

import click

from spineseg.commands.inference import DEVICE
from spineseg.commands.options import CONFIG, SETS


@click.command("try")
@CONFIG
@SETS
@click.option("--port", type=click.IntRange(1, 65535), default=5002, show_default=True)
@click.option("--open", "show", is_flag=True, help="Open it in a browser.")
@DEVICE
def try_page(config: Path, sets: tuple[str, ...], port: int, show: bool, device: str) -> None:
    """Open a page on 127.0.0.1: drop a film, see the champion's outlines beside the baseline's."""
    from spineseg.study_config import load_recorded
    from spineseg.training.devices import chosen_devices

    study = load_recorded(config, sets, "try")
    name = chosen_devices(device)[0].name

    from spineseg.serving.server import bound, serve_page

    with bound(port) as listening:  # Before the models are loaded: a port in use is told at once.
        from spineseg.serving.app import page_app
        from spineseg.serving.offered import offered_models

        models, missing = offered_models(study, config, sets, name, click.echo)
        serve_page(page_app(models, missing), listening, show=show, say=click.echo)


@click.command()
@CONFIG
@SETS
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--open", "open_browser", is_flag=True, help="Open it in a browser, too.")
def ui(config: Path, sets: tuple[str, ...], port: int, open_browser: bool) -> None:
    """Browse every run in MLflow, on 127.0.0.1, beginning with the study's list."""
    from spineseg.study_config import load_recorded, words_for
    from spineseg.tracking.store import open_store
    from spineseg.tracking.ui import serve

    study = load_recorded(config, sets, "ui")
    store = open_store(study.store.root, study.store.mlflow_uri)
    serve(
        store,
        study,
        words_for(study, config, sets),
        port=port,
        open_browser=open_browser,
    )
