"""What `spineseg init` writes is run: timed and trained for real; a folder of 10,000 films."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import spineseg
from own_films import LEVELS, picture, rows

from spineseg.config.yaml_files import load_study
from spineseg.phantom.export import write_films
from spineseg.places import StudyPlaces
from spineseg.runs import read_runs


@pytest.mark.wide
def test_a_study_of_ones_own_films_is_timed_sized_and_trained(here: Path) -> None:
    write_films(
        here / "drawn", seed=5, frontal_films=20, lateral_films=3, size_px=96, difficulty=0.2
    )
    folder = (here / "drawn" / "frontal").rename(here / "own films")
    begun = spineseg("init", folder.name, "--hours", "0.2", cwd=here)
    assert begun.returncode == 0, begun.stderr
    assert "timing a few batches" in begun.stdout and "not timed" not in begun.stdout
    assert [p.name for p in (here / "mlruns/work").rglob("*") if p.is_file()] == []
    path = here / "configs/studies/own-films.yaml"
    sets = ("variants=[]", "search.trials=0", "confirm=null", "baseline.epochs=1")
    words = [word for key in sets for word in ("--set", key)]
    ran = spineseg("run", str(path), *words, cwd=here)
    assert ran.returncode == 0, ran.stderr
    [run] = read_runs(StudyPlaces(here / load_study(path).store.root, "own-films").folder)
    assert run.finished and run.outcome == "completed"


@pytest.mark.wide
def test_ten_thousand_films_are_looked_at_with_a_word_every_two_seconds(here: Path) -> None:
    for number in range(10_000):
        folder = here / "films" / f"{number % 7}"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        (folder / "labels").mkdir(exist_ok=True)
        name = f"case{number // 3:05d}_{'abc'[number % 3]}"
        (folder / "images" / f"{name}.png").write_bytes(picture(number % 9_990))
        (folder / "labels" / f"{name}.txt").write_text(rows())
    (here / "films" / "classes.txt").write_text("\n".join(LEVELS))
    ended = spineseg("init", "films", "--no-timing", cwd=here)
    assert ended.returncode == 0, ended.stderr
    assert "10,000 films (" in ended.stdout and " of them read)" in ended.stdout
    assert "5 more films are there twice" in ended.stdout
    told = load_study(here / "configs/studies/films.yaml").data
    assert told.patient_pattern == r"case(\d+)"
