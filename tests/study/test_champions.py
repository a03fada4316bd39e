"""The champion defends itself: on the challenger's test part, by an interval, under any name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from exports import move_films, write_export
from registry_cases import log_quickly
from sealed_looks import Looks
from small_study import places, run_scored

from spineseg.config.study import StudyConfig
from spineseg.errors import StoreError
from spineseg.evidence.promotion import Promotion
from spineseg.seal.ledger import read_ledger
from spineseg.tracking import registry
from spineseg.tracking.known_films import champions
from spineseg.tracking.store import open_store
from study import promote
from study.promote import promote_best

pytestmark = pytest.mark.wide
CHAMPION = "better than the champion on the same films"
MEASURED = "champions can be measured on the test part"
STARTS = "starting weights have not seen the test part"


@pytest.fixture(autouse=True)
def registered(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let promotions go into a real registry, without a package that is tried out."""
    monkeypatch.setattr(promote, "register_champion", registry.register_champion)
    monkeypatch.setattr(registry, "log_model", log_quickly)


def gates(verdict: Promotion) -> dict[str, str]:
    return {gate.name: gate.figure for gate in verdict.gates if not gate.passed}


def promoted(path: Path, *sets: str) -> StudyConfig:
    config, _ = run_scored(path, *sets)
    assert promote_best(config).promoted
    return config


def test_a_champion_is_scored_on_the_challengers_films_and_is_not_replaced_by_its_equal(
    confirmable: Path, looks: Looks
) -> None:
    promoted(confirmable)
    before = len(looks)
    other, _ = run_scored(confirmable, "name=other", "baseline.lr0=0.0031")
    verdict = promote_best(other, reason="another baseline")
    assert CHAMPION in gates(verdict) and len(looks) == before + 8  # The champion's, too.
    assert "not told apart than spine-vertebrae version 1" in gates(verdict)[CHAMPION]
    entry = read_ledger(other.store.root).entries[-1]
    assert "spine-vertebrae version 1" in entry.weights


def test_a_clear_gain_over_the_champion_replaces_it(confirmable: Path, looks: Looks) -> None:
    """On so many patients that a second look has a chance."""
    more = write_export(confirmable.parent / "more", {"test": 6}, seed=9)
    for kind in ("images", "labels"):
        for file in (more / "test" / kind).iterdir():
            shutil.copy(file, confirmable.parent / "export" / "test" / kind / file.name)
    promoted(confirmable)
    looks.score_of = lambda c: (
        (0.2 if c.fliplr else 0.9 if c.lr0 == 0.0031 else 0.3) + 0.1 * (c.seed % 2)
    )
    other, _ = run_scored(confirmable, "name=other", "baseline.lr0=0.0031")
    verdict = promote_best(other, reason="another baseline")
    assert verdict.promoted and verdict.version == "2", gates(verdict)


def test_a_ledger_that_lost_what_a_version_was_promoted_on_keeps_the_next_from_promotion(
    confirmable: Path,
) -> None:
    config = promoted(confirmable)
    places(config).openings.unlink()
    shutil.rmtree(places(config).folder)
    (config.store.root / "optuna.db").unlink()
    other, _ = run_scored(confirmable, "name=other")
    with pytest.raises(StoreError, match=r"on which a registered version was promoted.*--reason"):
        promote_best(other)


def test_another_models_name_is_no_way_round_a_champion_of_the_same_films(
    confirmable: Path,
) -> None:
    promoted(confirmable)
    other, _ = run_scored(
        confirmable, "name=other", "baseline.lr0=0.0031", "promote.model_name=mine"
    )
    assert CHAMPION in gates(promote_best(other, reason="another name"))


def test_a_film_more_does_not_keep_the_champion_from_being_measured(confirmable: Path) -> None:
    promoted(confirmable)
    move_films(confirmable.parent / "export", "valid", "train", 1)
    other, _ = run_scored(confirmable, "name=other")
    refused = gates(promote_best(other, reason="one film more"))
    assert MEASURED not in refused and CHAMPION in refused


def test_a_champion_that_learnt_from_these_test_films_decides_nothing(
    confirmable: Path,
) -> None:
    config = promoted(confirmable)
    move_films(confirmable.parent / "export", "train", "test", 2)
    move_films(confirmable.parent / "export", "valid", "train", 2)
    other, _ = run_scored(confirmable, "name=other")
    verdict = promote_best(other, reason="divided anew")
    assert (
        "2 of this test part's 8 films were among those it learnt from" in gates(verdict)[MEASURED]
    )
    assert not places(other).own_openings.exists()
    assert [each.version for each in champions(open_store(config.store.root, None))] == ["1"]


def test_starting_weights_that_learnt_from_these_test_films_are_known_by_their_hash(
    confirmable: Path,
) -> None:
    config = promoted(confirmable)
    (champion,) = champions(open_store(config.store.root, None))
    move_films(confirmable.parent / "export", "train", "test", 2)
    move_films(confirmable.parent / "export", "valid", "train", 2)
    other, _ = run_scored(confirmable, "name=other")
    for file in places(other).folder.glob("*/job.json"):  # As if they had started from it.
        told = json.loads(file.read_text())
        told |= {"weights": "there/best.pt", "weights_sha256": champion.weights_sha256}
        file.write_text(json.dumps(told))
    refused = gates(promote_best(other, reason="divided anew"))
    assert "best.pt: 2 of this test part's 8 films were among those" in refused[STARTS]
