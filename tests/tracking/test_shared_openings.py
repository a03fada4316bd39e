"""Openings on a tracking server: known to every root that uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow_server import Server

from spineseg.errors import StoreError
from spineseg.seal.ledger import enter, read_ledger
from spineseg.seal.opening import OpenedFilm, Opening
from spineseg.tracking.shared_openings import bring_openings, share_openings
from spineseg.tracking.store import experiment_id, open_store

pytestmark = pytest.mark.wide


def opening(study: str) -> Opening:
    films = [OpenedFilm(content=f"{n:064x}", look=f"{n * 7919:064x}") for n in range(300)]
    told = {"time": "", "study": study, "films": films, "runs": ["a"], "weights": {"a": study}}
    return Opening.model_validate(told | {"reason": "promotion"})


def test_what_one_machine_opened_another_knows(server: Server, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    stores = [open_store(root, server.uri) for root in (one, other)]
    enter(one, None, opening("first"))
    share_openings(stores[0], one, "first")
    share_openings(stores[0], one, "first")  # Nothing is given twice.
    assert not read_ledger(other).entries
    bring_openings(stores[1], other)
    (entry,) = read_ledger(other).entries
    assert entry == read_ledger(one).entries[0] and len(entry.films) == 300
    assert not read_ledger(other).problems
    enter(other, None, opening("second"))
    share_openings(stores[1], other, "second")
    bring_openings(stores[0], one)
    found = read_ledger(one)
    assert [each.study for each in found.entries] == ["first", "second"] and not found.problems
    assert found.entries[1].previous == (found.entries[0].sha256,)


def test_half_an_entry_is_left_and_a_damaged_one_is_told(server: Server, tmp_path: Path) -> None:
    root = tmp_path / "one"
    store = open_store(root, server.uri)
    place = experiment_id(store, "third")
    store.client.set_experiment_tag(place, f"spineseg.opening.{'a' * 32}.0.2", "half")
    bring_openings(store, root)
    store.client.set_experiment_tag(place, f"spineseg.opening.{'b' * 32}.0.1", "no such thing")
    with pytest.raises(StoreError, match="cannot be read, so it is not known what was opened"):
        bring_openings(store, root)
