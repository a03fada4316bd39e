"""MLflow's pages in a real browser: what a person reads there, and what the pages ask for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright

WAIT_MS = 60_000
_NAME = "attributes.`Run Name`"
_CELLS = """() => [...document.querySelectorAll('.ag-row')].map(row => ({
  row: Number(row.getAttribute('row-index')),
  name: row.querySelector('a[href*="/runs/"]')?.innerText.trim(),
  cells: Object.fromEntries([...row.querySelectorAll('.ag-cell')].map(
    cell => [cell.getAttribute('col-id'), cell.innerText.trim()])),
}))"""
_HEADS = """() => [...document.querySelectorAll('.ag-header-cell')].map(head => ({
  id: head.getAttribute('col-id'),
  name: head.innerText.trim(),
  x: head.getBoundingClientRect().x,
}))"""
_MARKS = ".scatterlayer path.point, .scatterlayer path.js-line, .barlayer .point, canvas"
_DRAWN = """() => [...document.querySelectorAll('[data-testid$="compare-runs-card"]')]
  .map(card => ({
    title: card.innerText.trim().split('\\n')[0],
    marks: card.querySelectorAll(MARKS).length,
  }))""".replace("MARKS", f"'{_MARKS}'")


class Opened:
    """A page of MLflow's, open in a browser."""

    def __init__(self, page: Page, hosts: set[str], errors: list[str]) -> None:
        self.page, self.hosts, self.errors = page, hosts, errors

    def open(self, address: str, *, charts: int = 0, rows: bool = True) -> None:
        """Go to an address and wait for its rows, and for so many charts with something in them."""
        self.page.goto("about:blank")
        self.page.goto(address)
        if rows:
            self.page.wait_for_selector('.ag-row a[href*="/runs/"]', timeout=WAIT_MS)
        if charts:
            self.page.wait_for_function(
                f"() => ({_DRAWN})().filter(card => card.marks).length >= {charts}", timeout=WAIT_MS
            )

    def rows(self) -> list[dict[str, str]]:
        """Return the cells of the table by their columns' ids, row after row."""
        merged: dict[int, dict[str, str]] = {}
        for part in self.page.evaluate(_CELLS):  # Fixed and moving columns are rows apart.
            row = merged.setdefault(part["row"], {})
            row.update(part["cells"])
            if part.get("name"):
                row["name"] = part["name"]
        return [merged[number] for number in sorted(merged)]

    def names(self) -> list[str]:
        """Return the names of the runs, from the top."""
        return [row["name"] for row in self.rows() if "name" in row]

    def colors(self) -> dict[str, str]:
        """Return the colour of each run's dot, by its name; of a table."""
        return {row["name"]: row[_NAME].splitlines()[0] for row in self.rows()}

    def heads(self) -> list[str]:
        """Return the heads of the columns, from the left."""
        heads = sorted(self.page.evaluate(_HEADS), key=lambda head: head["x"])
        return [head["name"] for head in heads if head["name"]]

    def charts(self) -> dict[str, int]:
        """Return how many marks each chart in sight has drawn, by its title."""
        return {card["title"]: card["marks"] for card in self.page.evaluate(_DRAWN)}


@contextmanager
def opened_browser(
    width: int = 1600, height: int = 1400, login: tuple[str, str] | None = None
) -> Iterator[Opened]:
    """Open a browser that nobody used before; skipped where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium here; on Debian: apt-get install chromium")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            known = {"username": login[0], "password": login[1]} if login else None
            size = {"width": width, "height": height}
            page = browser.new_page(viewport=size, http_credentials=known)  # type: ignore[arg-type]
            hosts: set[str] = set()
            errors: list[str] = []
            page.on("request", lambda asked: hosts.add(urlsplit(asked.url).hostname or ""))
            page.on("pageerror", lambda error: errors.append(str(error)))
            yield Opened(page, hosts, errors)
        finally:
            browser.close()
