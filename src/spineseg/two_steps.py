"""A search in two steps: all trials to one epoch of the whole schedule, the best few to the end.

Egele, Mohr, Viering and Balaprakash (2024, Neurocomputing 597) found that halving and curve
extrapolation add little to it. A trial pauses between two epochs, and goes on as if it had not.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from spineseg.config.search import SearchConfig
from spineseg.runs import Run
from spineseg.standing import standing
from spineseg.training.control import is_judged


def is_paused(run: Run, search: SearchConfig) -> bool:
    """Return whether a run has trained its first step, and nobody has said whether it goes on."""
    step = search.two_step
    if step is None or run.job.kind != "search" or step.epochs >= run.job.config.epochs:
        return False
    reached = run.end is None and run.epoch_count >= step.epochs
    return reached and not is_judged(run.folder, step.epochs)


def is_more_to_come(search: SearchConfig, runs: Iterable[Run], left: Iterable[Run]) -> bool:
    """Return whether searched trials are to be begun yet, or, of those `left`, gone on with."""
    begun = {run.name for run in runs if run.job.kind == "search"}
    return len(begun) < search.trials or any(run.job.kind == "search" for run in left)


def kept_names(runs: Sequence[Run], search: SearchConfig) -> set[str]:
    """Return the searched trials that go on: the best by their best epoch of the first step.

    Of all that came so far, those too that were chosen before a kill: so the choice stays.
    """
    if search.two_step is None:
        return set()
    epochs = search.two_step.epochs
    found = [(_first_score(run, epochs), run) for run in standing(runs) if _reached(run, epochs)]
    found.sort(key=lambda pair: (-pair[0], pair[1].job.number))
    return {run.name for _, run in found[: search.two_step.keep]}


def _reached(run: Run, epochs: int) -> bool:
    return run.job.kind == "search" and run.failed is None and run.epoch_count >= epochs


def _first_score(run: Run, epochs: int) -> float:
    scores = [mark.score for mark in run.marks if mark.epoch <= epochs]
    return max((score for score in scores if not math.isnan(score)), default=-math.inf)


def chosen_in_words(paused: Sequence[str], kept: Collection[str]) -> str:
    """Return which paused trials go on."""
    on = [name for name in paused if name in kept]
    rest = len(paused) - len(on)
    return f"first step over: {', '.join(on) or 'none'} to the end; {rest} end where they are"
