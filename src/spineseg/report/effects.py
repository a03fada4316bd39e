"""The report's third question: which hypotheses held; each effect with its interval, drawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from spineseg.config.model import Model
from spineseg.evidence.effects import Effect
from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.drawing import BLUE, FAINT, GREY, INK, SOFT, as_svg, house_style, new_figure
from spineseg.report.figures import MOST_ROWS, run_colours
from spineseg.report.table import CLEAR_DIFFERENCE, NONE, signed
from spineseg.report.wording import changes_text, count, interval_text, metric_name, verdict


class HypothesisVerdict(Model):
    """What a variant was expected to show, and what was measured."""

    name: str
    hypothesis: str
    changes: str
    value: str
    delta: str
    interval: str
    verdict: str
    confirmed: str


def hypotheses(summary: StudySummary) -> list[HypothesisVerdict]:
    """Return each variant's verdict in the objective, in the order of the study."""
    baseline, evidence = summary.baseline, summary.evidence
    base = baseline.value(summary.objective) if baseline else None
    effects = {effect.name: effect for effect in evidence.variants} if evidence else {}
    found = []
    for run in summary.runs:
        if run.kind != "variant":
            continue
        value, effect = run.value(summary.objective), effects.get(run.name)
        delta = None if value is None or base is None else value - base
        word = _word(run, delta, effect, evidence is not None)
        if effect is not None:
            delta = effect.difference
        found.append(
            HypothesisVerdict(
                name=run.name,
                hypothesis=run.hypothesis or NONE,
                changes=changes_text(run),
                value=NONE if value is None else f"{value:.3f}",
                delta=NONE if delta is None else signed(delta),
                interval=NONE if effect is None else interval_text(effect),
                verdict=word,
                confirmed=_confirmed(summary, run.name),
            )
        )
    return found


def _word(run: RunSummary, delta: float | None, effect: Effect | None, judged: bool) -> str:
    """Return the verdict: by the interval; by the rule of thumb where the study has none."""
    if effect is not None:
        return effect.verdict
    if run.outcome != "completed":
        return run.outcome
    if delta is None or judged:
        return "not comparable" if delta is None else "no interval"
    return verdict(delta)


def _confirmed(summary: StudySummary, name: str) -> str:
    arm = summary.evidence.arm(name) if summary.evidence else None
    effect = arm.effect(summary.objective) if arm else None
    if effect is None:
        return NONE
    return f"{effect.verdict} ({signed(effect.difference)}; {interval_text(effect)})"


def interval_note(summary: StudySummary) -> list[str]:
    """Return what the intervals hold, and how many verdicts chance alone would give."""
    evidence = summary.evidence
    if evidence is None or not evidence.variants:
        return []
    runs = len(evidence.baseline_scores)
    if runs == 1:
        text = [
            "The intervals are over patients alone: the baseline was trained once, so how much "
            "another seed would change is not in them. They are too narrow."
        ]
    elif evidence.noise_sd is None:
        text = [
            "The baseline has two runs, too few to know the noise between seeds: the intervals "
            "are over patients, and over seeds only as far as those two tell."
        ]
    else:
        text = [
            f"The intervals are over patients and seeds: each variant was trained once, its noise "
            f"taken from the baseline's {runs} runs."
        ]
    tried = len(evidence.variants)
    apart = sum(effect.verdict != "not told apart" for effect in evidence.variants)
    verb = "is" if apart == 1 else "are"
    text.append(
        f"{apart} of {count(tried, 'variant')} {verb} told apart from the baseline. Without "
        f"correction for their number, about {tried * 0.05:.2g} would be by chance alone."
    )
    return text


class _Line(NamedTuple):
    name: str
    effect: Effect
    confirmed: bool


def forest(summary: StudySummary) -> str:
    """Draw each variant's effect and each confirmed finalist's, with 95 % intervals.

    Hollow: trained once. Filled: on fresh seeds, below a rule. Empty without any effect.
    """
    evidence = summary.evidence
    if evidence is None:
        return ""
    arms = [(a.name, e) for a in evidence.arms if (e := a.effect(summary.objective))]
    lines = [_Line(name, effect, True) for name, effect in sorted(arms, key=_by_difference)]
    tried = [(effect.name, effect) for effect in evidence.variants]
    lines += [_Line(name, effect, False) for name, effect in sorted(tried, key=_by_difference)]
    if not lines:
        return ""
    leader = summary.leader.name if summary.leader else None
    with house_style():
        figure, axes = new_figure(6.8, 1.1 + 0.3 * len(lines))
        axes.axvline(0, color=INK, lw=1.4)
        for place, line in enumerate(lines):
            effect, tint = line.effect, BLUE if line.name == leader else SOFT
            axes.plot([effect.low, effect.high], [place, place], color=tint, lw=1.8, alpha=0.8)
            axes.scatter(
                [effect.difference], [place], marker="D" if line.confirmed else "o", s=40,
                facecolor=tint if line.confirmed else "white", edgecolor=tint,
                linewidth=1.5, zorder=3,
            )  # fmt: skip
            axes.annotate(
                f"{signed(effect.difference)}  {effect.verdict}".replace("-", "−"),
                (1, place), (6, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", va="center", fontsize=8,
                color=INK if effect.verdict != "not told apart" else SOFT,
            )  # fmt: skip
        if arms and tried:
            axes.axhline(len(arms) - 0.5, color="#8795a3", lw=0.8, ls=(0, (2, 2)))
        names = [f"{x.name}, {x.effect.runs} seeds" if x.confirmed else x.name for x in lines]
        axes.set_yticks(range(len(lines)), names)
        axes.set_ylim(-0.7, len(lines) - 0.3)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.set_xlabel(f"{metric_name(summary.objective)}, difference to the baseline")
        return as_svg(figure, "Effect of each variant and finalist with its 95 % interval")


def _by_difference(pair: tuple[str, Effect]) -> float:
    return pair[1].difference


def differences(summary: StudySummary) -> str:
    """Draw each completed run's difference to the baseline in the objective, best on top.

    For a study without intervals. More than `MOST_ROWS` searched runs: the best ones.
    """
    baseline = summary.baseline
    base = baseline.value(summary.objective) if baseline else None
    if base is None or not summary.challengers:
        return ""
    shown = _fewer(summary)
    deltas = [(run.value(summary.objective) or 0.0) - base for run in shown]
    colours = run_colours(summary)
    with house_style():
        figure, axes = new_figure(6.4, 1.0 + 0.27 * len(shown))
        places = np.arange(len(shown))
        axes.axvspan(-CLEAR_DIFFERENCE, CLEAR_DIFFERENCE, color=FAINT, zorder=0, lw=0)
        axes.axvline(0, color=INK, lw=1.4)
        tints = [SOFT if colours[run.name] == GREY else colours[run.name] for run in shown]
        axes.hlines(places, 0, deltas, color=tints, lw=1.6, alpha=0.6)
        axes.scatter(deltas, places, color=tints, s=42, zorder=3)
        for place, delta in zip(places, deltas, strict=True):
            side = 1 if delta >= 0 else -1
            axes.annotate(
                f"{delta:+.3f}".replace("-", "−"),
                (delta, place),
                (7 * side, 0),
                textcoords="offset points",
                ha="left" if delta >= 0 else "right",
                va="center",
                fontsize=8,
                color=SOFT,
            )
        axes.set_yticks(places, [run.name for run in shown])
        axes.set_ylim(-0.7, len(shown) - 0.3)
        reach = max(*map(abs, deltas), 2 * CLEAR_DIFFERENCE)
        low, high = min(*deltas, -CLEAR_DIFFERENCE), max(*deltas, CLEAR_DIFFERENCE)
        axes.set_xlim(low - 0.3 * reach, high + 0.3 * reach)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(
            f"{metric_name(summary.objective)}, difference to the baseline's {base:.3f}"
        )
        return as_svg(figure, "Difference of each run to the baseline")


def _fewer(summary: StudySummary) -> list[RunSummary]:
    """Return the runs to draw, worst first: all variants, and the best of many searched runs."""
    ranked = sorted(summary.challengers, key=lambda run: run.value(summary.objective) or 0.0)
    room = max(0, MOST_ROWS - sum(run.kind != "search" for run in ranked))
    searched = [run.name for run in ranked if run.kind == "search"]
    kept = set(searched[max(0, len(searched) - room) :])
    return [run for run in ranked if run.kind != "search" or run.name in kept]


def differences_left_out(summary: StudySummary) -> int:
    """Return how many of the lowest searched runs `differences` does not draw."""
    return len(summary.challengers) - len(_fewer(summary))
