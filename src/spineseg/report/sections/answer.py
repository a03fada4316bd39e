"""Is there a better model, by how much, how sure is that, and how far is it to be believed?"""

from __future__ import annotations

from typing import Any, Literal

from spineseg.config.model import Model
from spineseg.evidence.effects import Verdict
from spineseg.evidence.results import RunSummary, SealedTest, StudySummary
from spineseg.report.chosen_runs import pruned_above
from spineseg.report.claim import Claim, claim
from spineseg.report.table import TABLED
from spineseg.report.wording import (
    count,
    difference_text,
    interval_text,
    label,
    listed,
    p_text,
    signed,
    value_text,
)

Tone = Literal["better", "unclear", "none"]
_TONES: dict[Verdict, Tone] = {"better": "better", "worse": "none", "not told apart": "unclear"}
_PLACES = {
    "test": "on the sealed test part ({}films)",
    "valid": "on fresh seeds, on the {}validation films",
}


class Answer(Model):
    """Whether there is a better model than the baseline, and how sure that is."""

    tone: Tone
    text: str


def content(summary: StudySummary) -> dict[str, Any]:
    """Return what the template needs."""
    return {
        "answer": answer(summary),
        "warning": warning(summary.test) if summary.test else "",
        "tiles": tiles(summary),
        "cautions": cautions(summary),
    }


def answer(summary: StudySummary) -> Answer:
    """Return the answer: is there a better model than the baseline, and by how much."""
    found = claim(summary)
    told = _trained_once(summary) if found is None else _measured(summary, found)
    cut = f" The study is not whole: {summary.cut_short}." if summary.cut_short else ""
    return told.model_copy(update={"text": told.text + _in_parts(summary) + cut})


def _in_parts(summary: StudySummary) -> str:
    """Return how many of the runs that were compared trained their batches in parts."""
    runs = [run for run in summary.standing if run.split > 1 and run.evaluation]
    if not runs:
        return ""
    one = len(runs) == 1
    return (
        f" {count(len(runs), 'run')}, {listed([run.name for run in runs])}, trained "
        f"{'its' if one else 'their'} batches in parts, for want of memory: the same gradients "
        "added up, and not quite the same training."
    )


def _measured(summary: StudySummary, found: Claim) -> Answer:
    effect = found.effect
    where = _PLACES[found.part].format("synthetic " if summary.synthetic else "")
    holm = f" after Holm's correction for {count(found.finalists, 'finalist')}"
    figures = (
        f"{label(summary.objective)} {effect.challenger:.3f} against the baseline's "
        f"{effect.baseline:.3f}: {signed(effect.difference)} (95 % interval "
        f"{interval_text(effect)}; p {p_text(effect.p_corrected)}"
        f"{holm if effect.p_holm is not None else ''}). Means over "
        f"{count(effect.runs, 'training')}, {effect.baseline_runs} of the baseline; "
        f"{count(found.films, 'film')} of {count(found.patients, 'patient')}."
    )
    if summary.test is None or not summary.test.films:
        figures += " The sealed test part has not been opened."
    text = {
        "better": f"Yes, better {where}: {effect.name} reaches {figures}",
        "worse": f"No, worse {where}: {effect.name} has {figures}",
        "not told apart": f"Not told apart {where}: {effect.name} has {figures}",
    }[effect.verdict]
    if effect.verdict == "not told apart":
        text += found.few_seeds
    return Answer(tone=_TONES[effect.verdict], text=text)


def _trained_once(summary: StudySummary) -> Answer:
    """Return the answer where nothing was trained again on fresh seeds."""
    baseline, best, goal = summary.baseline, summary.best_run, label(summary.objective)
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
        return Answer(tone="none", text=text + " Each was trained once.")
    return _not_confirmed(summary, best, base)


def _not_confirmed(summary: StudySummary, best: RunSummary, base: float) -> Answer:
    """Return the answer from one training of the best, with its interval where it is a variant."""
    where = "on these synthetic films" if summary.synthetic else "on these validation films"
    text = f"Not confirmed, {where}: the highest, {best.name}, has {label(summary.objective)} "
    variants = summary.evidence.variants if summary.evidence else []
    effect = next((effect for effect in variants if effect.name == best.name), None)
    if effect is None:
        value = best.value(summary.objective) or 0.0
        text += (
            f"{value:.3f} against the baseline's {base:.3f} ({signed(value - base)}). It was "
            "trained once and picked as the best"
        )
    else:
        runs = "" if effect.baseline_runs == 1 else f" (mean of {effect.baseline_runs} runs)"
        text += (
            f"{effect.challenger:.3f} against the baseline's {effect.baseline:.3f}{runs}: "
            f"{signed(effect.difference)} (95 % interval {interval_text(effect)}; p "
            f"{p_text(effect.p_corrected)}), {effect.verdict}. It was trained once"
        )
    return Answer(tone="unclear", text=f"{text}; nothing was trained again on fresh seeds yet.")


def _without_baseline(summary: StudySummary, goal: str) -> str:
    baseline = summary.baseline
    state = {
        None: "was not run",
        "running": "is still running",
        "interrupted": "was interrupted",
        "failed": "failed",
    }.get(baseline.outcome if baseline else None, "has not completed")
    reason = f" ({baseline.failure})" if baseline and baseline.failure else ""
    text = f"The baseline {state}{reason}, so nothing can be compared with it yet."
    best = max(summary.challengers, key=lambda r: r.value(summary.objective) or 0.0, default=None)
    if best is not None:
        value = best.value(summary.objective) or 0.0
        text += f" Highest of the others: {best.name}, {goal} {value:.3f}."
    return text


_OTHERS = ("pruned", "failed", "interrupted", "running")


def _unfinished_words(summary: StudySummary) -> str:
    found = {w: sum(r.outcome == w for r in summary.standing) for w in _OTHERS}
    found["failed and tried again"] = sum(run.superseded for run in summary.runs)
    words = [f"{number} {word}" for word, number in found.items() if number]
    return f" Of the other runs: {', '.join(words)}." if words else ""


def warning(test: SealedTest) -> str:
    """Return what makes the sealed part worth less than it was; empty where nothing does."""
    times = len(test.openings)
    if times > 1:
        return (
            f"The test part of these data was opened {times} times. Each look makes it worth less: "
            "whoever looks often enough finds a model that happens to suit it."
        )
    if test.films and not times:
        return "Scores on the test part exist, but no opening of it is on record."
    return ""


def tiles(summary: StudySummary) -> list[tuple[str, str, str, str]]:
    """Return (what, figure, difference, of what) in the objective and the table's metrics.

    Of the answer's own arm where there is one, else of the leading run, else of the baseline.
    """
    metrics = dict.fromkeys((summary.objective, *(metric.name for metric in TABLED)))
    found = claim(summary)
    if found is not None:
        part = "test part" if found.part == "test" else "fresh seeds"
        return [
            (
                label(metric),
                value_text(metric, effect.challenger),
                difference_text(metric, effect.difference),
                part,
            )
            for metric in metrics
            if (effect := found.arm.effect(metric))
        ]
    baseline, leader = summary.baseline, summary.leader
    shown = leader if leader and leader.evaluation else baseline
    if shown is None or shown.evaluation is None:
        return []
    against = baseline if baseline and baseline.evaluation and shown.name != "baseline" else None
    rows = []
    for metric in metrics:
        value, base = shown.value(metric) or 0.0, against.value(metric) if against else None
        delta = "" if base is None else difference_text(metric, value - base)
        rows.append((label(metric), value_text(metric, value), delta, "trained once"))
    return rows


def cautions(summary: StudySummary) -> list[str]:
    """Return, sentence by sentence, how far the answer may be believed."""
    baseline, best, others = summary.baseline, summary.best_run, summary.challengers
    if baseline is None or baseline.evaluation is None or not others:
        return []
    found = claim(summary)
    films = count(baseline.evaluation.films, "validation film")
    text = []
    if found is None:
        text.append(_trained_once_words(summary, baseline))
        if best is not None and best.kind != "baseline":
            text.append(
                f"{best.name} was picked as the best of {len(others) + 1} on the same {films} that "
                "it is scored on, so its lead is overstated."
            )
    elif found.part == "valid":
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
    return text


def _trained_once_words(summary: StudySummary, baseline: RunSummary) -> str:
    seeds = {run.seed for run in [baseline, *summary.challengers]}
    seed = f", with seed {min(seeds, key=str)}" if len(seeds) == 1 and None not in seeds else ""
    once = f"Each configuration was trained once{seed}; "
    scores = summary.evidence.baseline_scores if summary.evidence else []
    if len(scores) > 1:
        return once + "the intervals below take another seed's noise from the baseline's runs."
    return once + "how much another seed would change is in no figure below."
