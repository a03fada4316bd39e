"""Intervals of single trainings, where networks of several families stand side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_study import SEARCHED, places, run_scored, write_study

from spineseg.evidence.arms import MatchReader
from spineseg.evidence.network_intervals import network_intervals
from spineseg.evidence.results import BOUNDARY, RIGHT_AMONG_FOUND
from spineseg.study_record import read_study


@pytest.mark.parametrize("model", ["maskrcnn-resnet18", "yolo11s-seg"])
def test_with_several_families_each_networks_scores_have_an_interval(
    model: str, tmp_path: Path, empty_stores: Path
) -> None:
    other = SEARCHED.replace("changes: {{lr0: 0.001}}", f"changes: {{{{model: {model}}}}}")
    path = write_study(tmp_path, empty_stores, other, {"train": 4, "valid": 6})
    config, _ = run_scored(path)
    study = read_study(places(config))
    found = network_intervals(study, MatchReader(study.manifest))
    if model == "yolo11s-seg":
        assert found == {}
        return
    assert {run.outcome for run in study.runs if run.job.kind == "search"} == {"pruned"}
    assert set(found) == {"baseline", "no-flips", "slow"}
    for name, intervals in found.items():
        scores = study.run(name).scores()
        low, high = intervals["mask_map50"]  # Of 32-bit numbers.
        assert low - 1e-6 <= scores.value("mask_map50") <= high + 1e-6
        assert {RIGHT_AMONG_FOUND, "whole_column_right_rate", "mask_map50_95"} <= set(intervals)
        assert (BOUNDARY in intervals) == (scores.mean_boundary_px is not None)
