"""A run named by its study, as `phantom/search-002`; of a study alone, its best run."""

from __future__ import annotations

from pathlib import Path

from spineseg.errors import RecordError
from spineseg.files import shown
from spineseg.places import StudyPlaces
from spineseg.runs import Run, read_runs
from spineseg.standing import called

_MOST_LISTED = 8


def named_run(root: Path, name: str) -> tuple[Run, str]:
    """Return the finished run that `STUDY/RUN` names, and how it was chosen, in words.

    RUN is its name, its folder's name or its number; without one the run with the best objective
    is meant, which is said. Raises RecordError where there is none, naming those that there are.
    """
    study, _, wanted = name.strip("/").partition("/")
    folder = StudyPlaces(root, study).folder
    if not study or study in (".", "..") or not folder.is_dir():
        raise RecordError(f"--run {shown(name)}: {_no_study(root, study)}")
    runs = read_runs(folder)
    finished = [run for run in runs if run.finished is not None]
    if not finished:
        raise RecordError(
            f"--run {shown(name)}: study {study!r} has no finished run in {root}; train one with "
            "`spineseg run`, or use --weights bundled"
        )
    if not wanted:
        best = _best(finished)
        return best, f"best of {len(finished)} finished runs, {_score(best)}"
    found = called(runs, wanted)
    if found is None or found.finished is None:
        what = "has no run" if found is None else "has not finished"
        raise RecordError(
            f"--run {shown(name)}: study {study!r} {what} {shown(wanted)!r}; name one of its "
            f"finished runs: {_listed([run.name for run in finished])}"
        )
    return found, _score(found)


def usable_runs(root: Path) -> list[str]:
    """Return the best finished run of each study, as STUDY/RUN, the latest study first.

    A study whose folder is damaged is passed over: it is told where it is named.
    """
    found: list[tuple[float, str]] = []
    for study in _studies(root):
        try:
            runs = [run for run in read_runs(StudyPlaces(root, study).folder) if run.finished]
        except RecordError:
            continue
        if runs:
            latest = max(run.job.created for run in runs)
            found.append((latest, f"{study}/{_best(runs).name}"))
    return [name for _, name in sorted(found, reverse=True)]


def _best(finished: list[Run]) -> Run:
    return max(finished, key=lambda run: run.value)


def _score(run: Run) -> str:
    return f"{run.job.objective} {run.value:.3f}"


def _studies(root: Path) -> list[str]:
    folder = StudyPlaces(root, "any").folder.parent
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _no_study(root: Path, study: str) -> str:
    there = _studies(root)
    if not there:
        return (
            f"no study has been run in {root}; run one with `spineseg run`, name its store with "
            "--store or --config, or use --weights bundled"
        )
    return f"there is no study {shown(study)!r} in {root}; there are {_listed(there)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
