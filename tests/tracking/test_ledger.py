"""The ledger of promotions: who, when, why, on what; altered and lost entries are noticed."""

from __future__ import annotations

import getpass
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import ENVIRONMENT
from mlflow_server import Server
from registry_cases import fresh_store, log_quickly, registration

from spineseg.files import sha256_of
from spineseg.tracking import registry
from spineseg.tracking.ledger import Entry, enter, read_ledger
from spineseg.tracking.model_list import list_models
from spineseg.tracking.model_versions import champion, model_version, model_weights
from spineseg.tracking.store import TrackingStore, experiment_id, open_store

OLD = (
    '{"time": 1700000000.0, "model": "m", "version": "1", "run_id": "r", "replaces": null, '
    '"evidence": {"study": "small", "run": "no-flips", "test": {"mask_map50": 0.5}}}\n'
)


@pytest.fixture
def store(tmp_path: Path, empty_stores: Path) -> TrackingStore:
    """An empty store of its own."""
    return fresh_store(tmp_path / "mlruns", empty_stores)


def entered(store: TrackingStore, version: str, **told: Any) -> Entry:
    whole: dict[str, Any] = {
        "model": "m",
        "version": version,
        "action": "promotion",
        "why": f"version {version} is better",
        "run_id": "r",
        "replaces": None,
        "study": "small",
        "run": "no-flips",
        "evidence_sha256": "ab" * 32,
    }
    return enter(store, **whole | told)


def test_an_entry_tells_who_when_why_and_on_what(store: TrackingStore) -> None:
    entered(store, "1")
    entered(store, "2", replaces="1", why="it is\nbetter")
    entered(store, "1", model="other")
    ledger = read_ledger(store)
    first, second, other = ledger.entries
    assert second.who == f"{getpass.getuser()}@{socket.gethostname()}"
    assert second.time.startswith("20") and second.time.endswith("Z")
    assert (second.why, second.replaces) == ("it is better", "1")
    assert second.evidence_sha256 == "ab" * 32 and second.previous == (first.sha256,)
    assert [entry.number for entry in (first, second, other)] == [1, 2, 1]
    assert ledger.problems == () and ledger.last("m") == second


def test_it_lies_beside_the_stores_file(store: TrackingStore) -> None:
    entered(store, "1")
    assert read_ledger(store).place == str(store.root / "promotions.jsonl")
    assert len((store.root / "promotions.jsonl").read_text().splitlines()) == 1


def forged(line: str) -> str:
    """Return an entry that nobody entered, as if it were of before hashes told of more."""
    return json.dumps(json.loads(line) | {"who": "", "why": "forged"})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda lines: [lines[0].replace("better", "worse"), *lines[1:]], "entry 1 of m: was alt"),
        (lambda lines: [*lines[:2], forged(lines[2])], "jsonl:3: cannot be read as a promotion"),
        (lambda lines: [lines[0], lines[2]], "entry 3 of m: what it follows, entry 2 with"),
        (lambda lines: [lines[1], lines[2]], "entry 2 of m: what it follows, entry 1 with"),
        (lambda lines: [*lines, '{"time": "20'], "promotions.jsonl:4: cannot be read as a promot"),
        (lambda lines: [*lines, "[]"], "promotions.jsonl:4: cannot be read as a promotion; put"),
    ],
)
def test_what_was_altered_or_taken_out_is_noticed(
    store: TrackingStore, damage: Any, said: str
) -> None:
    for version in ("1", "2", "3"):
        entered(store, version)
    file = store.root / "promotions.jsonl"
    file.write_text("\n".join(damage(file.read_text().splitlines())) + "\n")
    ledger = read_ledger(store)
    assert any(said in problem for problem in ledger.problems), ledger.problems
    assert all("\n" not in problem for problem in ledger.problems)
    entered(store, "4")  # A damaged ledger is told of, and goes on.
    assert read_ledger(store).entries[-1].version == "4"


def test_entries_of_before_hashes_were_kept_are_read_and_chained(store: TrackingStore) -> None:
    file = store.root / "promotions.jsonl"
    file.write_text(OLD + OLD.replace('"version": "1"', '"version": "2"'))
    entered(store, "3", replaces="2")
    ledger = read_ledger(store)
    assert [(e.number, e.version, e.run) for e in ledger.entries] == [
        (number, str(number), "no-flips") for number in (1, 2, 3)
    ]
    assert ledger.problems == () and ledger.entries[0].time == "2023-11-14T22:13:20Z"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1].replace("0.5", "0.9"), lines[2]]) + "\n")
    assert "entry 3 of m: what it follows, entry 2" in read_ledger(store).problems[0]


MANY = """
import sys
from pathlib import Path
from spineseg.tracking.ledger import enter
from spineseg.tracking.store import open_store
store = open_store(Path(sys.argv[1]), sys.argv[2] or None)
print("ready", flush=True)
sys.stdin.readline()
for number in range(5):
    enter(store, model="m", version=f"{sys.argv[3]}{number}", action="promotion", why="", study="",
          run="", run_id=sys.argv[4], replaces=None, evidence_sha256="ab")
"""


def at_once(root: Path, uri: str, run_ids: list[str]) -> None:
    """Let two processes enter five promotions each at the same time."""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, str(root), uri, str(number), run_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        for number, run_id in enumerate(run_ids, start=1)
    ]
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.wait(timeout=120) for process in both] == [0, 0]


@pytest.mark.wide
def test_two_processes_that_promote_at_once_lose_nothing(store: TrackingStore) -> None:
    at_once(store.root, "", ["r", "r"])
    ledger = read_ledger(store)
    assert len({entry.version for entry in ledger.entries}) == 10 and ledger.problems == ()
    assert [entry.number for entry in ledger.entries] == list(range(1, 11))


@pytest.mark.wide
def test_on_a_server_it_lies_with_the_server_and_two_machines_lose_nothing(
    server: Server, tmp_path: Path
) -> None:
    store = open_store(tmp_path / "one", server.uri)
    experiments = [experiment_id(store, name) for name in ("one", "two")]
    run_ids = [str(store.client.create_run(e).info.run_id) for e in experiments]
    at_once(tmp_path / "another", server.uri, run_ids)
    ledger = read_ledger(open_store(tmp_path / "third", server.uri))
    assert len({entry.version for entry in ledger.entries}) == 10 and ledger.problems == ()
    assert ledger.place == f"tags of the experiments of {server.uri}"
    assert not list(tmp_path.rglob("promotions.jsonl"))

    store.client.delete_experiment(experiments[0])
    assert read_ledger(store).entries == ledger.entries  # What was deleted keeps its tags.
    store.client.restore_experiment(experiments[0])

    first = ledger.entries[0]
    for experiment in map(store.client.get_experiment, experiments):
        for key, value in experiment.tags.items():
            assert len(value) < 5000
            if key.startswith("spineseg.") and json.loads(value)["sha256"] == first.sha256:
                store.client.delete_experiment_tag(experiment.experiment_id, key)
    problems = read_ledger(store).problems
    assert any(first.sha256[:12] in problem for problem in problems)


@pytest.mark.wide
def test_a_promotion_to_a_server_is_whole_for_another_machine(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "log_model", log_quickly)
    here, there = (open_store(tmp_path / name, server.uri) for name in ("here", "there"))
    for version in ("1", "2"):
        asked = registration(here, tmp_path, run=f"run-{version}")
        assert registry.register_champion(here, asked, "it is better") == version
    holder = champion(there, "spine-vertebrae")
    assert holder is not None and holder.evidence == asked.evidence and holder.note == ""
    weights, sha256 = model_weights(there, holder, tmp_path / "cache")
    assert sha256 == sha256_of(asked.weights) == sha256_of(weights)
    registry.rollback(there, "spine-vertebrae", "1", "version 2 misses L5")
    assert model_version(here, "spine-vertebrae").version == "1"
    mine = [e for e in read_ledger(here).entries if e.model == "spine-vertebrae"]
    assert [(e.action, e.version, e.replaces) for e in mine] == [
        ("promotion", "1", None),
        ("promotion", "2", "1"),
        ("rollback", "1", "2"),
    ]
    listed = list_models(there)
    assert {version.state for version in listed.versions} == {"whole"}
    logged = there.client.get_logged_model(holder_id(there))
    assert json.loads(logged.tags["mlflow.modelVersions"])[0]["name"] == "spine-vertebrae"
    assert len(logged.metrics) == 3 and not any("unfinished" in tag for tag in logged.tags)


def holder_id(store: TrackingStore) -> str:
    return str(store.client.get_model_version("spine-vertebrae", "2").source).split("/")[-1]
