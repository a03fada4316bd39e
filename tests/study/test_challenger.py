"""A challenger is registered beside the champion; a champion that is lost is told of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from registry_cases import log_quickly
from sealed_looks import Looks
from small_study import Ended, places

from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError, StoreError
from spineseg.tracking import registry
from spineseg.tracking.ledger import enter
from spineseg.tracking.model_versions import champion, model_version
from spineseg.tracking.store import TrackingStore, open_store
from study.cli import cli
from study.promote import challenge, promote_best, roll_back

NAME = "spine-vertebrae"


@pytest.fixture
def store(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrackingStore]:
    """The store of a study that has ended, its registry emptied afterwards."""
    monkeypatch.setattr(registry, "log_model", log_quickly)
    store = open_store(ended.config.store.root, None)
    yield store
    for model in store.client.search_registered_models():
        store.client.delete_registered_model(model.name)
    places(ended.config).promotions.unlink(missing_ok=True)


@pytest.mark.wide
def test_a_challenger_is_registered_without_a_gate_and_the_seal_stays(
    ended: Ended, looks: Looks, store: TrackingStore
) -> None:
    done = challenge(ended.config)
    assert (done.run, done.version, done.alias) == ("no-flips", "1", "challenger")
    assert "No gate was asked and the test part was not looked at" in done.text()
    assert looks == [] and not places(ended.config).openings.exists()
    assert not places(ended.config).promotions.exists()
    found = store.client.get_model_version(NAME, "1")
    assert "A challenger, not promoted" in found.description and "test_score" not in found.tags
    assert model_version(store, f"{NAME}@challenger").version == "1"
    assert champion(store, NAME) is None

    assert challenge(ended.config, "slow").run == "slow"  # Any completed run, confirmed or not.
    assert model_version(store, f"{NAME}@challenger").version == "2"
    with pytest.raises(StoreError, match="no completed run 'nobody'; it has baseline, no-flips,"):
        challenge(ended.config, "nobody")
    with pytest.raises(StoreError, match="is a challenger that passed no gates"):
        roll_back(ended.config, "2")


@pytest.mark.wide
def test_a_lost_champion_is_told_of_by_promote(
    ended: Ended, looks: Looks, store: TrackingStore
) -> None:
    enter(
        store,
        model=NAME,
        version="4",
        action="promotion",
        why="it is better",
        run_id="r",
        replaces=None,
        study="small",
        run="no-flips",
        evidence_sha256="ab" * 32,
    )
    said: list[str] = []
    promote_best(load_study(ended.path, ["confirm.seeds=5"]), say=said.append)
    assert len(said) == 1 and "version 4 of spine-vertebrae (run no-flips) is champion" in said[0]
    assert looks == []


@pytest.mark.parametrize("other", [["--challenger"], ["--run", "no-flips"]])
def test_a_rollback_names_a_version_and_nothing_else(other: list[str]) -> None:
    with pytest.raises(ConfigError, match="--rollback 2: names a version; leave --run and"):
        CliRunner().invoke(cli, ["promote", "--rollback", "2", *other], catch_exceptions=False)
