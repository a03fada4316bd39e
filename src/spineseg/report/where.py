"""The report's second question: where vertebrae are lost, misnumbered or badly outlined."""

from __future__ import annotations

from spineseg.evaluation.result import Evaluation, ViewScore
from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.grid import Grid
from spineseg.report.table import NONE, signed, signed_points
from spineseg.report.wording import (
    NUMBERINGS,
    count,
    metric_name,
    right_shares,
    run_words,
    sentence,
)


def looked_into(summary: StudySummary) -> list[RunSummary]:
    """Return the runs to look into: the baseline, and the leading run beside it."""
    runs = [summary.baseline, summary.leader]
    kept = [r for r in runs if r is not None and r.evaluation and r.outcome == "completed"]
    return kept[:1] if len(kept) == 2 and kept[0].name == kept[1].name else kept


def evaluations(summary: StudySummary) -> dict[str, Evaluation]:
    """Return the scores of the runs to look into."""
    return {run.name: run.evaluation for run in looked_into(summary) if run.evaluation}


def sentences(evaluations: dict[str, Evaluation]) -> list[str]:
    """Return what finding and numbering each cost, and at which levels."""
    text = [
        sentence(
            f"{run_words(name)} finds {e.found_rate:.1%} of the labelled vertebrae and gives "
            f"{e.right_level_rate:.1%} their right level; {e.off_by_one_rate:.1%} are one level "
            "off."
        )
        for name, e in evaluations.items()
    ]
    name, last = list(evaluations.items())[-1]
    gap = last.found_rate - last.right_level_rate
    text.append(f"Wrong numbers alone still cost {run_words(name)} {gap:.1%} of all vertebrae.")
    shares = right_shares(last)
    if shares and min(shares.values()) < max(shares.values()):
        weak = sorted(shares, key=lambda level: shares[level])[:3]
        named = ", ".join(f"{level} ({shares[level]:.0%})" for level in weak)
        text.append(f"Its weakest levels: {named}.")
    if len(evaluations) == 2:
        gained = levels_gained(*evaluations.values())
        text += [gained] if gained else []
    return text


def levels_gained(baseline: Evaluation, best: Evaluation) -> str:
    """Return where the second gained and lost most against the first, by level."""
    before, after = right_shares(baseline), right_shares(best)
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
    rows = []
    for kind in ("right level", "one level off", "further off", "missed", "invented", "doubled"):
        rows.append([kind, *(_errors(e)[kind] for e in evaluations.values())])
    return Grid(["of the labelled vertebrae", *evaluations], rows)


def _errors(e: Evaluation | ViewScore) -> dict[str, str]:
    right, near = round(e.right_level_rate * e.instances), round(e.off_by_one_rate * e.instances)
    counts = {
        "right level": right,
        "one level off": near,
        "further off": e.instances - e.missed - right - near,
        "missed": e.missed,
    }
    written = {
        kind: f"{number} ({number / e.instances:.1%})" if e.instances else str(number)
        for kind, number in counts.items()
    }
    return written | {"invented": str(e.invented), "doubled": str(e.doubled)}


def views(evaluations: dict[str, Evaluation]) -> Grid | None:
    """Return each view's scores for each run; None where no film tells its view."""
    rows = [
        [
            view,
            name,
            str(score.images),
            f"{score.found_rate:.1%}",
            f"{score.right_level_rate:.1%}",
            f"{score.off_by_one_rate:.1%}",
            f"{score.whole_column_right_rate:.1%}",
            f"{score.mask_map50:.3f}",
            f"{score.mask_map50_95:.3f}",
            str(score.missed),
            str(score.invented),
            str(score.doubled),
        ]
        for view in ("frontal", "lateral")
        for name, e in evaluations.items()
        if (score := e.views.get(view))
    ]
    head = ["view", "run", "films", "found", "right level", "one off", "whole columns"]
    head += ["mask mAP50", "mask mAP50-95", "missed", "invented", "doubled"]
    return Grid(head, rows) if rows else None


def outlines(evaluations: dict[str, Evaluation]) -> Grid:
    """Return average precision with and without regard to class, and how well outlines fit."""
    rows = []
    for name in ("mask_map50", "mask_map50_95", "box_map50", "box_map50_95"):
        for kind, key in (("over the levels", name), ("without regard to class", f"{name}_any")):
            values = [f"{getattr(e, key):.3f}" for e in evaluations.values()]
            rows.append([f"{metric_name(name)}, {kind}".replace("mAP", "AP"), *values])
    fits = [(e.mean_dice, e.mean_boundary_px) for e in evaluations.values()]
    rows.append(["Dice", *(NONE if dice is None else f"{dice:.3f}" for dice, _ in fits)])
    distances = (NONE if far is None else f"{far:.2f}" for _, far in fits)
    rows.append(["distance between outlines, px", *distances])
    return Grid(["", *evaluations], rows)


def numberings(summary: StudySummary) -> Grid | None:
    """Return the same runs under both ways of numbering; None where only one was scored."""
    used = summary.evidence.numbering if summary.evidence else ""
    other = {"argmax": "sequence", "sequence": "argmax"}.get(used, "")
    rows = []
    for run in looked_into(summary):
        ways = [(used, run.evaluation, True), (other, run.other_numbering, False)]
        if run.other_numbering is None:
            continue
        for way, e, is_used in sorted(ways, key=lambda each: each[0] != "argmax"):
            if e is None:
                continue
            called = NUMBERINGS.get(way, "as the study numbers" if is_used else "the other way")
            rows.append(
                [
                    run.name,
                    called + (" (used)" if is_used and way else ""),
                    f"{e.right_level_rate:.1%}",
                    f"{e.found_rate:.1%}",
                    f"{e.off_by_one_rate:.1%}",
                    f"{e.whole_column_right_rate:.1%}",
                    f"{e.mask_map50:.3f}",
                    f"{e.mask_map50_95:.3f}",
                ]
            )
    head = ["run", "numbering", "right level", "bound: found", "one level off"]
    head += ["whole columns right", "mask mAP50", "mask mAP50-95"]
    return Grid(head, rows) if rows else None


def numbering_text(summary: StudySummary) -> str:
    """Return what numbering whole columns changes against plain numbering, by the leading run."""
    evidence, runs = summary.evidence, looked_into(summary)
    if evidence is None or not runs or runs[-1].other_numbering is None:
        return ""
    run, used, other = runs[-1], runs[-1].evaluation, runs[-1].other_numbering
    if used is None:
        return ""
    whole, plain = (used, other) if evidence.numbering == "sequence" else (other, used)
    points = whole.right_level_rate - plain.right_level_rate
    columns = whole.whole_column_right_rate - plain.whole_column_right_rate
    ap = whole.mask_map50_95 - plain.mask_map50_95
    return (
        f"Numbering whole columns instead of each vertebra by itself changes the right levels of "
        f"{run_words(run.name)} by {signed_points(points)} points, whole columns right by "
        f"{signed_points(columns)} points and mask mAP50-95 by {signed(ap)}: the same detections."
    )


def lost_levels(evaluations: dict[str, Evaluation]) -> list[str]:
    """Return for each run which labelled levels it gets right nowhere."""
    text = []
    for name, e in evaluations.items():
        labelled = {level: score for level, score in e.levels.items() if score.instances}
        lost = [level for level, score in labelled.items() if not score.right]
        who = sentence(run_words(name))
        if lost:
            text.append(
                f"{who} has lost {count(len(lost), 'level')} of {len(labelled)} at confidence "
                f"{e.confidence:g}: {', '.join(lost)} is found nowhere with its own level."
                if len(lost) == 1
                else f"{who} has lost {len(lost)} levels of {len(labelled)} at confidence "
                f"{e.confidence:g}: {', '.join(lost)} are found nowhere with their own level."
            )
        else:
            text.append(
                f"{who} has lost no level of {len(labelled)} at confidence {e.confidence:g}."
            )
    return text
