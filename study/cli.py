"""The command line `spineseg`: parse, call, print; nothing heavy is imported before its need."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from pathlib import Path

import click

from spineseg.commands.data import data
from spineseg.commands.export import export
from spineseg.commands.inference import evaluate, predict
from spineseg.commands.models import history, models
from spineseg.commands.options import CONFIG, JSON, SETS, say_to
from spineseg.commands.serving import try_page, ui
from study.init import init


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="spineseg", prog_name="spineseg")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Hyperparameter studies of vertebra segmentation on spine X-rays.

    CONFIG is a study's YAML file; without one, configs/studies/phantom.yaml (synthetic X-rays).
    """


@cli.command()
@CONFIG
@SETS
@JSON
@click.option("--timing/--no-timing", default=True, help="Train for seconds to estimate hours.")
def plan(config: Path, sets: tuple[str, ...], as_json: bool, timing: bool) -> None:
    """List what a study would run, and estimate its hours."""
    from spineseg.config.yaml_files import load_study
    from spineseg.data.audit import load_audit
    from spineseg.data.merge import prepare_dataset
    from spineseg.places import Caches
    from study.checks import check_study
    from study.plan import make_plan, plan_text

    study = load_study(config, sets)
    check_study(study, config)
    say = say_to(as_json)
    dataset = prepare_dataset(study.data, Caches(study.store.root).data, say)
    load_audit(dataset).refuse_leaks(study.data.accept_leaks)
    planned = make_plan(study, dataset, timing=timing, say=say)
    click.echo(planned.model_dump_json() if as_json else plan_text(planned))


@cli.command()
@CONFIG
@SETS
def run(config: Path, sets: tuple[str, ...]) -> None:
    """Run a study, or go on with it, and compare its runs.

    Ctrl-C leaves every trial resumable: the same command goes on.
    """
    from spineseg.config.yaml_files import load_study

    study = load_study(config, sets)

    from study.compare import compare_study  # After the config: its mistakes are told at once.
    from study.driver import run_study
    from study.on_end import failure_told, tell_finished

    with failure_told(study):
        if not run_study(study, config):
            click.echo("interrupted; the same command goes on from here")
            raise SystemExit(130)
        comparison = compare_study(study, config)
    click.echo(comparison.text())
    click.echo(_next_steps(config))
    tell_finished(study, comparison.summary, comparison.page)


def _next_steps(config: Path) -> str:
    named = "" if config == Path("configs/studies/phantom.yaml") else f" CONFIG={config}"
    return (
        f"Browse every run:   make ui{named}\n"
        f"Register the best:  make promote{named}\n"
        f"Mark your own film: make predict IMAGES=film.jpg"
    )


@cli.command()
@CONFIG
@SETS
@JSON
def status(config: Path, sets: tuple[str, ...], as_json: bool) -> None:
    """Say how far a study is."""
    from spineseg.config.yaml_files import load_study
    from study.status import study_status

    answer = study_status(load_study(config, sets))
    click.echo(answer.model_dump_json() if as_json else answer.text())


@cli.command()
@CONFIG
@SETS
@JSON
def compare(config: Path, sets: tuple[str, ...], as_json: bool) -> None:
    """Compare every run with the baseline: a table, and one HTML page."""
    from spineseg.config.yaml_files import load_study

    study = load_study(config, sets)

    from study.compare import compare_study

    comparison = compare_study(study, config)
    click.echo(comparison.json() if as_json else comparison.text())


@cli.command()
@CONFIG
@SETS
@JSON
@click.option("--run", "name", metavar="NAME", help="Promote this finalist instead of the best.")
@click.option("--reason", help="For the ledger; needed to open the sealed test part again.")
@click.option("--rollback", metavar="VERSION", help="Make an earlier version champion again.")
@click.option(
    "--challenger",
    "as_challenger",
    is_flag=True,
    help="Register the best run, or --run NAME, with the alias challenger: no gate is asked, the "
    "test part stays sealed, the champion stays.",
)
def promote(
    config: Path,
    sets: tuple[str, ...],
    as_json: bool,
    name: str | None,
    reason: str | None,
    rollback: str | None,
    as_challenger: bool,
) -> None:
    """Register the best confirmed configuration as the champion, if it passes every gate.

    Opens the sealed test part, once, if the gates before it pass. Exit code 1 where it is refused;
    every gate is listed with its figure.
    """
    from spineseg.config.yaml_files import load_study
    from spineseg.errors import ConfigError, SpinesegError

    if rollback is not None and (name is not None or as_challenger):
        raise ConfigError(
            f"--rollback {rollback}: names a version; leave --run and --challenger out"
        )
    study = load_study(config, sets)

    from study.compare import compare_study
    from study.on_end import tell_promoted
    from study.promote import challenge, promote_best, roll_back

    say = say_to(as_json)
    if rollback is not None:
        rolled = roll_back(study, rollback, reason, say)
        click.echo(rolled.model_dump_json() if as_json else rolled.text())
        return
    if as_challenger:
        challenger = challenge(study, name, say)
        click.echo(challenger.model_dump_json() if as_json else challenger.text())
        return
    verdict = promote_best(study, name, reason, say=say)
    with contextlib.suppress(SpinesegError):
        compare_study(study, config)  # The page shows what the test part said.
    click.echo(verdict.model_dump_json() if as_json else verdict.text())
    if verdict.promoted:
        tell_promoted(study, verdict)
    raise SystemExit(0 if verdict.promoted else 1)


cli.add_command(init)
cli.add_command(data)
cli.add_command(predict)
cli.add_command(evaluate)
cli.add_command(export)
cli.add_command(models)
cli.add_command(history)
cli.add_command(try_page)
cli.add_command(ui)


def main() -> None:
    """Run the command line; an error that a person can mend is one line and exit code 2."""
    debug = "--debug" in sys.argv[1:]
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        raise SystemExit(2) from None
    except (click.Abort, KeyboardInterrupt):
        raise SystemExit(130) from None
    except Exception as error:
        message = _mendable(error)
        if debug or message is None:
            traceback.print_exc()
        if message is not None:
            click.echo(f"spineseg: {message}", err=True)
        raise SystemExit(1 if message is None else 2) from None
    finally:
        _close_output()


def _mendable(error: Exception) -> str | None:
    """Return the one line for an error that a person can mend, None for a bug."""
    from spineseg.errors import SpinesegError

    if isinstance(error, SpinesegError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"no space left on the device of {error.filename or Path.cwd()}; free some, run again"
        )
    if isinstance(error, PermissionError):
        return f"{error.filename}: may not be written or read; change its permissions"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {(error.strerror or 'cannot be used').lower()}; check the path"
    return None


def _close_output() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `spineseg ... | head` has all it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
