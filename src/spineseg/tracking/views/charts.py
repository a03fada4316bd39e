"""Charts and their sections, as MLflow's pages keep them in a view."""

from __future__ import annotations

from typing import Any

MOST_RUNS = 100
"""Runs that a chart draws at most; MLflow's own default is 10."""
_FOLDED = (
    *("best", "train", "valid", "lr", "test", "trainer", "films"),
    *("Model metrics", "System metrics"),  # MLflow's names for metrics of no group and `system/`.
)
Part = dict[str, Any]


def arranged(title: str, charts: list[Part], unfolded: str | None = None) -> Part:
    """Return the part of a state that shows `charts` under `title`, and all others folded.

    MLflow adds a chart for each metric and series of pictures that has none, in the section of
    its group; `unfolded` names one of those that is to be seen.
    """
    groups = [name for name in _FOLDED if name != unfolded]
    sections = [_section("own", title, True)] if charts else []
    sections += [_section(f"group {unfolded}", unfolded, True)] if unfolded else []
    sections += [_section(f"group {name}", name, False) for name in groups]
    return {
        "compareRunCharts": charts,
        "compareRunSections": sections,
        "isAccordionReordered": True,  # Else MLflow sorts the sections by their names.
    }


def line(metric: str) -> Part:
    """Return a metric over the epochs."""
    return _chart("LINE", f"line {metric}") | {
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "lineSmoothness": 0,
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "range": {},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def bars(metric: str) -> Part:
    """Return a bar for each run, or each group's mean."""
    return _chart("BAR", f"bars {metric}") | {"metricKey": metric, "selectedMetricKeys": [metric]}


def scatter(param: str, metric: str) -> Part:
    """Return a metric over a parameter, a point for each run."""
    return _chart("SCATTER", f"scatter {param}") | {
        "xaxis": {"key": param, "type": "PARAM"},
        "yaxis": {"key": metric, "type": "METRIC"},
    }


def parallel(params: list[str], metric: str) -> Part:
    """Return parallel coordinates: an axis for each parameter, and one for the metric."""
    return _chart("PARALLEL", "parallel") | {
        "selectedParams": params,
        "selectedMetrics": [metric],
        "showAllRuns": True,
    }


def _chart(kind: str, uuid: str) -> Part:
    return {
        "type": kind,
        "uuid": uuid,
        "runsCountToCompare": MOST_RUNS,
        "metricSectionId": "own",
        "deleted": False,
        "isGenerated": False,
    }


def _section(uuid: str, name: str, shown: bool) -> Part:
    return {
        "uuid": uuid,
        "name": name,
        "display": shown,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
    }
