"""How a study goes on from where it stands: each a command of `spineseg`, with its name in it."""

from __future__ import annotations

import shlex

from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.chosen_runs import challenger
from spineseg.report.claim import claim
from spineseg.report.wording import listed, run_words, sentence

_MORE_TRIALS = 10
_SEEDS = 5  # As by default.
_FRESH = "Trained again on fresh seeds, the best and the baseline show what the lead is worth:"


def go_on(summary: StudySummary) -> tuple[str, str]:
    """Return how the study goes on from here in words, and the command."""
    best, found, baseline = challenger(summary), claim(summary), summary.baseline
    if baseline and baseline.outcome == "failed":
        words = (
            f"The baseline failed ({baseline.failure}; its train.log may say more), so nothing can "
            "stand beside it."
        )
        if baseline.again:
            return f"{words} It is to be tried again:", f"run {_named(summary)}"
        words += " Mend the cause, and ask for it again; `spineseg run` then trains it:"
        name, *where = shlex.split(_named(summary))
        return words, shlex.join(["retry", f"{name}/baseline", *where])
    if summary.cut_short and not can_be_registered(summary):
        words = f"The study is not whole: {summary.cut_short}. Without that limit it goes on:"
        limit = summary.cut_short.split()[0]  # It begins with the key, as `limits.hours`.
        return words, f"run {_named(summary)} --set {limit}=null"
    if summary.test and summary.test.promoted:
        return _more(summary, f"{summary.test.candidate} was promoted.")
    if can_be_registered(summary):
        words = f"Register {best} as the champion. It is refused unless it passes every gate:"
        return words, f"promote {_named(summary)}"
    if best and found:
        name = sentence(run_words(found.effect.name))
        return _more(summary, f"{name} is {found.effect.verdict}.")
    failed = [run.name for run in summary.standing if _is_lost_seed(run)]
    if best and summary.evidence and summary.evidence.seeds and failed:
        words = (
            f"The lead of {best} is not confirmed: {listed(failed)} failed. Mend the cause, and "
            "ask for them again; `spineseg run` then trains them:"
        )
        name, *where = shlex.split(_named(summary))
        return words, shlex.join(["retry", "--all", name, *where])
    if best and summary.evidence and summary.evidence.seeds:
        return (
            f"The lead of {best} is not confirmed. The same command goes on, on fresh seeds:",
            f"run {_named(summary)}",
        )
    if best:
        return f"The lead of {best} is not confirmed. {_FRESH}", _with_seeds(summary)
    if baseline and baseline.outcome == "completed":
        return _more(summary, "Nothing lies above the baseline yet.")
    words = "The same command goes on with the study where it stands:"
    return words, f"run {_named(summary)}"


def _is_lost_seed(run: RunSummary) -> bool:
    return run.kind == "confirm" and run.outcome == "failed" and not run.again


def can_be_registered(summary: StudySummary) -> bool:
    """Return whether the answer is "better", without which `promote` refuses."""
    found = claim(summary)
    return bool(challenger(summary) and found and found.effect.verdict == "better")


def browsing(summary: StudySummary) -> str:
    """Return the command that shows every run."""
    return f"ui {_named(summary)}"


def marking(summary: StudySummary) -> str:
    """Return the command that outlines a film by what this study has: its champion, or a run."""
    named, leader = _named(summary), summary.leader
    elsewhere = "" if named == summary.name else f" --config {named}"
    if summary.test and summary.test.promoted:
        return f"predict FILM.jpg{elsewhere}"
    if leader is None:
        return "predict FILM.jpg --weights bundled"
    return f"predict FILM.jpg --run {summary.name}/{leader.name}{elsewhere}"


def _more(summary: StudySummary, state: str) -> tuple[str, str]:
    """Return how a study that has an answer takes more: trials, or seeds where nothing is searched.

    What a name stands for has no other variants than were run.
    """
    if summary.space:
        searched = sum(run.kind == "search" for run in summary.standing) + _MORE_TRIALS
        words = f"{state} More trials continue the same study, here {_MORE_TRIALS}:"
        return words, f"run {_named(summary)} --set search.trials={searched}"
    seeds = summary.evidence.seeds if summary.evidence else 0
    if not seeds:
        return f"{state} {_FRESH}", _with_seeds(summary)
    words = f"{state} Twice as many fresh seeds continue the same study:"
    return words, f"run {_named(summary)} --set confirm.seeds={2 * seeds}"


def _with_seeds(summary: StudySummary) -> str:
    asked = shlex.quote(f"confirm={{top: 1, seeds: {_SEEDS}}}")
    return f"run {_named(summary)} --set {asked}"


def _named(summary: StudySummary) -> str:
    return summary.reference or summary.name
