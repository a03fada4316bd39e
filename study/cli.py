"""The command line `spineseg`: parse, call, print; nothing heavy is imported before its need."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import click

from spineseg.commands.data import data
from spineseg.commands.ending import run_to_its_end
from spineseg.commands.export import export
from spineseg.commands.hints import after_comparison, after_promotion
from spineseg.commands.inference import evaluate, predict
from spineseg.commands.init import init
from spineseg.commands.keys import keys
from spineseg.commands.measure import measure
from spineseg.commands.models import history, models
from spineseg.commands.options import CONFIG, JSON, SETS, live, names_a_run, say_to
from spineseg.commands.retry import retry
from spineseg.commands.serving import try_page, ui
from spineseg.commands.studies import studies


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="spineseg", prog_name="spineseg")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Hyperparameter studies of vertebra segmentation on spine X-rays.

    STUDY is a study's name, or its YAML file; without one, configs/studies/phantom.yaml (synthetic
    X-rays). `spineseg studies` lists the names.
    """


@cli.command()
@CONFIG
@SETS
@JSON
@click.option("--timing/--no-timing", default=True, help="Train for seconds to estimate hours.")
@live
def plan(config: Path, sets: tuple[str, ...], as_json: bool, timing: bool) -> None:
    """List what a study would run, and estimate its hours."""
    from spineseg.config.yaml_files import load_study
    from spineseg.data.audit import load_audit
    from spineseg.data.merge import prepare_dataset
    from spineseg.places import Caches
    from spineseg.plan import make_plan, plan_text
    from spineseg.study_checks import check_study

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
@live
def run(config: Path, sets: tuple[str, ...]) -> None:
    """Run a study, or go on with it, and compare its runs.

    Ctrl-C leaves every trial resumable: the same command goes on.
    """
    from spineseg.config.yaml_files import load_study
    from spineseg.lasting import outliving_terminal
    from spineseg.places import StudyPlaces
    from spineseg.study_config import say_of_record

    study = load_study(config, sets)
    say_of_record(study, config)

    from spineseg.study_status import finished_text

    told = finished_text(study)
    if told:
        click.echo(told)

    from spineseg.on_end import failure_told, tell_finished  # After the config is known to be good.
    from spineseg.training.executors.chosen import begin_early

    folder = StudyPlaces(study.store.root, study.name).folder
    folder.mkdir(parents=True, exist_ok=True)
    with outliving_terminal(folder / "terminal.log"):
        with failure_told(study):
            if not told:
                begin_early(study)
            from study.driver import run_study  # Meanwhile.

            if not run_study(study, config):
                click.echo("interrupted; the same command goes on from here")
                raise SystemExit(130)
            from study.compare import compare_study  # Imported while the study ran.

            comparison = compare_study(study)
        click.echo(comparison.text())
        click.echo(after_comparison(comparison.summary, study.store.root))
        tell_finished(study, comparison.summary, comparison.page)


@cli.command()
@CONFIG
@SETS
@JSON
def status(config: Path, sets: tuple[str, ...], as_json: bool) -> None:
    """Say how far a study is."""
    from spineseg.study_config import load_recorded, words_for
    from spineseg.study_status import study_status

    study = load_recorded(config, sets, "status")
    answer = study_status(study, words_for(study, config, sets))
    click.echo(answer.model_dump_json() if as_json else answer.text())


@cli.command()
@CONFIG
@click.argument("other", required=False, type=click.Path(path_type=Path))
@SETS
@click.option("--other-set", "other_sets", multiple=True, metavar="KEY=VALUE", help="For OTHER.")
@JSON
@live
def compare(
    config: Path,
    other: Path | None,
    sets: tuple[str, ...],
    other_sets: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compare every run with the baseline: a table, and one HTML page.

    With OTHER, another study's, compare the two studies instead, over the validation films that
    both have.
    """
    from spineseg.errors import ConfigError
    from spineseg.study_config import load_recorded

    if other is None and other_sets:
        raise ConfigError(f"--other-set {other_sets[0]}: belongs to a second study; name it")
    study = load_recorded(config, sets, "compare")
    beside = None if other is None else load_recorded(other, other_sets, "compare")

    from spineseg.report.two_studies import two_studies_text
    from study.compare import compare_study, compare_with

    if beside is not None:
        found = compare_with(study, beside)
        click.echo(found.model_dump_json() if as_json else two_studies_text(found))
        return
    comparison = compare_study(study)
    click.echo(comparison.json() if as_json else comparison.text())
    if not as_json:
        click.echo(after_comparison(comparison.summary, study.store.root))


@click.command("study")
@CONFIG
@SETS
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new folder."
)
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@JSON
def export_a_study(
    config: Path, sets: tuple[str, ...], out: Path, force: bool, as_json: bool
) -> None:
    """Write a study's tables (CSV, Markdown, LaTeX) and figures (SVG), each with a caption."""
    from spineseg.report.exported import export_study
    from spineseg.study_config import load_recorded
    from study.compare import summarised

    recorded = load_recorded(config, sets, "export study")
    files = export_study(*summarised(recorded), out, force=force)
    click.echo(json.dumps(files) if as_json else f"{out}: {', '.join(files)}")


@cli.command()
@names_a_run
@JSON
def reproduce(run: str, check: bool, as_json: bool, **places: Any) -> None:
    """Train RUN, an MLflow run's id or STUDY/NAME, again from its record, and compare.

    The same configuration, seed and starting weights on data of the same fingerprint, as a study
    of its own: a second call goes on with it, or answers from its record.
    """
    from spineseg.reproduction import ready_again

    say = say_to(as_json)
    with ready_again(run, **places, say=say) as again:
        if check:
            click.echo(json.dumps(again.facts()) if as_json else again.text())
            return
        say(again.text())
        with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
            from study.driver import run_study  # Here: its progress keeps to the stdout it meets.

            if not run_study(again.config, again.write_config()):
                say("interrupted; the same command goes on from here")
                raise SystemExit(130)
        found = again.outcome()
    click.echo(found.model_dump_json() if as_json else f"\n{found.text()}")


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
@live
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
    from spineseg.config.recorded import reference
    from spineseg.errors import ConfigError, SpinesegError
    from spineseg.study_config import load_recorded, say_of_record

    if rollback is not None and (name is not None or as_challenger):
        raise ConfigError(
            f"--rollback {rollback}: names a version; leave --run and --challenger out"
        )
    verb = "promote" if rollback is None else f"promote --rollback {rollback}"
    study = load_recorded(config, sets, verb)
    say_of_record(study, config)

    from spineseg.on_end import tell_promoted
    from study.compare import compare_study
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
        compare_study(study)  # The page shows what the test part said.
    click.echo(verdict.model_dump_json() if as_json else verdict.text())
    if not as_json:
        click.echo(after_promotion(verdict, reference(study)))
    if verdict.promoted:
        tell_promoted(study, verdict)
    raise SystemExit(0 if verdict.promoted else 1)


export.add_command(export_a_study)
for _command in (init, retry, data, predict, evaluate, measure, export, models, history, keys):
    cli.add_command(_command)
for _command in (studies, try_page, ui):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; an error that a person can mend is one line and exit code 2."""
    run_to_its_end(cli)


if __name__ == "__main__":
    main()
