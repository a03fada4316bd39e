"""How far the report's answer may be believed, sentence by sentence."""

from __future__ import annotations

import math

from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.answer import claim
from spineseg.report.table import CLEAR_DIFFERENCE
from spineseg.report.wording import count, verdict


def cautions(summary: StudySummary) -> list[str]:
    """Return, sentence by sentence, how far the answer may be believed."""
    baseline, best, others = summary.baseline, summary.best_run, summary.challengers
    base = baseline.value(summary.objective) if baseline else None
    if baseline is None or baseline.evaluation is None or base is None or not others:
        return []
    found = claim(summary)
    films = count(baseline.evaluation.images, "validation film")
    text = []
    if found is None:
        text.append(_one_seed(summary, baseline, base))
        if best is not None and best.kind != "baseline":
            text.append(
                f"{best.name} was picked as the best of {len(others) + 1} on the same {films} that "
                "it is scored on, so its lead is overstated."
            )
    elif found.part == "validation":
        text.append(
            f"The finalists were picked by their scores on the same {films}: fresh seeds take the "
            "luck of one training out of their lead, not the luck with these films."
        )
    above = pruned_above(summary)
    if above:
        text.append(
            f"Pruned before their end although they score above {(best or baseline).name}: "
            f"{', '.join(above)}. The best completed run need not be the best there was."
        )
    if found is None:
        text += _scales(summary, baseline, base)
    return text


def _one_seed(summary: StudySummary, baseline: RunSummary, base: float) -> str:
    others = summary.challengers
    seeds = {run.seed for run in [baseline, *others]}
    seed = f", with seed {min(seeds, key=str)}" if len(seeds) == 1 and None not in seeds else ""
    once = f"Each configuration was trained once{seed}; "
    if summary.evidence is not None and len(summary.evidence.baseline_scores) > 1:
        return once + "the intervals below take another seed's noise from the baseline's runs."
    if summary.evidence is not None:
        return once + "the intervals below do not hold how much another seed would change."
    close = sum(
        verdict((r.value(summary.objective) or 0.0) - base) == "no clear difference" for r in others
    )
    return (
        f"{once}how much another seed would change is not known. Differences below "
        f"{CLEAR_DIFFERENCE:g} are therefore called no clear difference: a rule of thumb, no test. "
        f"It holds for {close} of {count(len(others), 'other completed run')}."
    )


def _scales(summary: StudySummary, baseline: RunSummary, base: float) -> list[str]:
    """Return what a difference may be held against where no noise was measured."""
    text, best = [], summary.best_run
    wobble = _wobble(baseline.curves.get(f"val/{summary.objective}", []))
    if wobble is not None:
        epochs, spread = wobble
        lead = ((best.value(summary.objective) or 0.0) if best else 0.0) - base
        word = "more" if lead > spread else "no more"
        than = f"; the lead of {lead:.3f} is {word} than that" if lead > 0 else ""
        text.append(
            f"For scale: over its last {epochs} epochs the baseline's own score moved within a "
            f"range of {spread:.3f}{than}."
        )
    if baseline.evaluation is None:
        return text
    rate, vertebrae = baseline.evaluation.right_level_rate, baseline.evaluation.instances
    error = math.sqrt(rate * (1 - rate) / vertebrae) if vertebrae and 0 <= rate <= 1 else 0.0
    if error:
        text.append(
            f"The share of right levels, counted on {count(vertebrae, 'vertebra', 'vertebrae')}, "
            f"has a standard error of at least {error * 100:.1f} points."
        )
    return text


def pruned_above(summary: StudySummary) -> list[str]:
    """Return the pruned runs whose best weights score higher than the best completed run's."""
    best = summary.best_run or summary.baseline
    bar = (best.value(summary.objective) if best else None) or 0.0
    scored = [(r.name, r.value(summary.objective)) for r in summary.runs if r.outcome == "pruned"]
    return [f"{name} ({value:.3f})" for name, value in scored if value is not None and value > bar]


def _wobble(curve: list[float]) -> tuple[int, float] | None:
    """Return the range of a curve over its last tenth, from 20 epochs on."""
    epochs = max(5, len(curve) // 10)
    return (epochs, max(curve[-epochs:]) - min(curve[-epochs:])) if len(curve) >= 20 else None
