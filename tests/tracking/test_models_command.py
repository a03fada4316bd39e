"""`spineseg models` and `history`: what a person and a program read of a registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from registry_cases import fresh_store, log_quickly, register_file, registration, weights_of

from spineseg.errors import StoreError
from spineseg.tracking import registry
from study.cli import cli


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> Path:
    """A folder of records with a champion, one it replaced, a challenger, and one by hand."""
    root = tmp_path_factory.mktemp("listed") / "mlruns"
    store = fresh_store(root, empty_stores)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(registry, "log_model", log_quickly)
        for run in ("first", "second"):
            asked = registration(store, root, run=run)
            registry.register_champion(store, asked, f"{run} is better")
        registry.register_challenger(store, registration(store, root, run="third"))
    register_file(store, weights_of(root, b"text"), name="by-hand", without=("image_size_px",))
    return root


def answer(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_models_lists_versions_with_figures_and_state(root: Path) -> None:
    rows = [line.split() for line in answer("models", "--store", str(root)).splitlines()]
    assert rows[0][:5] == ["model", "version", "alias", "study", "run"]
    assert rows[1][:3] == ["by-hand", "1", "champion"] and "by" in rows[1] and "hand," in rows[1]
    assert [row[:8] for row in rows[2:]] == [
        ["spine-vertebrae", "3", "challenger", "small", "(synthetic)", "third", "0.9000", "0.7000"],
        ["spine-vertebrae", "2", "champion", "small", "(synthetic)", "second", "0.9000", "0.7000"],
        ["spine-vertebrae", "1", "-", "small", "(synthetic)", "first", "0.9000", "0.7000"],
    ]
    assert {row[-1] for row in rows[2:]} == {"whole"}


def test_models_answers_programs(root: Path) -> None:
    found = json.loads(answer("models", "--store", str(root), "--json"))
    champion = next(v for v in found["versions"] if v["version"] == "2")
    assert champion["aliases"] == ["champion"] and champion["synthetic"] is True
    assert (champion["kind"], champion["score"], champion["state"]) == ("promotion", 0.9, "whole")
    assert found["problems"] == [] and found["store"].startswith("sqlite:")


def test_history_tells_who_when_why_and_on_what(root: Path) -> None:
    text = answer("history", "--store", f"sqlite:///{root / 'mlflow.db'}")
    assert f"ledger of promotions: {root / 'promotions.jsonl'}" in text
    assert "spine-vertebrae version 2 promoted in place of version 1 by " in text
    assert "(study small, run second); evidence " in text and "\n   second is better\n" in text
    told = json.loads(answer("history", "--store", str(root), "--json"))
    assert [entry["version"] for entry in told["entries"]] == ["1", "2"]
    assert told["problems"] == []


def test_history_says_what_was_altered_and_exits_with_1(
    root: Path,
) -> None:
    file = root / "promotions.jsonl"
    whole = file.read_text()
    file.write_text(whole.replace("first is better", "first is worse"))
    text = answer("history", "--store", str(root), code=1)
    assert "! entry 1 of spine-vertebrae: was altered after it was entered" in text
    assert "entry 1 of spine-vertebrae: was altered" in answer("models", "--store", str(root))
    file.write_text(whole)


def test_entries_cut_off_the_end_and_a_lost_ledger_are_told(root: Path) -> None:
    file = root / "promotions.jsonl"
    whole = file.read_text()
    file.write_text(whole.splitlines()[0] + "\n")
    for command, code in (("history", 1), ("models", 0)):
        text = answer(command, "--store", str(root), code=code)
        assert "! by the ledger, version 1 of spine-vertebrae (run first) is champion" in text
        assert "the alias is at version 2: moved by hand, or an entry is gone" in text
    file.unlink()
    text = answer("history", "--store", str(root), code=1)
    assert "! version 2 of spine-vertebrae is champion, and the ledger does not tell of it" in text
    assert "by-hand" not in text  # A registry holds models of others, too.
    file.write_text(whole)


def test_a_store_without_models_says_so(tmp_path: Path, empty_stores: Path) -> None:
    fresh_store(tmp_path / "mlruns", empty_stores)
    assert "has no registered model; register" in answer(
        "models", "--store", str(tmp_path / "mlruns")
    )
    assert "nothing was promoted yet" in answer("history", "--store", str(tmp_path / "mlruns"))


def test_a_place_without_a_store_is_one_line(tmp_path: Path) -> None:
    for words in (["models", "--store", "gone"], ["history", "--store", str(tmp_path)]):
        with pytest.raises(StoreError, match=r"is neither a folder nor|there is no tracking store"):
            answer(*words)
    assert list(tmp_path.iterdir()) == []
