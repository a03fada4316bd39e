"""A family learns eight films by heart: what it does not learn elsewhere is the budget's."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from command import ROOT

from spineseg.prediction.extra import has_models

needs_extra = pytest.mark.skipif(not has_models(), reason="make setup EXTRA=models")


@pytest.mark.wide
@pytest.mark.long
@pytest.mark.parametrize(
    ("family", "epochs", "side"),
    [
        ("yolo", 220, 160),  # It learns C1, a body of some six pixels, last and by half.
        ("mask_rcnn", 60, 128),
        pytest.param("mask2former", 100, 128, marks=needs_extra),
        pytest.param("sam", 50, 128, marks=needs_extra),
    ],
)
def test_a_family_learns_eight_films_by_heart(family: str, epochs: int, side: int) -> None:
    told = subprocess.run(
        [
            *(sys.executable, str(ROOT / "benchmarks" / "learnt_by_heart.py")),
            *("--families", family, "--epochs", str(epochs), "--side", str(side)),
        ],
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    reached = re.search(rf"^{family}: mask mAP50 (\d\.\d+)", told.stdout, re.MULTILINE)
    assert reached and float(reached[1]) >= 0.9, told.stdout
