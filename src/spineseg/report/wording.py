"""What the report says in words; every figure comes from the data."""

from __future__ import annotations

import math
from typing import Any, Literal

from ..config import Model
from ..evaluation.result import Evaluation
from .model import RunSummary, StudySummary
from .table import CLEAR_DIFFERENCE, NONE, is_clear, signed, signed_points

_METRICS = {
    "mask_map50_95": "mask mAP50-95",
    "mask_map50": "mask mAP50",
    "box_map50_95": "box mAP50-95",
    "box_map50": "box mAP50",
}


class Answer(Model):
    """Whether there is a better model than the baseline, and how sure that is."""

    tone: Literal["better", "unclear", "none"]
    text: str


class HypothesisVerdict(Model):
    """What a variant was expected to show, and what was measured."""

    name: str
    hypothesis: str
    changes: str
    value: str
    delta: str
    verdict: str


def metric_name(name: str) -> str:
    """Return a metric as people write it: `mask_map50_95` as "mask mAP50-95"."""
    return _METRICS.get(name, name.replace("_", " "))


def verdict(delta: float) -> Literal["better", "worse", "no clear difference"]:
    """Return the word for a difference in the objective, judged as it is printed."""
    if not is_clear(delta):
        return "no clear difference"
    return "better" if delta > 0 else "worse"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return "1 run", "3 runs"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def answer(summary: StudySummary) -> Answer:
    """Return the answer: is there a better model than the baseline, and by how much."""
    baseline, best, goal = summary.baseline, summary.best_run, metric_name(summary.objective)
    base = baseline.value(summary.objective) if baseline else None
    others = summary.challengers
    if baseline is None or base is None or baseline.outcome != "completed":
        return Answer(tone="none", text=_without_baseline(summary, goal))
    if not others:
        rest = _unfinished_words(summary)
        text = f"Only the baseline has completed so far: {goal} {base:.3f}.{rest}"
        return Answer(tone="none", text=text)
    if best is None or best.kind == "baseline":
        near = max(others, key=lambda run: run.value(summary.objective) or 0.0)
        gap = (near.value(summary.objective) or 0.0) - base
        who = f"The nearest of {len(others)} other completed runs is {near.name}"
        who = who if len(others) > 1 else f"The one other completed run is {near.name}"
        text = f"No: no run beat the baseline's {goal} of {base:.3f}. {who}, {signed(gap)}."
        return Answer(tone="none", text=text)
    value = best.value(summary.objective) or 0.0
    gain = value - base
    share = f", {gain / base:+.0%}" if base else ""
    figures = f"{goal} {value:.3f} against the baseline's {base:.3f} ({signed(gain)}{share})"
    if verdict(gain) == "no clear difference":
        text = f"Not clearly: the highest, {best.name}, has {figures}. That is too little to be "
        return Answer(tone="unclear", text=text + "told apart from chance with one seed each.")
    where = "on these synthetic films" if summary.synthetic else "on these validation films"
    return Answer(tone="better", text=f"Yes, {where}: {best.name} reaches {figures}.")


def _without_baseline(summary: StudySummary, goal: str) -> str:
    baseline = summary.baseline
    state = {None: "was not run", "running": "is still running", "failed": "failed"}.get(
        baseline.outcome if baseline else None, "has not completed"
    )
    reason = f" ({baseline.failure})" if baseline and baseline.failure else ""
    text = f"The baseline {state}{reason}, so nothing can be compared with it yet."
    best = max(summary.challengers, key=lambda r: r.value(summary.objective) or 0.0, default=None)
    if best is not None:
        value = best.value(summary.objective) or 0.0
        text += f" Highest of the others: {best.name}, {goal} {value:.3f}."
    return text


def _unfinished_words(summary: StudySummary) -> str:
    found = {w: sum(r.outcome == w for r in summary.runs) for w in ("pruned", "failed", "running")}
    words = [f"{number} {word}" for word, number in found.items() if number]
    return f" Of the other runs: {', '.join(words)}." if words else ""


def cautions(summary: StudySummary) -> list[str]:
    """Return, sentence by sentence, how far the answer may be believed."""
    baseline, best, others = summary.baseline, summary.best_run, summary.challengers
    base = baseline.value(summary.objective) if baseline else None
    if baseline is None or baseline.evaluation is None or base is None or not others:
        return []
    seeds = {run.seed for run in [baseline, *others]}
    seed = f", with seed {min(seeds, key=str)}" if len(seeds) == 1 and None not in seeds else ""
    close = sum(
        verdict((r.value(summary.objective) or 0.0) - base) == "no clear difference" for r in others
    )
    text = [
        f"Each configuration was trained once{seed}; how much another seed would change "
        f"is not known. Differences below {CLEAR_DIFFERENCE:g} are therefore called no clear "
        f"difference: a rule of thumb, no test. It holds for {close} of "
        f"{count(len(others), 'other completed run')}."
    ]
    if best is not None and best.kind != "baseline":
        films = count(baseline.evaluation.images, "validation film")
        text.append(
            f"{best.name} was picked as the best of {len(others) + 1} on the same {films} that it "
            "is scored on, so its lead is overstated."
        )
    above = _pruned_above(summary, best or baseline)
    if above:
        text.append(
            f"Pruned before their end although they score above {(best or baseline).name}: "
            f"{', '.join(above)}. The best completed run need not be the best there was."
        )
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
    rate, vertebrae = baseline.evaluation.right_level_rate, baseline.evaluation.instances
    error = math.sqrt(rate * (1 - rate) / vertebrae) if vertebrae and 0 <= rate <= 1 else 0.0
    if error:
        text.append(
            f"The share of right levels, counted on {count(vertebrae, 'vertebra', 'vertebrae')}, "
            f"has a standard error of at least {error * 100:.1f} points."
        )
    return text


def _pruned_above(summary: StudySummary, best: RunSummary) -> list[str]:
    """Return the pruned runs whose best weights score higher than the best completed run's."""
    bar = best.value(summary.objective) or 0.0
    scored = [(r.name, r.value(summary.objective)) for r in summary.runs if r.outcome == "pruned"]
    return [f"{name} ({value:.3f})" for name, value in scored if value is not None and value > bar]


def _wobble(curve: list[float]) -> tuple[int, float] | None:
    """Return the range of a curve over its last tenth, from 20 epochs on."""
    epochs = max(5, len(curve) // 10)
    return (epochs, max(curve[-epochs:]) - min(curve[-epochs:])) if len(curve) >= 20 else None


def numbering(evaluations: dict[str, Evaluation]) -> list[str]:
    """Return what finding and numbering each cost, and at which levels."""
    text = [
        f"{'The baseline' if name == 'baseline' else name} finds {e.found_rate:.1%} of the "
        f"labelled vertebrae and gives {e.right_level_rate:.1%} their right level; "
        f"{e.off_by_one_rate:.1%} are one level off. It misses {e.missed}, invents {e.invented} "
        f"and names {e.doubled} a second time in their film."
        for name, e in evaluations.items()
    ]
    name, last = list(evaluations.items())[-1]
    gap = last.found_rate - last.right_level_rate
    who = "the baseline" if name == "baseline" else name
    text.append(f"Wrong numbers alone still cost {who} {gap:.1%} of all vertebrae.")
    shares = right_shares(last)
    if shares and min(shares.values()) < max(shares.values()):
        weak = sorted(shares, key=lambda level: shares[level])[:3]
        named = ", ".join(f"{level} ({shares[level]:.0%})" for level in weak)
        text.append(f"Its weakest levels: {named}.")
    return text


def right_shares(evaluation: Evaluation) -> dict[str, float]:
    """Return level -> share of its labelled vertebrae found with that level."""
    return {
        level: score.right / score.instances
        for level, score in evaluation.levels.items()
        if score.instances
    }


def hypotheses(summary: StudySummary) -> list[HypothesisVerdict]:
    """Return each variant's verdict in the objective, in the order of the study."""
    baseline = summary.baseline
    base = baseline.value(summary.objective) if baseline else None
    found = []
    for run in summary.runs:
        if run.kind != "variant":
            continue
        value = run.value(summary.objective)
        delta = None if value is None or base is None else value - base
        word: str = (
            verdict(delta) if delta is not None and run.outcome == "completed" else run.outcome
        )
        if word == "completed":
            word = "not comparable"
        found.append(
            HypothesisVerdict(
                name=run.name,
                hypothesis=run.hypothesis or NONE,
                changes=changes_text(run),
                value=NONE if value is None else f"{value:.3f}",
                delta=NONE if delta is None else signed(delta),
                verdict=word,
            )
        )
    return found


def changes_text(run: RunSummary) -> str:
    """Return a run's difference from the baseline in a line."""
    return ", ".join(f"{key} {_plain(value)}" for key, value in run.changes.items()) or "none"


def _plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def levels_gained(baseline: Evaluation, best: Evaluation) -> str:
    """Return where the best run gained and lost most against the baseline, by level."""
    before, after = right_shares(baseline), right_shares(best)
    change = {level: after[level] - before[level] for level in after if level in before}
    up, down = (pick(change, key=lambda v: change[v], default=None) for pick in (max, min))
    words = [
        f"{verb} most at {level} ({signed_points(change[level])} points)"
        for verb, level, right in (("gained", up, 1), ("lost", down, -1))
        if level is not None and change[level] * right > 0
    ]
    return f"Against the baseline, right levels were {' and '.join(words)}." if words else ""
