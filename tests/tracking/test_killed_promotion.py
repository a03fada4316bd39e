"""A promotion that was killed, at each step: named by `models`, removed by the next promotion."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import ENVIRONMENT, ROOT
from registry_cases import fresh_store, log_quickly, registration

from spineseg.tracking import registry
from spineseg.tracking.ledger import read_ledger
from spineseg.tracking.model_list import list_models
from spineseg.tracking.model_versions import alias_version
from spineseg.tracking.store import open_store

NAME = "spine-vertebrae"
STEPS = {  # Before (0) or after (1) which call it is killed: whether anything is half made then.
    ("create_logged_model", 0): False,
    ("create_logged_model", 1): True,
    ("log_model_artifact", 0): True,
    ("create_model_version", 0): True,
    ("create_model_version", 1): True,
    ("set_registered_model_alias", 1): True,
    ("enter", 1): True,
    ("unmark", 1): False,
}
WHOLE = {("enter", 1), ("unmark", 1)}  # The ledger tells of it by then.
KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from registry_cases import log_quickly, registration
from spineseg.tracking import registry
from spineseg.tracking.store import open_store

def killed(folder):
    step, _, after = folder.name.partition("-")
    store = open_store(folder, None)
    registry.log_model = log_quickly
    asked = registration(store, store.root, run="other")
    place = registry if step in ("enter", "unmark") else store.client
    call = getattr(place, step)
    def dies(*words, **named):
        if after == "1":
            call(*words, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    object.__setattr__(place, step, dies)
    registry.register_champion(store, asked, "it is better still")

for folder in map(Path, sys.argv[2:]):
    child = os.fork()
    if child == 0:
        killed(folder)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, folder
"""


@pytest.mark.wide
def test_what_a_killed_promotion_left_is_named_and_removed_by_the_next(
    tmp_path: Path, empty_stores: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "log_model", log_quickly)
    folders = {key: tmp_path / f"{key[0]}-{key[1]}" for key in STEPS}
    for folder in folders.values():
        store = fresh_store(folder, empty_stores)
        registry.register_champion(store, registration(store, folder), "it is better")
    support = str(ROOT / "tests" / "support")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, support, *map(str, folders.values())],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    for key, is_half in STEPS.items():
        store, said = open_store(folders[key], None), list[str]()
        listed = list_models(store)
        told = [version.state for version in listed.versions] + list(listed.problems)
        half = [state for state in told if "half made, begun by" in state]
        assert bool(half) == is_half, (key, told)
        assert all("the next `spineseg promote` removes it" in state for state in half)
        registry.settle(store, NAME, said.append)
        assert len(said) == len(half)
        champion, entries = ("2", 2) if key in WHOLE else ("1", 1)
        assert alias_version(store, NAME) == champion, key
        assert len(read_ledger(store).entries) == entries, key
        listed = list_models(store)
        assert {version.state for version in listed.versions} == {"whole"}, key
        assert listed.problems == () and len(listed.versions) == entries, key
        asked = registration(store, folders[key], run="other")
        registry.register_champion(store, asked, "now")
        assert list_models(store).versions[0].state == "whole"
