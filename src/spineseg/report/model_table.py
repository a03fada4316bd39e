"""Networks side by side: what each reached and what it took, against the original's words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from spineseg.config.networks import FAMILIES, Family, family_of
from spineseg.evidence.results import BOUNDARY, RIGHT_AMONG_FOUND, RunSummary, StudySummary
from spineseg.report.grid import Grid
from spineseg.report.wording import NONE

_MB = 1e6
FAMILY_NAMES: dict[Family, str] = {
    "yolo": "YOLO",
    "mask_rcnn": "Mask R-CNN",
    "mask2former": "Mask2Former",
    "sam": "SAM, prompted by YOLO",
}


class Words(NamedTuple):
    """What the original said of a family, and which rank each of its words has among the others."""

    accuracy: tuple[str, int]
    speed: tuple[str, int]
    lightness: tuple[str, int]


ORIGINAL: dict[Family, Words] = {
    "mask_rcnn": Words(("high", 1), ("slow", 2), ("very resource-hungry", 1)),
    "yolo": Words(("high", 1), ("very fast", 4), ("light", 3)),
    "mask2former": Words(("state of the art", 2), ("medium to slow", 3), ("rather heavy", 2)),
    "sam": Words(("state of the art", 2), ("very slow", 1), ("very heavy", 1)),
}
"""The original's table of models, which was of words; a higher rank is better."""


class Entry(NamedTuple):
    """One network: its best configuration, and its trainings."""

    model: str
    family: Family
    runs: list[RunSummary]  # The configuration's first training, then those on fresh seeds.


@dataclass(frozen=True)
class Measure:
    """A column: what it is called, a figure of each training or film, how it is written."""

    head: str
    of: Callable[[Entry], list[float]]
    write: Callable[[float], str]
    interval: str = ""  # Of one training: by which name its interval over patients goes.

    def cell(self, entry: Entry) -> str:
        """Return what the table says of a network."""
        values, one = self.of(entry), entry.runs[0].intervals.get(self.interval)
        if one is None or len(values) != 1 or not math.isfinite(values[0]):
            return spread(values, self.write)
        return f"{self.write(values[0])} [{self.write(one[0])}, {self.write(one[1])}]"


def entries(summary: StudySummary) -> list[Entry]:
    """Return each network's best configuration by the objective; none with less than two families.

    In the order of the families, the baseline's network first within its own.
    """
    best: dict[str, RunSummary] = {}
    for run in summary.configurations:
        value = run.value(summary.objective)
        if run.outcome != "completed" or value is None:
            continue
        known = best.get(run.model)
        if known is None or value > (known.value(summary.objective) or 0.0):
            best[run.model] = run
    fresh: dict[str, list[RunSummary]] = defaultdict(list)
    for run in summary.standing:
        if run.kind == "confirm" and run.outcome == "completed" and run.evaluation:
            fresh[run.name.rpartition("-seed-")[0]].append(run)
    found = [
        Entry(model, family, [run, *fresh[run.name]])
        for model, run in best.items()
        if (family := family_of(model)) is not None
    ]
    if len({entry.family for entry in found}) < 2:
        return []
    return sorted(found, key=lambda entry: (FAMILIES.index(entry.family), entry.runs[0].number))


def _scores(name: str) -> Callable[[Entry], list[float]]:
    return _one(lambda run: run.value(name))


def _right_among_found(entry: Entry) -> list[float]:
    found = []
    for run in entry.runs:
        share, right = run.value("found_rate"), run.value("right_level_rate")
        found.append(right / share if share and right is not None else math.nan)
    return found


def _boundary(entry: Entry) -> list[float]:
    known = [run.evaluation.mean_boundary_px for run in entry.runs if run.evaluation]
    return [value for value in known if value is not None]


def as_markdown(table: Grid) -> str:
    """Return a table for a document."""
    lines = [table.head, ["---"] + ["---:"] * (len(table.head) - 1), *table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _footprints(entry: Entry) -> list[float]:
    return list(entry.runs[0].footprint.seconds) if entry.runs[0].footprint else []


def _one(of: Callable[[RunSummary], float | None]) -> Callable[[Entry], list[float]]:
    def found(entry: Entry) -> list[float]:
        return [value for run in entry.runs if (value := of(run)) is not None]

    return found


def _prediction_mb(run: RunSummary) -> float | None:
    return run.footprint.peak_mb if run.footprint else None


def _disk_mb(run: RunSummary) -> float | None:
    return run.weights_bytes / _MB if run.weights_bytes else None


def _parameters(run: RunSummary) -> float | None:
    return run.parameters / _MB if run.parameters else None


_THREE, _PERCENT, _WHOLE = "{:.3f}".format, "{:.0%}".format, "whole_column_right_rate"
MEASURES = (
    Measure("mask mAP50", _scores("mask_map50"), _THREE, "mask_map50"),
    Measure("mask mAP50-95", _scores("mask_map50_95"), _THREE, "mask_map50_95"),
    Measure("outline off by, px", _boundary, "{:.2f}".format, BOUNDARY),
    Measure("right level of those found", _right_among_found, _PERCENT, RIGHT_AMONG_FOUND),
    Measure("whole columns", _scores(_WHOLE), _PERCENT, _WHOLE),
    Measure("s a film, alone", _footprints, "{:.3f}".format),
    Measure("films a s in training", _one(lambda run: run.films_a_second), "{:.1f}".format),
    Measure("minutes trained", _one(lambda run: run.train_seconds / 60), "{:.1f}".format),
    Measure("million weights", _one(_parameters), "{:.1f}".format),
    Measure("MB in training", _one(lambda run: run.peak_mb), "{:.0f}".format),
    Measure("MB in prediction", _one(_prediction_mb), "{:.0f}".format),
    Measure("MB on disk", _one(_disk_mb), "{:.1f}".format),
)


def spread(values: Sequence[float], write: Callable[[float], str]) -> str:
    """Return the mean of figures and, where they differ as written, the least and the greatest."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return NONE
    low, mean, high = (write(value) for value in (min(known), fmean(known), max(known)))
    return mean if low == high else f"{mean} ({low} to {high})"


def measured_table(found: Sequence[Entry]) -> Grid:
    """Return what each network reached and took: a column a network."""
    facts: list[tuple[str, Callable[[Entry], str]]] = [
        ("run", lambda entry: entry.runs[0].name),
        ("begins with", lambda entry: _begun(entry.runs[0])),
        ("trainings", lambda entry: str(len(entry.runs))),
        ("films seen in each", lambda entry: _seen(entry.runs)),
    ]
    rows = [[head, *(say(entry) for entry in found)] for head, say in facts]
    rows += [[measure.head, *(measure.cell(entry) for entry in found)] for measure in MEASURES]
    return Grid(["", *(entry.model for entry in found)], rows)


def _seen(runs: Sequence[RunSummary]) -> str:
    return spread([float(run.films_seen) for run in runs if run.films_seen], "{:.0f}".format)


def _begun(run: RunSummary) -> str:
    known = {"random": "random weights", "coco": "published weights", "bundled": "bundled weights"}
    return known.get(run.weights, "weights of a file")


def words_table(found: Sequence[Entry], objective: str) -> Grid:
    """Return the original's words of each family beside what was measured, each with a verdict.

    A family is spoken for by its network with the best mean in the objective.
    """
    head = ["family", "network", "accuracy", "", "speed", "", "resources", ""]
    spoken = _speakers(found, objective)
    aspects: tuple[Callable[[Entry], float], ...] = (
        lambda entry: _mean(entry, objective),
        lambda entry: -_finite_mean(_footprints(entry)),
        lambda entry: -_finite_mean(_one(lambda run: run.peak_mb)(entry)),
    )
    values = [{family: of(entry) for family, entry in spoken.items()} for of in aspects]
    rows = []
    for family, entry in spoken.items():
        row = [FAMILY_NAMES[family], entry.model]
        for place, measured in enumerate(values):
            word = ORIGINAL[family][place][0]
            ranks = {other: ORIGINAL[other][place][1] for other in spoken}
            row += [word, verdict(family, ranks, measured)]
        rows.append(row)
    return Grid(head, rows)


def _speakers(found: Sequence[Entry], objective: str) -> dict[Family, Entry]:
    spoken: dict[Family, Entry] = {}
    for entry in found:
        known = spoken.get(entry.family)
        if known is None or _mean(entry, objective) > _mean(known, objective):
            spoken[entry.family] = entry
    return spoken


def verdict(family: Family, ranks: dict[Family, int], measured: dict[Family, float]) -> str:
    """Return in a word whether what was said of a family holds against the others.

    `ranks` are those of the words, `measured` the figures, higher better in both. "holds" where
    each other family that the words place above or below it was measured so, "fails" where none
    was, "partly" between; "not measured" where there is no figure.
    """
    if not math.isfinite(measured[family]):
        return "not measured"
    agree = [
        (ranks[other] > ranks[family]) == (measured[other] > measured[family])
        for other in ranks
        if ranks[other] != ranks[family] and math.isfinite(measured[other])
    ]
    if not agree:
        return "nothing to compare"
    return "holds" if all(agree) else "partly" if any(agree) else "fails"


def _mean(entry: Entry, metric: str) -> float:
    return _finite_mean([run.value(metric) or 0.0 for run in entry.runs])


def _finite_mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return fmean(known) if known else math.nan
