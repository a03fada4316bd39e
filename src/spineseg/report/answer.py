"""The report's first question: is there a better model, by how much, and how sure is that?"""

from __future__ import annotations

from math import comb
from typing import Literal, NamedTuple

from spineseg.config.model import Model
from spineseg.evidence.effects import Effect
from spineseg.evidence.results import ArmResult, Evidence, RunSummary, SealedTest, StudySummary
from spineseg.report.table import signed
from spineseg.report.wording import (
    corrected,
    count,
    difference_text,
    interval_text,
    metric_name,
    p_text,
    value_text,
    verdict,
)

_TILES = ("mask_map50", "box_map50", "right_level_rate", "whole_column_right_rate")
SURE = 0.05  # Chance of a false alarm that a claim may have.


class Answer(Model):
    """Whether there is a better model than the baseline, and how sure that is."""

    tone: Literal["better", "unclear", "none"]
    text: str


class Claim(NamedTuple):
    """The one effect that the answer rests on, and where it was measured."""

    arm: ArmResult
    effect: Effect
    part: Literal["test", "validation"]
    films: int
    patients: int
    finalists: int


def claim(summary: StudySummary) -> Claim | None:
    """Return the effect to judge by: on the sealed test part, else on fresh seeds, else None."""
    leader = summary.leader.name if summary.leader else None
    parts: tuple[tuple[Literal["test", "validation"], SealedTest | Evidence | None], ...] = (
        ("test", summary.test),
        ("validation", summary.evidence),
    )
    for part, source in parts:
        arms = [
            (a, e) for a in (source.arms if source else []) if (e := a.effect(summary.objective))
        ]
        if source is None or not arms:
            continue
        arm, effect = next(((a, e) for a, e in arms if a.name == leader), arms[0])
        return Claim(arm, effect, part, source.films, source.patients, len(arms))
    return None


def answer(summary: StudySummary) -> Answer:
    """Return the answer: is there a better model than the baseline, and by how much."""
    found = claim(summary)
    return _trained_once(summary) if found is None else _measured(summary, found)


def _measured(summary: StudySummary, found: Claim) -> Answer:
    effect, p = found.effect, corrected(found.effect)
    kind = "synthetic " if summary.synthetic else ""
    where = {
        "test": f"on the sealed test part ({kind}films)",
        "validation": f"on fresh seeds, on the {kind}validation films",
    }[found.part]
    goal = metric_name(summary.objective)
    holm = f" after Holm's correction for {count(found.finalists, 'finalist')}"
    figures = (
        f"{goal} {effect.challenger:.3f} against the baseline's {effect.baseline:.3f}: "
        f"{signed(effect.difference)} (95 % interval {interval_text(effect)}; p {p_text(p)}"
        f"{holm if effect.p_holm is not None else ''}). Means over "
        f"{count(effect.runs, 'fresh seed')}, {effect.baseline_runs} of the baseline; "
        f"{count(found.films, 'film')} of {count(found.patients, 'patient')}."
    )
    if summary.test is None or not summary.test.films:
        figures += " The sealed test part has not been opened."
    who = f"{effect.name} has {figures}"
    if effect.verdict == "better" and p < SURE:
        return Answer(tone="better", text=f"Yes, {where}: {effect.name} reaches {figures}")
    if effect.verdict == "better":
        text = f"Not surely, {where}: {who} The interval leaves zero out, but p is not below {SURE}"
        ends = 2 if effect.runs == effect.baseline_runs else 1  # Arms of one size can change sides.
        least = ends / comb(effect.runs + effect.baseline_runs, effect.runs)
        if least >= SURE:
            text += f": so few seeds can give no p below {p_text(least)}, raise confirm.seeds"
        text += "."
        return Answer(tone="unclear", text=text)
    if effect.verdict == "worse":
        return Answer(tone="none", text=f"No, {where} it is worse: {who}")
    if effect.difference > 0:
        text = f"Not clearly, {where}: {who} The interval reaches zero: no gain is shown."
        return Answer(tone="unclear", text=text)
    return Answer(tone="none", text=f"No, {where} nothing is gained: {who}")


def _trained_once(summary: StudySummary) -> Answer:
    """Return the answer where nothing was trained again on fresh seeds."""
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
        return Answer(tone="none", text=text + " Each was trained once.")
    value = best.value(summary.objective) or 0.0
    gain = value - base
    share = f", {gain / base:+.0%}" if base else ""
    figures = f"{goal} {value:.3f} against the baseline's {base:.3f} ({signed(gain)}{share})"
    where = "on these synthetic films" if summary.synthetic else "on these validation films"
    if summary.evidence is not None:
        return _with_interval(summary.evidence, best, where, figures)
    if verdict(gain) == "no clear difference":
        text = f"Not clearly: the highest, {best.name}, has {figures}. That is too little to be "
        return Answer(tone="unclear", text=text + "told apart from chance with one seed each.")
    text = f"Yes, {where}: {best.name} reaches {figures}. Each was trained once."
    return Answer(tone="better", text=text)


def _with_interval(evidence: Evidence, best: RunSummary, where: str, figures: str) -> Answer:
    """Return the answer from one training each, with the interval of a variant."""
    effect = next((effect for effect in evidence.variants if effect.name == best.name), None)
    text = f"Perhaps, {where}: the highest, {best.name}, has {figures}"
    if effect is None:
        text += ". It was trained once and picked as the best"
    else:
        drawn = "reaches" if effect.verdict == "not told apart" else "leaves out"
        text += f", 95 % interval {interval_text(effect)}, which {drawn} zero. It was trained once"
    return Answer(tone="unclear", text=f"{text}; nothing was trained again on fresh seeds yet.")


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


def tiles(summary: StudySummary) -> list[tuple[str, str, str, str]]:
    """Return (what, figure, difference, of what) in the metrics that matter most.

    Of the answer's own arm where there is one, else of the leading run, else of the baseline.
    """
    metrics = dict.fromkeys((summary.objective, *_TILES))
    found = claim(summary)
    if found is not None:
        part = "test part" if found.part == "test" else "fresh seeds"
        return [
            (
                metric_name(metric),
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
        rows.append((metric_name(metric), value_text(metric, value), delta, "trained once"))
    return rows
