"""Ways round the seal that were tried: each asks for a reason, is entered, or stops the study."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from exports import move_films
from sealed_looks import Looks
from small_study import places, run_scored

from spineseg.config.study import StudyConfig
from spineseg.errors import DataError, StoreError
from spineseg.seal.ledger import read_ledger
from study.promote import promote_best

ASKED = r"films were opened before.* by study 'small'.*--reason"


def openings(config: StudyConfig) -> list[dict[str, Any]]:
    return [json.loads(line) for line in places(config).openings.read_text().splitlines()]


@pytest.fixture
def opened(confirmable: Path, looks: Looks) -> Path:
    """A study whose test part was opened once."""
    promote_best(run_scored(confirmable)[0])
    return confirmable


def test_an_opening_is_entered_film_by_film_with_weights_and_what_is_to_be_decided(
    opened: Path,
) -> None:
    config, _ = run_scored(opened)
    (entry,) = openings(config)
    assert len(entry["films"]) == 6 and len({film["content"] for film in entry["films"]}) == 6
    assert all(len(film["look"]) == 64 and film["patient"] for film in entry["films"])
    assert list(entry["weights"]) == entry["runs"] and len(set(entry["weights"].values())) == 7
    assert entry["decision"] == {
        "metric": "mask_map50_95",
        "min_gain": config.promote.min_gain,
        "seeds": 3,
        "finalists": ["no-flips"],
        "chosen": "no-flips",
    }
    own = places(config).own_openings.read_text()
    assert own == places(config).openings.read_text()


@pytest.mark.wide
def test_a_label_line_dropped_does_not_seal_the_films_again(opened: Path) -> None:
    label = next((opened.parent / "export" / "test" / "labels").iterdir())
    label.write_text("".join(label.read_text().splitlines(keepends=True)[1:]))
    other, _ = run_scored(opened, "name=other")
    with pytest.raises(StoreError, match=f"6 of its 6 {ASKED}"):
        promote_best(other)


@pytest.mark.wide
def test_a_film_more_does_not_seal_the_others_again(opened: Path) -> None:
    move_films(opened.parent / "export", "valid", "test", 1)
    other, _ = run_scored(opened, "name=other")
    with pytest.raises(StoreError, match=f"6 of its 7 {ASKED}"):
        promote_best(other)


def test_test_films_that_are_trained_on_now_stop_the_study_before_anything_trains(
    opened: Path,
) -> None:
    move_films(opened.parent / "export", "test", "train", 2)
    with pytest.raises(DataError, match=r"2 of 6 training films were opened .* by study 'small'"):
        run_scored(opened, "name=other")
    elsewhere = f"store.root={opened.parent / 'elsewhere'}"
    assert not places(run_scored(opened, "name=third", elsewhere)[0]).openings.exists()


@pytest.mark.wide
def test_a_study_deleted_and_run_again_under_its_name_is_another_opening(
    opened: Path, looks: Looks
) -> None:
    config, _ = run_scored(opened)
    shutil.rmtree(places(config).folder)
    (config.store.root / "optuna.db").unlink()
    again, _ = run_scored(opened, "baseline.lr0=0.002")
    with pytest.raises(StoreError, match=r"it was cut|films were opened before"):
        promote_best(again)
    assert len(looks) == 7
    promote_best(again, reason="another baseline")
    assert len(looks) == 14 and [e["reason"] for e in openings(again)][-1] == "another baseline"
    assert len(openings(again)) == 2


@pytest.mark.wide
def test_a_lost_ledger_is_asked_for_and_gone_on_with_where_a_person_says_so(
    opened: Path,
) -> None:
    config, _ = run_scored(opened)
    places(config).openings.unlink()
    with pytest.raises(
        StoreError, match=r"it was cut; put a backup in place, or say with --reason"
    ):
        promote_best(config)
    promote_best(config, reason="the disk was lost")
    ledger = read_ledger(config.store.root)
    assert ledger.problems and not ledger.undecided
    promote_best(config)  # It was decided.
