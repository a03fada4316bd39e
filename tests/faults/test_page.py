"""The page of benchmarks says what was measured, where and when, and what was not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from command import ENVIRONMENT, ROOT


def test_the_page_names_machine_and_day_and_what_was_not_measured(tmp_path: Path) -> None:
    results = tmp_path / "mlruns" / "bench"
    results.mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    told = {"machine": "A chip, 2 cores", "date": "2026-11-30", "figures": {"kills": 212}}
    (results / "faults.json").write_text(json.dumps(told))
    page = str(ROOT / "benchmarks" / "page.py")
    subprocess.run([sys.executable, page], cwd=tmp_path, env=ENVIRONMENT, check=True)
    text = (tmp_path / "docs" / "benchmarks.md").read_text()
    assert "| kills | 212 |" in text and "2026-11-30, A chip, 2 cores" in text
    assert text.count("Not measured yet") == 8
    assert "`python benchmarks/faults.py --real`" in text
