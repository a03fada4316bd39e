"""The ledger of openings: whole or told to be otherwise; gone on with where a person says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from spineseg.chained import entry_hash
from spineseg.errors import StoreError
from spineseg.seal import ledger
from spineseg.seal.ledger import LEDGER_FILE, enter, read_ledger, refuse_problems
from spineseg.seal.opening import OpenedFilm, Opening


def opening(study: str, **changes: object) -> Opening:
    films = [OpenedFilm(content=f"{study}-{n}", look="ab" * 32) for n in range(2)]
    told = {"time": "", "study": study, "films": films, "runs": ["a"], "weights": {"a": study}}
    return Opening.model_validate(told | {"reason": "promotion"} | changes)


def own(root: Path, study: str) -> Path:
    folder = root / "work" / "studies" / study
    folder.mkdir(parents=True, exist_ok=True)
    return folder / LEDGER_FILE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with three openings of three studies."""
    for study in ("one", "two", "three"):
        enter(tmp_path / "mlruns", own(tmp_path / "mlruns", study), opening(study))
    return tmp_path / "mlruns"


def lines(root: Path) -> list[str]:
    return (root / LEDGER_FILE).read_text().splitlines()


def rewrite(root: Path, kept: list[str], *, own_too: str | None = None) -> None:
    (root / LEDGER_FILE).write_text("".join(f"{line}\n" for line in kept))
    if own_too:
        own(root, own_too).unlink()


def test_entries_are_chained_and_say_who_entered_them_and_when(root: Path) -> None:
    found = read_ledger(root)
    assert [entry.study for entry in found.entries] == ["one", "two", "three"]
    assert not found.problems and len(found.heads) == 1
    for before, after in zip(found.entries, found.entries[1:], strict=False):
        assert after.previous == (before.sha256,)
    assert all("@" in entry.who and entry.time.endswith("Z") for entry in found.entries)
    refuse_problems(found, "")


def test_an_entry_that_was_altered_is_told(root: Path) -> None:
    kept = lines(root)
    told = json.loads(kept[1])
    told["weights"] = {"a": "another"}
    rewrite(root, [kept[0], json.dumps(told), kept[2]], own_too="two")
    (problem,) = read_ledger(root).problems
    assert "study 'two' was altered after it was entered" in problem


def test_an_entry_that_was_altered_and_hashed_anew_is_missed_by_the_next(root: Path) -> None:
    kept = lines(root)
    told = json.loads(kept[1]) | {"films": []}
    told["sha256"] = entry_hash({k: v for k, v in told.items() if k != "sha256"})
    rewrite(root, [kept[0], json.dumps(told), kept[2]], own_too="two")
    assert any("follows one that was altered or taken out" in p for p in read_ledger(root).problems)


def test_an_entry_taken_out_of_the_middle_is_missed(root: Path) -> None:
    kept = lines(root)
    rewrite(root, [kept[0], kept[2]], own_too="two")
    with pytest.raises(
        StoreError, match=r"taken out .*put a backup in place, or say with --reason"
    ):
        refuse_problems(read_ledger(root), "")


def test_a_ledger_that_was_cut_is_missed_by_the_studies_own_copies(root: Path) -> None:
    rewrite(root, lines(root)[:1])
    problems = read_ledger(root).problems
    assert len(problems) == 2 and all("it was cut" in problem for problem in problems)
    (root / LEDGER_FILE).unlink()
    assert len(read_ledger(root).problems) == 3


def test_a_ledger_of_another_root_is_told(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    enter(other, None, opening("theirs"))
    shutil.copy(other / LEDGER_FILE, root / LEDGER_FILE)
    problems = " ".join(read_ledger(root).problems)
    assert "copied from elsewhere" in problems and "it was cut" in problems


def test_a_study_that_was_brought_from_another_root_tells_of_its_openings(
    root: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    enter(other, own(other, "theirs"), opening("theirs"))
    shutil.copytree(own(other, "theirs").parent, root / "work" / "studies" / "theirs")
    found = read_ledger(root)
    assert {entry.study for entry in found.entries} == {"one", "two", "three", "theirs"}
    assert not found.problems


def test_a_clock_that_runs_backwards_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "now", lambda: "2020-01-01T00:00:00Z")
    enter(root, None, opening("early"))
    assert any("a clock ran backwards" in problem for problem in read_ledger(root).problems)


def test_a_person_may_go_on_with_what_is_wrong_and_it_stays_told(root: Path) -> None:
    rewrite(root, lines(root)[:2])
    broken = read_ledger(root)
    enter(root, None, opening("four", reason="the disk was lost", accepted=broken.undecided))
    after = read_ledger(root)
    assert after.problems and not after.undecided
    refuse_problems(after, "")


def test_a_ledger_without_what_a_registered_version_was_promoted_on_is_told(root: Path) -> None:
    entry = read_ledger(root).entries[0]
    told = [entry.model_dump(mode="json", exclude={"films"})]
    assert not read_ledger(root).lacking(told).problems
    missing = [{**told[0], "sha256": "f" * 64}] * 2 + [{"time": "2026-11-25 10:00", "study": "old"}]
    (problem,) = read_ledger(root).lacking(missing).undecided
    assert "on which a registered version was promoted" in problem


def test_an_older_entry_still_tells(root: Path) -> None:
    line = json.dumps(
        {"time": "2026-11-25 10:00", "study": "old", "seal": "ab", "runs": ["a"], "reason": "x"}
    )
    rewrite(root, [line, *lines(root)])
    found = read_ledger(root)
    assert found.entries[0].study == "old" and found.entries[0].seal == "ab" and not found.problems


@pytest.mark.parametrize("line", ['{"time": "20', '{"study": "small"}', "[]", "7", "null"])
def test_a_line_that_cannot_be_read_is_told_and_not_passed_over(root: Path, line: str) -> None:
    rewrite(root, [*lines(root), line])
    with pytest.raises(StoreError, match=r"test-openings\.jsonl:4: cannot be read"):
        read_ledger(root)
