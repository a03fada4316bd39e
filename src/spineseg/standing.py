"""Which run stands for a name: of those that failed and were tried again, the last."""

from __future__ import annotations

from collections.abc import Iterable

from spineseg.runs import Run


def standing(runs: Iterable[Run]) -> list[Run]:
    """Return of each name the run that stands for it, by number: the last.

    Those before it failed, and were tried again under their name. They stay on record and are
    listed; what is counted, compared, confirmed or chosen is of those that stand.
    """
    last = {run.name: run for run in sorted(runs, key=_number)}
    return sorted(last.values(), key=_number)


def best_of_each_network(runs: Iterable[Run]) -> dict[str, Run]:
    """Return of completed runs the one with the best score of each network, by its name."""
    best: dict[str, Run] = {}
    for run in runs:
        known = best.setdefault(run.job.config.model, run)
        best[run.job.config.model] = max(known, run, key=lambda each: each.value)
    return best


def called(runs: Iterable[Run], wanted: str) -> Run | None:
    """Return the run of that name, folder's name or number; None where there is none.

    Of a name that was tried again the last one: the others have their numbers.
    """
    runs = list(runs)
    stands = next((run for run in standing(runs) if run.name == wanted), None)
    return stands or next((run for run in runs if _is_called(run, wanted)), None)


def _is_called(run: Run, wanted: str) -> bool:
    return wanted == run.folder.name or (wanted.isdigit() and int(wanted) == run.job.number)


def _number(run: Run) -> int:
    return run.job.number
