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


def arranged(title: str, charts: list[Part], layout: Part | None = None) -> Part:
    """Return the part of a state that shows `charts` under `title`, and all others folded.

    MLflow adds a chart for each metric and series of pictures that has none, in the section of
    its group. `layout` says how the section's cards lie, where not as MLflow has them.
    """
    own = _section("own", title, True) | (layout or {})
    sections = [own, *(_section(f"group {name}", name, False) for name in _FOLDED)]
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


def pictures(series: list[str], height_px: int) -> tuple[list[Part], Part]:
    """Return one grid, as wide as the page, of runs beside series of pictures; and its layout.

    It opens at step 0: a grid shows those runs only that have a picture of its very step.
    """
    card = _chart("IMAGE", "films") | {"imageKeys": series, "step": 0, "showRunParams": False}
    return [card], {"columns": 1, "cardHeight": height_px}


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
