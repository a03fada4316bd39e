"""Finalists on fresh seeds and on the sealed test part: tables, noise, luck, gates, openings."""

from __future__ import annotations

from statistics import fmean

import numpy as np

from spineseg.evidence.effects import Effect
from spineseg.evidence.results import ArmResult, Evidence, SealedTest, StudySummary
from spineseg.report.answer import SURE
from spineseg.report.drawing import BLUE, INK, ORANGE, SOFT, as_svg, house_style, new_figure
from spineseg.report.grid import Grid
from spineseg.report.table import NONE, signed
from spineseg.report.wording import (
    corrected,
    count,
    difference_text,
    interval_text,
    listed,
    metric_name,
    p_text,
    run_words,
    sentence,
    value_text,
)

_EFFECT_HEAD = ["difference to baseline", "95 % interval", "p (Holm)", "verdict"]


def finalists(summary: StudySummary) -> Grid | None:
    """Return each arm's score at search, on fresh seeds, the difference, and its effect."""
    arms = summary.evidence.arms if summary.evidence else []
    if not arms:
        return None
    head = ["configuration", "first training", "on fresh seeds", "winner's curse"]
    rows = []
    for arm in arms:
        searched = NONE if arm.searched_score is None else f"{arm.searched_score:.3f}"
        # The baseline was picked by nobody: its difference is noise and no curse.
        curse = NONE if arm.luck is None or arm.name == "baseline" else signed(-arm.luck)
        effect = arm.effect(summary.objective)
        rows.append([arm.name, searched, _mean_cell(arm), curse, *_effect_cells(effect)])
    return Grid([*head, *_EFFECT_HEAD], rows, bold=_leader(summary))


def tested(summary: StudySummary) -> Grid | None:
    """Return each arm's score and effect on the sealed test part; None where it was not opened."""
    arms = summary.test.arms if summary.test else []
    rows = [
        [arm.name, _mean_cell(arm), *_effect_cells(arm.effect(summary.objective))] for arm in arms
    ]
    head = ["configuration", "on the test part", *_EFFECT_HEAD]
    return Grid(head, rows, bold=_leader(summary)) if rows else None


def _leader(summary: StudySummary) -> tuple[str, ...]:
    return (summary.leader.name,) if summary.leader else ()


def _mean_cell(arm: ArmResult) -> str:
    return f"{arm.mean:.3f} ({len(arm.scores)})"


def _effect_cells(effect: Effect | None) -> list[str]:
    if effect is None:
        return [NONE] * len(_EFFECT_HEAD)
    difference = difference_text(effect.metric, effect.difference)
    word: str = effect.verdict
    if word != "not told apart" and corrected(effect) >= SURE:
        word += f", p not below {SURE:g}"
    return [difference, interval_text(effect), p_text(corrected(effect)), word]


def every_metric(arm: ArmResult) -> Grid:
    """Return an arm's effect on every metric that was compared."""
    rows = [
        [
            metric_name(effect.metric),
            value_text(effect.metric, effect.baseline),
            value_text(effect.metric, effect.challenger),
            *_effect_cells(effect),
        ]
        for effect in arm.effects
    ]
    return Grid(["metric", "baseline", arm.name, *_EFFECT_HEAD], rows)


def noise_text(evidence: Evidence) -> list[str]:
    """Return how much the baseline moves between seeds, and what could be told from that."""
    goal, runs = metric_name(evidence.objective), len(evidence.baseline_scores)
    text = []
    if evidence.noise_sd is None:
        text.append(
            f"The noise between seeds is not known: the baseline has {count(runs, 'scored run')}, "
            "and a standard deviation is given from three on."
        )
    else:
        low, high = min(evidence.baseline_scores), max(evidence.baseline_scores)
        text.append(
            f"Noise: over {count(runs, 'training')} that differ in their seed alone the baseline's "
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


def luck_text(evidence: Evidence) -> str:
    """Return the winner's curse in figures; empty where no finalist has both scores."""
    both = {a.name: a.luck for a in evidence.arms if a.name != "baseline" and a.luck is not None}
    if not both:
        return ""
    mean = fmean(both.values())
    each = listed([f"{name} {signed(-luck)}" for name, luck in both.items()])
    if mean > 0:
        return (
            f"The winner's curse: on fresh seeds the {count(len(both), 'finalist')} scored "
            f"{mean:.3f} less on average than where the search picked them ({each})."
        )
    return (
        f"No winner's curse shows: on fresh seeds the {count(len(both), 'finalist')} scored no "
        f"less on average than where the search picked them ({each})."
    )


def openings_text(test: SealedTest) -> tuple[str, bool]:
    """Return how often the sealed part was opened, and whether that is a warning."""
    times = len(test.openings)
    if not times and not test.films:
        return "The test part has not been opened.", False
    if times == 1:
        return "The test part of these data was opened once.", False
    if not times:
        return "Scores on the test part exist, but no opening of it is on record.", True
    return (
        f"The test part of these data was opened {times} times. Each look makes it worth less: "
        "whoever looks often enough finds a model that happens to suit it.",
        True,
    )


def openings(test: SealedTest) -> Grid:
    """Return every opening with its reason."""
    rows = [
        [opening.time, opening.study, count(len(opening.runs), "run"), opening.reason or "none"]
        for opening in test.openings
    ]
    return Grid(["opened", "by study", "for", "reason"], rows, prose=(3,))


def gates(test: SealedTest) -> Grid:
    """Return the gates of the last promotion with their figures."""
    rows = [[gate.name, "passed" if gate.passed else "REFUSED", gate.figure] for gate in test.gates]
    return Grid(["gate", "", "figure"], rows, prose=(2,))


def gates_text(test: SealedTest) -> str:
    """Return how the last promotion ended; empty where none was tried."""
    if not test.gates:
        return ""
    refused = [gate.name for gate in test.gates if not gate.passed]
    name = test.candidate or "The candidate"
    if test.promoted:
        return f"{name} passed every gate and was promoted."
    why = f"; refused by: {', '.join(refused)}" if refused else ""
    return f"{name} was not promoted{why}."


def seed_dots(summary: StudySummary) -> str:
    """Draw each arm's fresh seeds as dots, their mean, and the score at search."""
    arms = summary.evidence.arms if summary.evidence else []
    if not arms:
        return ""
    leader = summary.leader.name if summary.leader else None
    with house_style():
        figure, axes = new_figure(6.4, 1.25 + 0.42 * len(arms))
        for place, arm in enumerate(reversed(arms)):
            tint = INK if arm.name == "baseline" else BLUE if arm.name == leader else SOFT
            spread = 0.09 * (np.arange(len(arm.scores)) % 3 - 1)
            axes.scatter(arm.scores, place + spread, s=26, color=tint, alpha=0.55, lw=0, zorder=3)
            axes.plot([arm.mean, arm.mean], [place - 0.28, place + 0.28], color=tint, lw=2.4)
            if arm.searched_score is not None:
                axes.scatter(
                    [arm.searched_score], [place], marker="D", s=42, zorder=4,
                    facecolor="white", edgecolor=ORANGE, linewidth=1.6,
                )  # fmt: skip
        axes.axvline(arms[0].mean, color=INK, lw=0.9, ls=(0, (4, 3)), zorder=1)
        axes.set_yticks(range(len(arms)), [arm.name for arm in reversed(arms)])
        axes.set_ylim(-0.6, len(arms) - 0.4)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"{metric_name(summary.objective)}, validation")
        return as_svg(figure, "Scores on fresh seeds by configuration")


def no_arms_text(evidence: Evidence) -> str:
    """Return why there is no finalist to speak of; empty where there is one."""
    names = [arm.name for arm in evidence.arms]
    if any(name != "baseline" for name in names):
        return ""
    if names:
        return sentence(f"{run_words(names[0])} alone was trained again on fresh seeds.")
    if not evidence.seeds:
        return "The study asks for no training on fresh seeds, so nothing is confirmed."
    return (
        f"{count(evidence.seeds, 'fresh seed')} of each finalist are asked for; no configuration "
        "has two of them yet, so nothing is confirmed."
    )
