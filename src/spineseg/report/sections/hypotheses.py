"""Which hypotheses held: each variant's effect with its interval, drawn and in words."""

from __future__ import annotations

from textwrap import fill
from typing import Any, NamedTuple

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from spineseg.config.model import Model
from spineseg.evidence.effects import SURE, Effect
from spineseg.evidence.results import Evidence, RunSummary, StudySummary
from spineseg.report.chosen_runs import leader_name
from spineseg.report.drawing import (
    BLUE,
    INK,
    SMALL_PT,
    SOFT,
    WIDTH_IN,
    as_svg,
    house_style,
    new_figure,
    span,
)
from spineseg.report.wording import (
    NONE,
    RULE,
    changes_text,
    count,
    interval_text,
    label,
    p_text,
    signed,
)

_MOST_LETTERS = 18  # Of a name beside its interval; longer ones are broken.


class HypothesisVerdict(Model):
    """What a variant was expected to show, and what was measured."""

    name: str
    hypothesis: str
    changes: str
    value: str
    delta: str
    interval: str
    p: str
    verdict: str
    confirmed: str


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where there is neither a variant nor an effect."""
    found, drawn = hypotheses(summary), forest(summary)
    if not found and not drawn:
        return None
    return {
        "hypotheses": found,
        "interval_note": interval_note(summary),
        "forest": Markup(drawn),
        "judged": summary.evidence is not None,
        "confirmed": bool(summary.evidence and summary.evidence.arms),
        "rule": RULE,
    }


def hypotheses(summary: StudySummary) -> list[HypothesisVerdict]:
    """Return each variant's verdict in the objective, in the order of the study."""
    effects = {e.name: e for e in (summary.evidence.variants if summary.evidence else ())}
    found = []
    for run in summary.standing:
        if run.kind != "variant":
            continue
        value, effect = run.value(summary.objective), effects.get(run.name)
        found.append(
            HypothesisVerdict(
                name=run.name,
                hypothesis=run.hypothesis or NONE,
                changes=changes_text(run),
                value=NONE if value is None else f"{value:.3f}",
                delta=NONE if effect is None else signed(effect.difference),
                interval=NONE if effect is None else interval_text(effect),
                p=NONE if effect is None else p_text(effect.p_corrected),
                verdict=_word(run, effect),
                confirmed=_confirmed(summary, run.name),
            )
        )
    return found


def _word(run: RunSummary, effect: Effect | None) -> str:
    if effect is not None:
        return effect.verdict
    return run.outcome if run.outcome != "completed" else "not compared"


def _confirmed(summary: StudySummary, name: str) -> str:
    arm = summary.evidence.arm(name) if summary.evidence else None
    effect = arm.effect(summary.objective) if arm else None
    if effect is None:
        return NONE
    return f"{effect.verdict}, {signed(effect.difference)}"


def interval_note(summary: StudySummary) -> list[str]:
    """Return what the intervals hold, and how many verdicts chance alone would give."""
    evidence = summary.evidence
    if evidence is None or not evidence.variants:
        return []
    tried = len(evidence.variants)
    apart = sum(effect.verdict != "not told apart" for effect in evidence.variants)
    verb = "is" if apart == 1 else "are"
    return [
        covers(evidence),
        f"{apart} of {count(tried, 'variant')} {verb} told apart from the baseline. Without "
        f"correction for their number, about {tried * SURE:.2g} would be by chance alone.",
    ]


def covers(evidence: Evidence) -> str:
    """Return in a sentence what the intervals of variants, each trained once, hold."""
    runs = len(evidence.baseline_scores)
    if runs == 1:
        return (
            "The intervals are over patients alone: the baseline was trained once, so how much "
            "another seed would change is not in them. They are too narrow."
        )
    if evidence.noise_sd is None:
        return (
            "The baseline has two runs, too few to know the noise between seeds: the intervals "
            "are over patients, and over seeds only as far as those two tell."
        )
    return (
        "The intervals are over patients and seeds: each variant was trained once, its noise "
        f"taken from the baseline's {runs} runs."
    )


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
    leader = leader_name(summary)
    with house_style():
        figure, axes = new_figure(WIDTH_IN, 0.9 + 0.34 * len(lines))
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
                f"{signed(effect.difference)}\n{effect.verdict}".replace("-", "−"),
                (1, place), (6, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", va="center", fontsize=SMALL_PT,
                color=INK if effect.verdict != "not told apart" else SOFT,
            )  # fmt: skip
        if arms and tried:
            axes.axhline(len(arms) - 0.5, color="#8795a3", lw=0.8, ls=(0, (2, 2)))
        names = [f"{x.name}, {x.effect.runs} seeds" if x.confirmed else x.name for x in lines]
        axes.set_yticks(range(len(lines)), [fill(name, _MOST_LETTERS) for name in names])
        axes.set_ylim(-0.7, len(lines) - 0.3)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        ends = [end for line in lines for end in (line.effect.low, line.effect.high)]
        axes.set_xlim(span([0.0, *ends], least=0.01))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.set_xlabel(f"{label(summary.objective)}, difference to the baseline")
        title = "Effect of each variant and finalist with its 95 % interval"
        says = [
            f"{name} {signed(line.effect.difference)}, {interval_text(line.effect)}, "
            f"{line.effect.verdict}"
            for name, line in zip(names, lines, strict=True)
        ]
        return as_svg(figure, title, "; ".join(reversed(says)) + ".")


def _by_difference(pair: tuple[str, Effect]) -> float:
    return pair[1].difference
