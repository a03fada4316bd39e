"""The study's views as a person sees them: rows, columns, charts; nothing asked of anybody else."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

import pytest
from browsed_study import Browsed
from browser import Opened

_LIST = ["score", "gain", "mask_map50", "level_rate", "outcome", "changed", "epochs", "hours"]
_BEST = "search-003"


def view(address: str, slug: str) -> str:
    """Return the address of another view, as the study's own list links to it."""
    charts = "" if slug in {"leaderboard", "failures"} else "&compareRunsMode=CHART"
    return address.replace("spineseg-leaderboard", f"spineseg-{slug}{charts}")


def scores(rows: list[dict[str, str]]) -> list[float]:
    cells = [row["metrics.`score`"] for row in rows]
    return [float(cell) for cell in cells if cell != "-"]


@pytest.mark.wide
def test_the_printed_address_is_the_list_best_first(
    browser: Opened, finished_pages: str, browsed: Browsed
) -> None:
    browser.open(finished_pages)
    rows = browser.rows()
    assert len(rows) == 14 and "study browsed" not in browser.names()
    assert [head for head in browser.heads() if head in _LIST] == _LIST
    assert scores(rows) == sorted(scores(rows), reverse=True) and len(scores(rows)) == 13
    assert rows[-1]["tags.`outcome`"] == "failed"
    baseline = next(row for row in rows if row["name"] == "baseline")
    assert baseline["metrics.`gain`"] == "-" and baseline["tags.`changed`"] == "as configured"
    black, orange = (
        {name.partition("-seed")[0] for name, color in browser.colors().items() if color == marked}
        for marked in ("#111111", "#e8590c")
    )
    assert (black, orange) == ({"baseline"}, {_BEST})  # And what repeats them on fresh seeds.


@pytest.mark.wide
def test_the_curves_are_those_of_baseline_variants_and_the_best(
    browser: Opened, finished_pages: str
) -> None:
    browser.open(view(finished_pages, "curves"), charts=2)
    assert {"baseline", "no-flips", "slow", _BEST} == set(browser.names())
    assert list(browser.charts())[:2] == ["valid/mask_map50_95", "valid/mask_map50"]
    assert all(browser.charts().values())


@pytest.mark.wide
def test_the_search_is_drawn_over_each_parameter(browser: Opened, finished_pages: str) -> None:
    browser.open(view(finished_pages, "search"), charts=3)
    drawn = browser.charts()
    assert set(drawn) >= {"Parallel Coordinates", "lr0 vs. score", "mosaic vs. score"}
    assert all(drawn.values()) and drawn["lr0 vs. score"] == 7
    assert not [name for name in browser.names() if "seed" in name]


@pytest.mark.wide
def test_fresh_seeds_have_a_bar_each(browser: Opened, finished_pages: str) -> None:
    browser.open(view(finished_pages, "seeds"), charts=3)
    assert list(browser.charts()) == ["score", "mask_map50", "level_rate"]
    assert browser.charts()["score"] == 6  # A bar for each seed.
    assert len(browser.names()) == 6 and all("seed" in name for name in browser.names())


@pytest.mark.wide
def test_the_same_films_are_seen_by_baseline_variants_and_the_best(
    browser: Opened, finished_pages: str
) -> None:
    browser.open(view(finished_pages, "films"))
    pictures = browser.page.locator('[data-testid$="compare-runs-card"] img')
    pictures.first.wait_for()
    assert {"baseline", "no-flips", "slow", _BEST} == set(browser.names())
    browser.page.wait_for_function(
        "() => document.querySelectorAll('[data-testid$=\"compare-runs-card\"] img').length >= 8"
    )
    assert pictures.count() % 4 == 0  # Each film by each of the four.


@pytest.mark.wide
def test_failures_are_what_was_pruned_or_failed(browser: Opened, finished_pages: str) -> None:
    browser.open(view(finished_pages, "failures"))
    rows = browser.rows()
    assert {row["tags.`outcome`"] for row in rows} == {"pruned", "failed"}
    failed = next(row for row in rows if row["tags.`outcome`"] == "failed")
    assert failed["tags.`failure`"] == "nan_loss" and failed["name"] == "search-001"
    heads = [h for h in browser.heads() if h in {"outcome", "failure", "changed"}]
    assert heads == ["outcome", "failure", "changed"]


@pytest.mark.wide
def test_a_running_study_has_its_views(browser: Opened, going_pages: str) -> None:
    browser.open(going_pages)
    rows = {row["name"]: row for row in browser.rows()}
    assert rows["search-going"]["tags.`outcome`"] == "running"
    assert rows["search-going"]["metrics.`score`"] == "-"
    assert browser.names()[0] != "search-going" and len(rows) == 15
    browser.open(view(going_pages, "curves"), charts=2)
    assert {"baseline", "no-flips", "slow"} == set(browser.names())
    browser.open(view(going_pages, "search"), charts=3)
    browser.open(view(going_pages, "seeds"), charts=3)
    browser.open(view(going_pages, "failures"))
    assert "search-going" not in browser.names()


@pytest.mark.wide
def test_nothing_stands_before_the_list_and_nobody_else_is_asked(
    browser: Opened, finished_pages: str
) -> None:
    bare = finished_pages.partition("#")[0]
    browser.open(bare)  # As a person types it: no home of another product, no click.
    assert "spineseg-leaderboard" in browser.page.url and len(browser.rows()) == 14
    for text in ("Ask a question", "UI telemetry"):
        assert browser.page.get_by_text(text).count() == 0
    assert browser.page.get_by_text("Model registry").count() == 1
    for slug in ("curves", "search", "seeds"):
        browser.open(view(finished_pages, slug), charts=1)
    browser.page.goto(bare + "#/models")
    browser.page.wait_for_timeout(1000)
    assert browser.hosts == {"127.0.0.1"} and browser.errors == []


@pytest.mark.wide
def test_the_other_views_are_in_the_pages_own_menu(browser: Opened, finished_pages: str) -> None:
    browser.open(finished_pages)
    browser.page.get_by_test_id("saved-views-trigger").click()
    browser.page.get_by_text("Saved views").wait_for()
    items = browser.page.locator('[data-testid^="saved-views-item-"]').all_inner_texts()
    assert [re.sub(r"\s+", " ", item).strip() for item in items] == [
        *("Leaderboard", "Learning curves", "Search", "Fresh seeds", "Films", "Failures")
    ]


@pytest.mark.wide
def test_a_foreign_name_of_the_host_is_refused(finished_pages: str) -> None:
    # Else any page in the browser could read the study by a name that leads to 127.0.0.1.
    asked = urllib.request.Request(
        finished_pages.partition("#")[0], headers={"Host": "evil.example"}
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(asked)
