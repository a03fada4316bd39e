"""The page to try, for everybody: before a film, with answers, with an error, by what is heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from accessibility import WIDTHS_PX, overflow_px, violations
from mixed_films import png
from page_server import PageServer, chromium, offered


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    server = PageServer([offered("champion", "Champion, version 3")], ["No baseline is here."])
    with chromium() as browser:
        page = browser.new_page()
        page.goto(server.url)
        page.locator("#status", has_text="Ready").wait_for()
        yield page
    server.stop()


def everywhere(page: Any) -> list[str]:
    """Return what is wrong on a wide and a narrow screen."""
    found = []
    for width in WIDTHS_PX:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(100)  # The film is drawn anew.
        found += violations(page)
        found += [f"{overflow_px(page)} px too broad"] if overflow_px(page) else []
    return found


def choose(page: Any, name: str, content: bytes) -> None:
    page.set_input_files("#choose", {"name": name, "mimeType": "image/png", "buffer": content})
    page.locator("main[aria-busy=false]").wait_for()


@pytest.mark.wide
def test_everybody_can_use_it_before_a_film_with_answers_and_with_an_error(page: Any) -> None:
    assert everywhere(page) == []
    choose(page, "film.png", png())
    assert everywhere(page) == []
    choose(page, "bad.png", b"no image")
    assert page.locator("#problem").is_visible()
    assert everywhere(page) == []


@pytest.mark.wide
def test_all_that_is_drawn_is_said_too_and_news_are_announced(page: Any) -> None:
    choose(page, "film.png", png())
    assert page.locator("#problem").get_attribute("role") == "alert"
    assert page.locator("#status").get_attribute("aria-live") == "polite"
    assert page.locator("#shown").get_attribute("aria-live") == "off"  # The slider says it itself.
    label = page.locator(".stage canvas").get_attribute("aria-label")
    rows = page.locator("#levels tbody tr").all_inner_texts()
    assert rows and all(" ".join(row.split()) in label for row in rows)
    heads = page.locator("h1, h2").all_inner_texts()
    assert heads == ["Try the models on a film", "Outlines", "Levels"]
