"""The table of runs: ranks, dashes, widths, differences, colours."""

from __future__ import annotations

import pytest
from evidence_factory import effect, evidence
from large_study import large_evidence, large_study
from page_words import words_of
from report_factory import confirmed_study, run, study

from spineseg.metrics import METRICS
from spineseg.report.table import COLUMNS, TABLED, Row, as_csv, as_markdown, as_text, leaderboard

GOAL = next(column for column in COLUMNS if column.metric is METRICS[0])


def test_the_leaderboard_ranks_completed_runs_and_keeps_the_rest_below() -> None:
    rows = leaderboard(study())
    names = ["no-flips", "no-mosaic", "baseline", "upright", "search-001", "search-002"]
    assert [row.name for row in rows] == names
    assert rows[0].deltas["mask_map50_95"] == pytest.approx(0.0456)
    assert rows[3].deltas["box_map50"] == pytest.approx(-0.05)
    assert rows[2].deltas["mask_map50_95"] is None


def test_a_missing_score_is_a_dash_and_never_a_nought() -> None:
    rows = leaderboard(study())
    cells = [column.write(rows[-1]) for column in COLUMNS]
    assert cells[1:9] == ["–"] * 8 and cells[-1] == "failed"
    last = as_csv(rows).splitlines()[-1]
    assert last.startswith("search-002,search,failed,,,")
    assert as_markdown(rows).count("\n") == len(rows) + 2


def test_a_share_of_nothing_is_a_dash() -> None:
    rows = leaderboard(study())
    none = rows[0].model_copy(update={"scores": rows[0].scores | {METRICS[0].name: float("nan")}})
    assert GOAL.write(none) == "–"


def test_the_columns_are_those_of_the_table_of_metrics() -> None:
    heads = [column.head for column in COLUMNS]
    assert heads[:5] == ["run", "mask mAP50", "mask 50-95", "box mAP50", "box 50-95"]
    assert heads[5:8] == ["F1", "conf", "level %"]
    assert {metric.name for metric in TABLED} == {m.name for m in METRICS if m.column}
    header = as_csv([]).strip().split(",")
    assert header[:5] == ["run", "kind", "outcome", "mask_map50", "mask_map50_95"]
    assert header[-5:-1] == ["seconds_per_film_delta", "parameters", "epochs", "hours"]
    assert header[-1] == "note"
    assert len(header) == len(set(header)) == 3 + 10 + 10 + 4


@pytest.mark.parametrize("width", [100, 120, 160])
def test_the_text_table_is_aligned_and_fits_the_terminal(width: int) -> None:
    for summary in (study(), large_study()):
        lines = as_text(leaderboard(summary), width).splitlines()
        assert max(map(len, lines)) <= width
        assert len({line.rfind("  completed") for line in lines if "completed" in line}) == 1
        assert any(line.startswith("* ") for line in lines)
        assert any(line.startswith("= baseline") for line in lines)
    assert ("0.396 +0.046" in as_text(leaderboard(study()), width)) == (width == 160)


def test_each_score_of_the_table_stands_in_the_page(page: str) -> None:
    text = words_of(page)
    for row in leaderboard(study()):
        cells = [f"{column.write(row)} {column.difference(row)}".strip() for column in COLUMNS[1:]]
        assert " ".join(cells).replace("-", "−") in text.replace("-", "−")


def test_colours_go_by_the_verdict_and_there_are_none_without_an_effect() -> None:
    measured = [
        effect("no-flips", 0.0456, 0.06),
        effect("no-mosaic", 0.003, 0.001),
        effect("upright", -0.05, p=0.2),
    ]
    rows = leaderboard(study(evidence=evidence(variants=measured, arms=[])))
    tones = {row.name: GOAL.tone(row) for row in rows}
    assert {name for name, tone in tones.items() if tone} == {"no-mosaic"}
    assert tones["no-mosaic"] == "up"
    worse = leaderboard(study(evidence=evidence(arms=[])))
    assert {row.name: GOAL.tone(row) for row in worse}["upright"] == "down"
    assert not any(column.tone(row) for row in leaderboard(study()) for column in COLUMNS)


def test_fresh_seeds_are_no_rows_of_their_own() -> None:
    names = [row.name for row in leaderboard(confirmed_study())]
    assert len(names) == 6 and not any("-seed-" in name for name in names)
    assert len(leaderboard(large_study(**large_evidence()))) == 33


def test_the_baseline_leads_equals() -> None:
    rows = leaderboard(study(run("same", 0.3), best="baseline"))
    assert [row.name for row in rows] == ["baseline", "same"] and isinstance(rows[0], Row)
