"""The way through Label Studio and back: a review's export is a source of the same labels."""

import json
from pathlib import Path

import pytest
from exports import write_export
from merged_data import prepare
from reviewed import exported, phantom_export

from spineseg.data.audit import load_audit
from spineseg.review.folder import write_review


@pytest.mark.parametrize("kind", ["frontal", "neck"])
def test_what_is_submitted_unchanged_comes_back_unchanged(tmp_path: Path, kind: str) -> None:
    export = tmp_path / "x"
    if kind == "frontal":
        phantom_export(export, "train", "train", "valid", "valid", "valid")
    else:
        write_export(export, {"train": 4, "valid": 3})
    dataset = prepare(tmp_path, export)
    folder = tmp_path / "review"
    write_review(
        dataset, load_audit(dataset), folder, sound=24, columns=None, say=lambda text: None
    )
    tasks = json.loads((folder / "tasks.json").read_text())
    (folder / "tasks.json").write_text(json.dumps(exported(tasks)))
    back = prepare(tmp_path / "back", folder, split="patients", valid_fraction=0.5)
    films = {e.name: (e.film_sha256, e.labels_sha256) for e in dataset.manifest.entries}
    assert {e.name: (e.film_sha256, e.labels_sha256) for e in back.manifest.entries} == films
    account = load_audit(back).account.sources[0]
    assert account.layout.startswith("Label Studio") and account.films_used == len(films)


def test_a_level_that_was_mended_comes_back_mended(tmp_path: Path) -> None:
    dataset = prepare(tmp_path, phantom_export(tmp_path / "x", *["train", "valid"] * 4))
    folder = tmp_path / "review"
    write_review(
        dataset, load_audit(dataset), folder, sound=24, columns=None, say=lambda text: None
    )
    tasks = exported(json.loads((folder / "tasks.json").read_text()))
    region = tasks[0]["annotations"][0]["result"][-1]
    region["value"]["polygonlabels"] = ["C7"]
    (folder / "tasks.json").write_text(json.dumps(tasks))
    back = prepare(tmp_path / "back", folder, split="patients", valid_fraction=0.5)
    levels = {e.name: e.levels for e in back.manifest.entries}
    assert "C7" in levels[tasks[0]["data"]["film"]]
    assert sum("C7" in of for of in levels.values()) == 1
