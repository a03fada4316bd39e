"""A failed training asked for anew: `Again` at the end of its log; the study's driver trains it.

The failed run stays on record as it is. What is trained has its name and a number of its own.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from spineseg.config.recorded import by_name
from spineseg.config.study import StudyConfig
from spineseg.errors import InUseError, RecordError
from spineseg.events import Again, append_event
from spineseg.files import shown
from spineseg.places import LOCK_FILE, StudyPlaces, locked_within
from spineseg.runs import Run, outcome_now, read_run, read_runs
from spineseg.standing import called, standing
from spineseg.tries import numbered, tried_again

_WAIT_SECONDS = 5.0  # A child that has said that it failed is about to end.
_MOST_NAMED = 8


def failures(config: StudyConfig) -> list[Run]:
    """Return the failed runs of a study that nothing was tried after, and nothing is asked for.

    Raises RecordError where the study's folder is damaged.
    """
    runs = standing(read_runs(StudyPlaces(config.store.root, config.name).folder))
    return [run for run in runs if run.failed and run.asked_again is None]


def chosen_failures(config: StudyConfig, wanted: Sequence[str]) -> list[Run]:
    """Return the failed runs of these names, folders' names or numbers, each once.

    Raises RecordError, a line for each, for those that cannot be tried again: what did not fail,
    what was asked for or tried again already, what is not there.
    """
    runs = read_runs(StudyPlaces(config.store.root, config.name).folder)
    found, refused = {}, []
    for name in wanted:
        name = name.removeprefix(f"{config.name}/")
        run = called(runs, name)
        problem = _unknown(config, runs, name) if run is None else _unfit(config, runs, run)
        if problem or run is None:
            refused.append(f"{config.name}/{shown(name)}: {problem}")
        else:
            found[run.job.id] = run
    if refused:
        raise RecordError("\n".join(refused))
    return list(found.values())


def ask_again(run: Run, reason: str) -> Run:
    """Ask for the training of a failed run anew; return the run as its log tells it then.

    What another process has asked for meanwhile is asked for once. Raises InUseError where a
    process is at work in its folder.
    """
    with locked_within(run.folder / LOCK_FILE, _WAIT_SECONDS) as free:
        if not free:
            raise InUseError(
                f"{run.folder}: process {(run.folder / LOCK_FILE).read_text().strip()} is at work "
                "in it; wait for it to end, and try again"
            )
        if read_run(run.folder).asked_again is None:
            append_event(run.folder, Again(run=run.job.id, reason=" ".join(reason.split())))
    return read_run(run.folder)


def _unfit(config: StudyConfig, runs: Sequence[Run], run: Run) -> str:
    """Return why a run cannot be tried again, with the remedy; empty where it can."""
    later = tried_again(runs).get(run.job.id)
    go_on = f"`{by_name('run', config)}`"
    if later is not None:
        after = later
        while (next_one := tried_again(runs).get(after.job.id)) is not None:
            after = next_one
        return (
            f"{numbered(run.job)} was tried again as {numbered(later.job)}; {numbered(after.job)} "
            f"stands for it ({outcome_now(after)}): name that one where it failed"
        )
    if run.asked_again is not None:
        return f"is asked for again already; {go_on} trains it"
    if run.failed is None:
        word = outcome_now(run)
        if word == "interrupted":
            return f"was interrupted, and did not fail; {go_on} goes on with it"
        if word == "running":
            return "is being trained, and has not failed; see how far with " + (
                f"`{by_name('status', config)}`"
            )
        return (
            f"{'has completed' if word == 'completed' else 'was pruned'}, and did not fail; only "
            "a failed run is tried again: give a changed one a name of its own, as a variant"
        )
    return ""


def _unknown(config: StudyConfig, runs: Sequence[Run], name: str) -> str:
    names = [run.name for run in standing(runs)]
    failed = [run.name for run in standing(runs) if run.failed]
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
    told = f"{', '.join(failed[:_MOST_NAMED])}{more}" if failed else "none"
    return f"there is no such run; {hint}failed: {told}; `{by_name('status', config)}` lists all"
