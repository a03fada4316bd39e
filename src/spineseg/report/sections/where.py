"""Where vertebrae are lost, misnumbered or badly outlined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from spineseg.evaluation.result import Evaluation, ViewScore
from spineseg.evidence.results import StudySummary
from spineseg.metrics import METRICS, PRECISIONS
from spineseg.report import anatomy
from spineseg.report.chosen_runs import challenger, evaluations, looked_into
from spineseg.report.confused import commonest
from spineseg.report.grid import Grid
from spineseg.report.shares import Shares, right_by_level, shares
from spineseg.report.wording import (
    NONE,
    difference_text,
    label,
    run_words,
    sentence,
    signed_points,
    value_text,
)

_NUMBERINGS = {"argmax": "each by itself", "sequence": "whole columns"}


def content(summary: StudySummary) -> dict[str, Any] | None:
    """Return what the template needs; None where no run was evaluated."""
    scores = evaluations(summary)
    if not scores:
        return None
    first = next(iter(scores.values()))
    return {
        "challenger": challenger(summary),
        "films": first.films,
        "confidence": first.confidence,
        "sentences": sentences(scores),
        "spine": Markup(anatomy.spine(scores)),
        "kinds_of_error": kinds_of_error(scores),
        "views": views(scores),
        "numberings": numberings(summary),
        "numbering_text": numbering_text(summary),
        "outlines": outlines(scores),
        "commonest": commonest(scores),
        "confusions": [
            (name, Markup(anatomy.confusion(name, each))) for name, each in scores.items()
        ],
    }


def sentences(evaluations: dict[str, Evaluation]) -> list[str]:
    """Return what finding and numbering each cost, and at which levels."""
    each = {name: shares(e) for name, e in evaluations.items()}
    text = [
        sentence(
            f"{run_words(name)} finds {s.found:.1%} of the labelled vertebrae and gives "
            f"{s.right:.1%} their right level; {s.near:.1%} are one level off."
        )
        for name, s in each.items()
    ]
    name, last = list(evaluations.items())[-1]
    lost = each[name].wrong
    text.append(f"Wrong numbers alone still cost {run_words(name)} {lost:.1%} of all vertebrae.")
    by_level = right_by_level(last)
    if by_level and min(by_level.values()) < max(by_level.values()):
        weak = sorted(by_level, key=lambda level: by_level[level])[:3]
        named = ", ".join(f"{level} ({by_level[level]:.0%})" for level in weak)
        text.append(f"Its weakest levels: {named}.")
    if len(evaluations) == 2:
        gained = levels_gained(*evaluations.values())
        text += [gained] if gained else []
    return text


def levels_gained(baseline: Evaluation, best: Evaluation) -> str:
    """Return where the second gained and lost most against the first, by level."""
    before, after = right_by_level(baseline), right_by_level(best)
    change = {level: after[level] - before[level] for level in after if level in before}
    up, down = (pick(change, key=lambda v: change[v], default=None) for pick in (max, min))
    words = [
        f"{verb} most at {level} ({signed_points(change[level])} points)"
        for verb, level, right in (("gained", up, 1), ("lost", down, -1))
        if level is not None and change[level] * right > 0
    ]
    return f"Against the baseline, right levels were {' and '.join(words)}." if words else ""


def kinds_of_error(evaluations: dict[str, Evaluation]) -> Grid:
    """Return how many vertebrae met each kind of error, and their share of the labelled ones."""
    columns = [_errors(e, shares(e)) for e in evaluations.values()]
    rows = [[kind, *(column[kind] for column in columns)] for kind in columns[0]]
    return Grid(["of the labelled vertebrae", *evaluations], rows)


def _errors(e: Evaluation, s: Shares) -> dict[str, str]:
    right, near = s.number(s.right), s.number(s.near)
    counts = {
        "right level": right,
        "one level off": near,
        "further off": e.instances - e.missed - right - near,
        "missed": e.missed,
    }
    written = {kind: f"{n} ({n / e.instances:.1%})" for kind, n in counts.items()}
    return written | {"invented": str(e.invented), "doubled": str(e.doubled)}


def views(evaluations: dict[str, Evaluation]) -> Grid | None:
    """Return each view's scores for each run; None where no film tells its view."""
    columns = {
        f"{view}, {name}": score
        for view in ("frontal", "lateral")
        for name, e in evaluations.items()
        if (score := e.views.get(view))
    }
    if not columns:
        return None
    rows = [["films", *(str(score.films) for score in columns.values())]]
    rows += _metric_rows(list(columns.values()))
    for kind in ("missed", "invented", "doubled"):
        rows.append([kind, *(str(getattr(score, kind)) for score in columns.values())])
    return Grid(["measure", *columns], rows)


def _metric_rows(columns: Sequence[Evaluation | ViewScore]) -> list[list[str]]:
    return [
        [metric.label, *(value_text(metric.name, each.scores[metric.name]) for each in columns)]
        for metric in METRICS
    ]


def outlines(evaluations: dict[str, Evaluation]) -> Grid:
    """Return average precision with and without regard to level, and how well outlines fit."""
    rows = []
    for metric in PRECISIONS:
        name, called = metric.name, metric.label.replace("mAP", "AP")
        ways = {
            "over the levels": [e.scores[name] for e in evaluations.values()],
            "whatever the level": [e.any_level[name] for e in evaluations.values()],
        }
        for way, values in ways.items():
            rows.append([f"{called}, {way}", *(value_text(name, value) for value in values)])
    fits = [(e.mean_dice, e.mean_boundary_px) for e in evaluations.values()]
    rows.append(["Dice", *(NONE if dice is None else f"{dice:.3f}" for dice, _ in fits)])
    distances = (NONE if far is None else f"{far:.2f}" for _, far in fits)
    rows.append(["distance between outlines, px", *distances])
    for what, name, digits in (
        ("largest Cobb angle off by, degrees", "cobb_error_deg", 1),
        ("the same by the centreline's angle, degrees", "centreline_error_deg", 1),
        ("disc heights off by, of the body's depth", "disc_ratio_error", 3),
    ):
        off = [e.known(name) for e in evaluations.values()]
        if any(value is not None for value in off):
            rows.append([what, *(NONE if v is None else f"{v:.{digits}f}" for v in off)])
    return Grid(["measure", *evaluations], rows)


def numberings(summary: StudySummary) -> Grid | None:
    """Return the same runs under both ways of numbering; None where only one was scored."""
    columns: dict[str, Evaluation] = {}
    for run in looked_into(summary):
        plain, whole = _both_ways(summary, run.evaluation, run.other_numbering)
        if plain is None or whole is None:
            continue
        for way, e in (("argmax", plain), ("sequence", whole)):
            used = " (used)" if e is run.evaluation else ""
            columns[f"{run.name}, {_NUMBERINGS[way]}{used}"] = e
    if not columns:
        return None
    return Grid(["measure", *columns], _metric_rows(list(columns.values())))


def _both_ways(
    summary: StudySummary, used: Evaluation | None, other: Evaluation | None
) -> tuple[Evaluation | None, Evaluation | None]:
    """Return a run's scores numbered each by itself and by whole columns; None where not known."""
    if summary.evidence is None:
        return None, None
    return (other, used) if summary.evidence.numbering == "sequence" else (used, other)


def numbering_text(summary: StudySummary) -> str:
    """Return what numbering whole columns changes for the leading run."""
    runs = looked_into(summary)
    if not runs:
        return ""
    run = runs[-1]
    plain, whole = _both_ways(summary, run.evaluation, run.other_numbering)
    if plain is None or whole is None:
        return ""
    changed = [
        f"{label(name)} {difference_text(name, whole.scores[name] - plain.scores[name])}"
        for name in (summary.objective, "right_level_rate")
    ]
    return (
        f"Numbering whole columns instead of each vertebra by itself changes, for "
        f"{run_words(run.name)}, {' and '.join(changed)}: the same detections."
    )
