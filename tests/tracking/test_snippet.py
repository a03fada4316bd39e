"""The README's Python, pasted in a project's folder as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import ROOT, clean
from registry_cases import fresh_store
from served_model import promoted

from spineseg.tracking.model_package import example_film


@pytest.mark.wide
def test_the_readmes_python_finds_the_champion_and_leaves_nothing_behind(
    tmp_path: Path, empty_stores: Path
) -> None:
    promoted(fresh_store(tmp_path / "mlruns", empty_stores))
    (tmp_path / "film.jpg").write_bytes(example_film())
    before = sorted(path.name for path in tmp_path.iterdir())
    after = (ROOT / "README.md").read_text().split("From Python")[1]
    snippet = re.findall(r"\n\n((?:    .*\n)+)", after)[0]
    code = "\n".join(line[4:] for line in snippet.splitlines())
    shown = "print('FOUND', found.to_dict('records'))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{shown}"],
        text=True,
        capture_output=True,
        cwd=tmp_path,
        env=clean(),
    )
    assert done.returncode == 0, done.stderr
    assert "spine-vertebrae version 1" in done.stdout.split("FOUND")[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == before
