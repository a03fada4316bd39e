"""The Makefile hands names, paths with spaces and overrides on as they were given."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import ENVIRONMENT, ROOT

STAND_IN = """#!{python}
import json, os, sys
from pathlib import Path
told = {{"words": sys.argv[1:], "sets": os.environ.get("SPINESEG_SET")}}
Path("told.json").write_text(json.dumps(told))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that is set up, whose `spineseg` writes down what it is told."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    program = tmp_path / ".venv" / "bin" / "spineseg"
    program.parent.mkdir(parents=True)
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    (tmp_path / ".venv" / "ready").touch()
    return tmp_path


def made(project: Path, *words: str) -> tuple[list[str], str]:
    """Return the words and the overrides that `make` gives the program."""
    done = subprocess.run(
        ["make", *words], cwd=project, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((project / "told.json").read_text())
    return told["words"], told["sets"]


def test_a_study_is_named_by_its_name_or_by_a_file_with_spaces(project: Path) -> None:
    assert made(project, "study") == (["run", "configs/studies/phantom.yaml"], "")
    assert made(project, "promote", "STUDY=small") == (["promote", "small"], "")
    odd = "my configs/it's.yaml"
    for target in ("study", "plan", "data", "status", "compare", "promote"):
        assert made(project, target, f"CONFIG={odd}")[0][1] == odd
    assert made(project, "models", f"CONFIG={odd}")[0] == ["models", "--config", odd]
    assert made(project, "ui", "STUDY=a", f"CONFIG={odd}")[0] == ["ui", "a", "--port", "5000"]


def test_a_failed_run_is_named_by_its_own_variable(project: Path) -> None:
    assert made(project, "retry", "RUN=small/it's")[0] == ["retry", "small/it's"]


def test_overrides_with_spaces_come_through(project: Path) -> None:
    sets = r"data.sources.0.path='My Films' name=x data.patient_pattern=-(\d+)-"
    assert made(project, "study", f"SET={sets}") == (["run", "configs/studies/phantom.yaml"], sets)
    assert made(project, "history", f"SET={sets}", "STUDY=a") == (
        ["history", "--config", "a"],
        sets,
    )


def test_films_are_one_path_with_spaces_or_several(project: Path) -> None:
    last = ["--config", "configs/studies/phantom.yaml"]
    (project / "my film.jpg").touch()
    assert made(project, "predict", "IMAGES=my film.jpg")[0] == ["predict", "my film.jpg", *last]
    several = made(project, "predict", "IMAGES='my film.jpg' b.png *.lock", "RUN=small/slow")[0]
    assert several[1:4] == ["my film.jpg", "b.png", "requirements.lock"]
    assert several[4:] == [*last, "--run", "small/slow"]
