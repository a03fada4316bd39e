"""Finalists on fresh seeds and on the sealed test part: tables, seeds drawn, noise and luck."""

from __future__ import annotations

from statistics import fmean
from textwrap import fill
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from spineseg.evidence.effects import Effect
from spineseg.evidence.results import ArmResult, Evidence, StudySummary
from spineseg.report.chosen_runs import leader_name
from spineseg.report.claim import claim
from spineseg.report.drawing import (
    BLUE,
    INK,
    ORANGE,
    SOFT,
    WIDTH_IN,
    as_svg,
    house_style,
    new_figure,
    span,
)
from spineseg.report.grid import Grid
from spineseg.report.wording import (
    NONE,
    RULE,
    count,
    difference_text,
    interval_text,
    label,
    listed,
    p_text,
    run_words,
    sentence,
    signed,
    value_text,
)

_MOST_LETTERS = 18  # Of a name beside its dots; longer ones are broken.
_EFFECT_HEAD = ["difference to baseline", "95 % interval", "p (Holm)", "verdict"]


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where there is neither evidence nor an opened part."""
    evidence, found = summary.evidence, claim(summary)
    tables = {"tested": tested(summary), "finalists": finalists(summary)}
    if evidence is None and not any(tables.values()):
        return None
    return {
        **tables,
        "seed_dots": Markup(seed_dots(summary)),
        "noise": [*noise_text(evidence), *luck_text(evidence)] if evidence else [],
        "found": found,
        "every_metric": every_metric(found.arm) if found else None,
        "rule": RULE,
    }


def finalists(summary: StudySummary) -> Grid | None:
    """Return each arm's score at search, its mean, the difference, and its effect."""
    arms = summary.evidence.arms if summary.evidence else []
    if not arms:
        return None
    head = ["configuration", "first training", "mean", "winner's curse"]
    rows = []
    for arm in arms:
        searched = NONE if arm.searched_score is None else f"{arm.searched_score:.3f}"
        curse = NONE if arm.luck is None else signed(-arm.luck)
        effect = arm.effect(summary.objective)
        rows.append([arm.name, searched, _mean_cell(arm), curse, *_effect_cells(effect)])
    return Grid([*head, *_EFFECT_HEAD], rows, bold=_leader(summary))


def tested(summary: StudySummary) -> Grid | None:
    """Return each arm's score and effect on the sealed test part; None where it was not opened."""
    arms = summary.test.arms if summary.test else []
    rows = [
        [arm.name, _mean_cell(arm), *_effect_cells(arm.effect(summary.objective))] for arm in arms
    ]
    head = ["configuration", "mean on the test part", *_EFFECT_HEAD]
    return Grid(head, rows, bold=_leader(summary)) if rows else None


def _leader(summary: StudySummary) -> tuple[str, ...]:
    name = leader_name(summary)
    return (name,) if name else ()


def _mean_cell(arm: ArmResult) -> str:
    return f"{arm.mean:.3f} ({len(arm.scores)})"


def _effect_cells(effect: Effect | None) -> list[str]:
    if effect is None:
        return [NONE] * len(_EFFECT_HEAD)
    return [
        difference_text(effect.metric, effect.difference),
        interval_text(effect),
        p_text(effect.p_corrected),
        effect.verdict,
    ]


def every_metric(arm: ArmResult) -> Grid:
    """Return an arm's effect on every metric that was compared."""
    rows = [
        [
            label(effect.metric),
            value_text(effect.metric, effect.baseline),
            value_text(effect.metric, effect.challenger),
            *_effect_cells(effect),
        ]
        for effect in arm.effects
    ]
    return Grid(["metric", "baseline", arm.name, *_EFFECT_HEAD], rows)


def noise_text(evidence: Evidence) -> list[str]:
    """Return how much the baseline moves between seeds, and what could be told from that."""
    goal, runs = label(evidence.objective), len(evidence.baseline_scores)
    text = []
    if evidence.noise_sd is None:
        text.append(
            f"The noise between seeds is not known: the baseline has {count(runs, 'scored run')}, "
            "and a standard deviation is given from three on."
        )
    else:
        low, high = min(evidence.baseline_scores), max(evidence.baseline_scores)
        text.append(
            f"Noise: over {runs} trainings that differ in their seed alone the baseline's "
            f"{goal} has a standard deviation of {evidence.noise_sd:.4f} (from {low:.3f} to "
            f"{high:.3f})."
        )
    if evidence.detectable_sd is not None:
        gain = f"{evidence.detectable_sd:.2f} standard deviations"
        if evidence.noise_sd is not None:
            gain += f", here {evidence.detectable_sd * evidence.noise_sd:.3f} {goal}"
        text.append(
            f"What this setting can detect: with {count(evidence.seeds, 'fresh seed')} each, a "
            f"true gain of {gain}, is told from seed noise in 80 of 100 studies; a smaller one is "
            "missed more often."
        )
    return text


def luck_text(evidence: Evidence) -> list[str]:
    """Return the winner's curse in figures, or why there is no finalist to speak of."""
    both = {arm.name: arm.luck for arm in evidence.arms if arm.luck is not None}
    if not both:
        return _no_finalist(evidence)
    mean, who = fmean(both.values()), count(len(both), "finalist")
    each = listed([f"{name} {signed(-luck)}" for name, luck in both.items()])
    if round(mean, 3) > 0:
        return [
            f"The winner's curse: on fresh seeds the {who} scored {mean:.3f} less on average than "
            f"where the search picked them ({each})."
        ]
    return [
        f"No winner's curse shows: on fresh seeds the {who} scored no less on average than where "
        f"the search picked them ({each})."
    ]


def _no_finalist(evidence: Evidence) -> list[str]:
    names = [arm.name for arm in evidence.arms]
    if any(name != "baseline" for name in names):
        return []
    if names:
        return [sentence(f"{run_words(names[0])} alone was trained again on fresh seeds.")]
    if not evidence.seeds:
        return ["The study asks for no training on fresh seeds, so nothing is confirmed."]
    return [
        f"{count(evidence.seeds, 'fresh seed')} of each finalist are asked for; no configuration "
        "has two of them yet, so nothing is confirmed."
    ]


def seed_dots(summary: StudySummary) -> str:
    """Draw each arm's trainings as dots, their mean, and the score at search."""
    arms = summary.evidence.arms if summary.evidence else []
    if not arms:
        return ""
    leader = leader_name(summary)
    with house_style():
        figure, axes = new_figure(WIDTH_IN, 1.1 + 0.42 * len(arms))
        for place, arm in enumerate(reversed(arms)):
            tint = INK if arm.name == "baseline" else BLUE if arm.name == leader else SOFT
            spread = 0.09 * (np.arange(len(arm.scores)) % 3 - 1)
            axes.scatter(arm.scores, place + spread, s=26, color=tint, alpha=0.75, lw=0, zorder=3)
            axes.plot([arm.mean, arm.mean], [place - 0.28, place + 0.28], color=tint, lw=2.4)
            if arm.searched_score is not None:
                axes.scatter(
                    [arm.searched_score], [place], marker="D", s=42, zorder=4,
                    facecolor="white", edgecolor=ORANGE, linewidth=1.6,
                )  # fmt: skip
        axes.axvline(arms[0].mean, color=INK, lw=0.9, ls=(0, (4, 3)), zorder=1)
        axes.set_yticks(range(len(arms)), [fill(arm.name, _MOST_LETTERS) for arm in reversed(arms)])
        axes.set_ylim(-0.6, len(arms) - 0.4)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"{label(summary.objective)}, validation")
        known = [*(score for arm in arms for score in arm.scores)]
        known += [arm.searched_score for arm in arms if arm.searched_score is not None]
        axes.set_xlim(span(known, least=0.01))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        says = "; ".join(map(_arm_words, arms))
        return as_svg(figure, "Scores of each configuration's trainings", f"{says}.")


def _arm_words(arm: ArmResult) -> str:
    low, high = min(arm.scores), max(arm.scores)
    text = f"{arm.name}: mean {arm.mean:.3f} of {count(len(arm.scores), 'training')}"
    text += f" from {low:.3f} to {high:.3f}"
    return text + ("" if arm.searched_score is None else f", picked by {arm.searched_score:.3f}")
