"""`spineseg data --review`: from a config to a folder, and what is refused before any work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import spineseg
from reviewed import one_lower, phantom_export, relabelled


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study's config, whose data hold one column that is one level off."""
    folder = tmp_path_factory.mktemp("command")
    export = phantom_export(folder / "x", "train", "train", "valid", "test")
    relabelled(export / "train" / "images" / "film-1.png", one_lower())
    (folder / "study.yaml").write_text(
        f"name: x\ndata: {{sources: [{{kind: local, path: {export}}}], split: keep}}\n"
        "baseline: {weights: random, optimizer: AdamW}\n"
    )
    (folder / "taken").mkdir()
    (folder / "taken" / "mine.txt").write_text("mine")
    return folder


def test_a_shifted_column_is_reviewed_first_with_weights(folder: Path) -> None:
    done = spineseg("data", "study.yaml", "--review", "with", "--weights", "bundled", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "doubtful     1 film, worst first: column-shifted 1" in done.stdout
    assert "1 film of the sealed test part was not compared with the model" in done.stdout
    first = json.loads((folder / "with" / "tasks.json").read_text())[0]
    assert first["data"]["film"] == "film-1.png"
    assert first["data"]["findings"].startswith("column-shifted: the model reads ")


def test_without_weights_nothing_is_doubtful_and_json_says_what_was_written(folder: Path) -> None:
    done = spineseg("data", "study.yaml", "--review", "a/b", "--sound", "2", "--json", cwd=folder)
    answer = json.loads(done.stdout)
    review = answer["review"]
    assert (review["doubtful_films"], review["sound_films"], review["columns"]) == (0, 2, None)
    assert len(list((folder / "a" / "b" / "images").iterdir())) == 2
    assert sum(answer["films"].values()) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--review taken", "taken: is not empty; name a new folder for the review"),
        ("--sound 3", "--sound 3: means nothing without --review; give both"),
        ("--weights w.pt", "--weights w.pt: means nothing without --review; give both"),
        (
            "--review new --weights gone.pt",
            "gone.pt: no such file; name a .pt or .safetensors file",
        ),
        ("--run x/baseline", "--run x/baseline: means nothing without --review; give both"),
        ("--review new --run x/baseline", "no study has been run in mlruns; run one with"),
        ("--review new --weights a.pt --model b", "are both given; name one of them"),
        (
            "--review new --store mlruns",
            "--store mlruns: means nothing without --weights, --run or --model",
        ),
        ("--device cpu", "--device cpu: means nothing without --weights, --run or --model"),
        ("--review new --sound -1", "-1 is not in the range"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(folder: Path, words: str, said: str) -> None:
    done = spineseg("data", "study.yaml", *words.split(), cwd=folder)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert not (folder / "new").exists()
    assert [path.name for path in (folder / "taken").iterdir()] == ["mine.txt"]
