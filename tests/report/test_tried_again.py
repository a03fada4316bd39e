"""The page where trainings were tried again, took more attempts, or had their batches in parts."""

from __future__ import annotations

import re
from pathlib import Path

from report_factory import run, study

from spineseg.evidence.results import RunSummary, StudySummary
from spineseg.report.page import write_page
from spineseg.report.sections.answer import answer
from spineseg.report.sections.cost import bars, cost_text, unfinished
from spineseg.report.sections.hypotheses import hypotheses
from spineseg.report.sections.learning import legend, run_strokes
from spineseg.report.sections.runs import unusual
from spineseg.report.sections.search import ends_text
from spineseg.report.study_note import study_note
from spineseg.report.table import as_csv, as_text, leaderboard

SEARCHED = {"kind": "search", "changes": {"lr0": 0.004}}
LOST = "attempt 1 was killed (SIGKILL) after epoch 2"


def superseded(name: str, number: int, later: int, **changes: object) -> RunSummary:
    """Return a failed run that was tried again."""
    told = {
        "outcome": "failed", "failure": "bug: as told", "number": number, "superseded": True,
        "again": f"tried again as {later:03d}", "epochs": 2, "curves": {"valid/mask_map50": [0.1]},
    }  # fmt: skip
    return run(name, None, **(told | changes))


def tried() -> StudySummary:
    """Return a study with a variant and a searched run that failed first."""
    return study(
        superseded("upright", 1, 4),
        superseded("search-001", 2, 3, **SEARCHED),
        run("search-001", 0.31, number=3, **SEARCHED),
        run("upright", 0.32, number=4, attempts=2, losses=[LOST], split=2),
        best="upright",
    )


def test_both_are_listed_and_only_the_last_is_counted_compared_and_drawn() -> None:
    summary = tried()
    rows = {(row.name, row.outcome): row for row in leaderboard(summary)}
    assert len(rows) == 5 and rows["upright", "failed"].note == "tried again as 004"
    assert rows["upright", "completed"].is_best and not rows["upright", "failed"].is_best
    assert rows["upright", "completed"].note == "batch in 2 parts"
    text = as_text(leaderboard(summary), 200)
    assert "failed; tried again as 003" in text and "completed; batch in 2 parts" in text
    assert as_csv(leaderboard(summary)).splitlines()[0].endswith(",hours,note")
    assert [each.name for each in hypotheses(summary)] == ["upright"]
    assert [key.name for key in legend(summary)] == ["baseline", "upright (best)", "searched (1)"]
    assert set(run_strokes(summary)) == {"baseline", "upright", "search-001"}
    assert ends_text(summary) == "1 searched run: 1 completed."
    assert summary.run("upright") is summary.runs[4] is summary.leader
    note = study_note(summary, "page", 3)
    assert "3 trainings ended. 2 had failed before and were tried again." in note


def test_what_they_cost_and_why_they_failed_is_not_forgotten() -> None:
    summary = tried()
    assert cost_text(summary).startswith("5 trainings took") and "runs that failed" in (
        cost_text(summary)
    )
    assert "5 bars" in bars(summary)
    reasons = [each.reason for each in unfinished(summary)]
    assert reasons[0] == "bug: as told (after 2 epochs); tried again as 004"


def test_runs_that_did_not_go_straight_through_tell_their_story() -> None:
    assert unusual(tried()) == [
        ("001-upright", "failed (bug: as told), tried again as 004"),
        ("002-search-001", "failed (bug: as told), tried again as 003"),
        ("004-upright", f"2 attempts; {LOST}; batch in 2 parts"),
    ]
    assert unusual(study()) == []


def test_the_answer_says_how_many_runs_trained_in_parts() -> None:
    said = answer(tried()).text
    assert said.endswith(
        " 1 run, upright, trained its batches in parts, for want of memory: the same gradients "
        "added up, and not quite the same training."
    )
    assert "in parts" not in answer(study()).text
    two = study(run("a", 0.31, split=2), run("b", 0.3, split=4), run("c", None, split=2), best="a")
    assert " 2 runs, a and b, trained their batches in parts" in answer(two).text


def test_what_was_tried_again_is_counted_apart_where_only_the_baseline_has_completed() -> None:
    summary = study(superseded("x", 1, 2), run("x", None, outcome="running"), best="baseline")
    assert "Of the other runs: 1 running, 1 failed and tried again." in answer(summary).text


def test_the_page_has_every_id_once_and_tells_all_of_it(tmp_path: Path) -> None:
    write_page(tried(), [], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 10
    assert "2 failed, 2 of them tried again" in page
    assert "Trainings that did not go straight through" in page and LOST in page
