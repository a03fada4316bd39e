"""`CITATION.cff` says what this is, in the format's own terms, and does not lag behind."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

import spineseg

ROOT = Path(__file__).parents[1]


def test_the_citation_is_of_this_version_licence_and_format() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software"
    assert str(cited["version"]) == spineseg.__version__
    assert cited["license"] == project["license"]
    assert project["description"][2:] in cited["title"]  # "A hyperparameter study, ..."
    assert cited["authors"] == [{"name": "The spineseg developers"}] and cited["message"]
    told = " ".join(reference["title"] for reference in cited["references"])
    assert all(name in told for name in ("Ultralytics", "Optuna", "MLflow"))
    assert all(reference["authors"] for reference in cited["references"])
