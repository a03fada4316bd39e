"""What to try next, each sentence from the study's own figures, and the command that goes on."""

from __future__ import annotations

from math import log, sqrt
from statistics import median
from typing import Any

from scipy.stats import t as student

from spineseg.called import pasted
from spineseg.evaluation.result import Evaluation
from spineseg.evidence.results import Evidence, RunSummary, StudySummary
from spineseg.evidence.significance import detectable_effect
from spineseg.report.chosen_runs import looked_into, pruned_above
from spineseg.report.claim import Claim, claim
from spineseg.report.going_on import browsing, go_on, marking
from spineseg.report.shares import shares
from spineseg.report.wording import (
    count,
    interval_text,
    label,
    listed,
    p_text,
    run_words,
    sentence,
    signed,
)

_MOST_SEEDS = 100  # More trainings of each than this are no plan.
_STANDARD_ERRORS = 2.0
_FEW_LABELS = 0.5  # Of the median level's.
_EDGE = 0.05  # Of an axis' length.


def content(summary: StudySummary) -> dict[str, Any]:
    """Return what the template needs."""
    words, command = go_on(summary)
    shown = {"command": command, "browse": browsing(summary), "mark": marking(summary)}
    return {"steps": steps(summary), "go_on": words} | {k: pasted(v) for k, v in shown.items()}


def steps(summary: StudySummary) -> list[str]:
    """Return what the figures suggest; empty where they suggest nothing."""
    runs = looked_into(summary)
    found: list[str] = []
    if runs and runs[-1].evaluation:
        found += _finding_or_numbering(runs[-1].name, runs[-1].evaluation)
        found += _other_numbering(summary, runs[-1])
    found += _more_evidence(summary)
    found += _unconfirmed(summary)
    if runs and runs[-1].evaluation:
        found += _weak_view(runs[-1].name, runs[-1].evaluation)
        found += _few_labels(runs[-1].evaluation)
    found += _pruned(summary)
    found += _at_the_edge(summary)
    found += _still_rising(summary)
    return found


def _finding_or_numbering(name: str, e: Evaluation) -> list[str]:
    missed, wrong = shares(e).missed, shares(e).wrong
    if not e.missed and wrong <= 0:
        return []
    figures = f"{missed:.1%} of the labelled vertebrae are not found, {wrong:.1%} misnumbered"
    who = sentence(run_words(name))
    if wrong > missed:
        return [
            f"{who}: {figures}. Numbering costs more than finding: first try what tells one level "
            "from the next."
        ]
    if missed > wrong:
        return [
            f"{who}: {figures}. Finding costs more than numbering: first try a lower confidence "
            f"(counted at {e.confidence:g}), a larger image_size_px or a larger model."
        ]
    return [f"{who}: {figures}. Both cost the same."]


def _other_numbering(summary: StudySummary, run: RunSummary) -> list[str]:
    evidence, e, other = summary.evidence, run.evaluation, run.other_numbering
    if evidence is None or e is None or other is None:
        return []
    gain = shares(other).right - shares(e).right
    if round(gain * 100, 1) <= 0:
        return []
    way = "argmax" if evidence.numbering == "sequence" else "sequence"
    return [
        f"Set numbering to {way}: on the same detections {run_words(run.name)} then has "
        f"{gain * 100:.1f} points more right levels than with {evidence.numbering}."
    ]


def _more_evidence(summary: StudySummary) -> list[str]:
    """Return how many seeds or patients would tell the observed gain from chance."""
    evidence, found = summary.evidence, claim(summary)
    if evidence is None:
        return []
    if found is None:
        if summary.challengers and not evidence.seeds:
            return [
                "Nothing is confirmed: set confirm.seeds and confirm.top, and go on with the study."
            ]
        return []
    effect = found.effect
    if effect.verdict != "not told apart" or effect.difference <= 0:
        return []
    where = "test part" if found.part == "test" else "validation part"
    text = (
        f"{effect.name} is not told apart from the baseline on the {where} "
        f"({signed(effect.difference)}; {interval_text(effect)}; p {p_text(effect.p_corrected)})."
    )
    text += found.few_seeds
    if effect.low <= 0:
        text += _wanted(evidence, found)
    return [text]


def _wanted(evidence: Evidence, found: Claim) -> str:
    effect, patients = found.effect, found.patients
    half = (effect.high - effect.low) / 2
    seed_half = 0.0
    if evidence.noise_sd:
        freedom = max(effect.runs + effect.baseline_runs - 2, 1)
        spread = evidence.noise_sd * sqrt(1 / effect.runs + 1 / effect.baseline_runs)
        seed_half = float(student.ppf(0.975, freedom)) * spread
    if evidence.noise_sd and seed_half > 0.7 * half:  # Half of the variance or more.
        seeds = seeds_wanted(effect.difference / evidence.noise_sd, found.finalists)
        much = f"more than {_MOST_SEEDS} seeds" if seeds is None else count(seeds, "seed")
        return (
            " By estimate, most of the interval's width is noise between seeds. A true gain of "
            f"that size ({effect.difference / evidence.noise_sd:.1f} standard deviations) takes "
            f"{much} each, instead of {min(effect.runs, effect.baseline_runs)}, to be told from "
            "seed noise in 80 of 100 studies."
        )
    if not evidence.noise_sd:
        return (
            " How much of the interval's width is noise between seeds is not known: give the "
            "baseline three trainings or more."
        )
    wanted = max((half / effect.difference) ** 2, 1) * patients
    return (
        " By estimate, most of the interval's width comes from the choice of films, so more seeds "
        "help little. As an interval narrows with the root of their number, a gain of that size "
        f"takes about {wanted:,.0f} patients instead of {patients}."
    )


def seeds_wanted(gain_sd: float, finalists: int = 1) -> int | None:
    """Return the fewest seeds an arm that tell a gain from chance; None above `_MOST_SEEDS`."""
    if gain_sd <= 0 or detectable_effect(_MOST_SEEDS, finalists) > gain_sd:
        return None
    low, high = 1, _MOST_SEEDS  # `high` is enough, `low` is not.
    while high - low > 1:
        middle = (low + high) // 2
        enough = detectable_effect(middle, finalists) <= gain_sd
        low, high = (low, middle) if enough else (middle, high)
    return high


def _unconfirmed(summary: StudySummary) -> list[str]:
    """Return the variant above the baseline that no fresh seed has been spent on."""
    evidence = summary.evidence
    if evidence is None or not evidence.arms:
        return []
    rest = [e for e in evidence.variants if evidence.arm(e.name) is None and e.difference > 0]
    open_ones = [e for e in rest if e.verdict != "worse"]
    if not open_ones:
        return []
    best = max(open_ones, key=lambda e: e.difference)
    return [
        f"Of the variants not trained again, {best.name} lies highest above the baseline "
        f"({signed(best.difference)}; {interval_text(best)}; {best.verdict}): with a larger "
        "confirm.top it would be confirmed or dropped."
    ]


def _weak_view(name: str, e: Evaluation) -> list[str]:
    if len(e.views) < 2:
        return []
    ranked = sorted(((shares(v), view) for view, v in e.views.items()), key=lambda p: p[0].right)
    (low, weak), (high, strong) = ranked[0], ranked[-1]
    gap = high.right - low.right
    error = sqrt(sum(v.right * (1 - v.right) / v.instances for v in (low, high)))
    if gap <= _STANDARD_ERRORS * error or round(gap, 3) == 0:
        return []
    weaker = "finding" if low.missed > low.wrong else "numbering"
    return [
        f"{weak.capitalize()} films are the weak view: {run_words(name)} gives {low.right:.1%} of "
        f"their vertebrae the right level, against {high.right:.1%} on {strong} ones; there "
        f"{weaker} is the weaker part."
    ]


def _few_labels(e: Evaluation) -> list[str]:
    counts = {level: score.instances for level, score in e.levels.items()}
    labelled = [number for number in counts.values() if number]
    none = [level for level, number in counts.items() if not number]
    text = []
    if labelled:
        bar = _FEW_LABELS * median(labelled)
        few = [f"{level} ({number})" for level, number in counts.items() if 0 < number < bar]
        if few:
            text.append(
                f"Few labels in the scored part: {listed(few)}, against {median(labelled):g} of "
                "the median level. Their scores are the least certain; more films with them help."
            )
    if none:
        text.append(f"Not labelled in the scored part at all, so not judged: {listed(none)}.")
    return text


def _pruned(summary: StudySummary) -> list[str]:
    above = pruned_above(summary)
    if not above:
        return []
    return [
        f"Train {listed(above)} to the end: pruned, {'they' if len(above) > 1 else 'it'} already "
        "scored above the best completed run."
    ]


def _at_the_edge(summary: StudySummary) -> list[str]:
    """Return where the best searched run lies at the end of what it could choose."""
    runs = [r for r in summary.challengers if r.kind == "search"]
    best = max(runs, key=lambda r: r.value(summary.objective) or 0.0, default=None)
    if best is None or best not in (summary.best_run, summary.leader):
        return []
    ends = []
    for name, axis in summary.space.items():
        value = best.changes.get(name)
        if "low" not in axis or not isinstance(value, int | float):
            continue
        low, high = axis["low"], axis["high"]
        along = (value - low) / (high - low)
        if axis.get("log") and value > 0:  # The space may have been another one then.
            along = log(value / low) / log(high / low)
        if along < _EDGE or along > 1 - _EDGE:
            ends.append(f"{name} {value:.3g} (from {low:g} to {high:g})")
    if not ends:
        return []
    return [
        f"{best.name}, the best searched run, lies at the edge of its space in {listed(ends)}: "
        "where a wider range makes sense, search it."
    ]


def _still_rising(summary: StudySummary) -> list[str]:
    text = []
    for run in looked_into(summary):
        if run.best_epoch is not None and run.epochs > 1 and run.best_epoch >= 0.95 * run.epochs:
            text.append(
                sentence(
                    f"{run_words(run.name)} was best in epoch {run.best_epoch} of {run.epochs} for "
                    f"{label(summary.objective)}"
                )
            )
    if not text:
        return []
    return [f"{'; '.join(text)}: longer training may still gain."]
