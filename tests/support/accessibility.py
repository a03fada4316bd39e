"""Whether a page can be read by everybody: axe-core's rules, and what axe-core does not look at."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS_PX = (1280, 400)
PAPER_PX = 703  # A4 without its margins.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
_WITHOUT = {"exclude": [["svg[role=img] > g"]]}
_READ = (Path(__file__).parent / "figures_read.js").read_text(encoding="utf-8")
_LEAST = {  # What is read of a figure -> what is said of too little, and how much is enough.
    "small": ("letters of {:.1f} px", 9.0),
    "faint": ("letters at {:.1f}:1", 4.5),  # WCAG 1.4.3.
    "weak": ("a mark at {:.1f}:1", 3.0),  # WCAG 1.4.11.
}
_ROUNDING, _ONE_LINE = 0.01, 160


def violations(page: Page) -> list[str]:
    """Return where a page, as it stands in the browser, breaks a rule of WCAG 2.1 A or AA.

    Axe-core's good practices count, too. One line each: the rule, how many elements, the first.
    What a figure is drawn of is left to `figure_faults`: axe-core needs minutes for it.
    """
    found = Axe().run(page, _WITHOUT, {"runOnly": {"type": "tag", "values": _RULES}})
    return [
        f"{each['id']}: {each['help']} ({len(each['nodes'])}): "
        + " ".join(each["nodes"][0]["html"].split())[:_ONE_LINE]
        for each in found.response["violations"]
    ]


def figure_faults(page: Page) -> list[str]:
    """Return what axe-core leaves out: letters and marks of inline figures that cannot be read.

    Letters need 4.5:1 against what is painted below them and 9 CSS px as shown; marks need 3:1. A
    figure needs words: a title, and a description of what it shows.
    """
    read = page.evaluate(_READ)
    faults = [f"a figure without words: {begins}" for begins in read["wordless"]]
    for kind, (said, least) in _LEAST.items():
        faults += [
            f"{name}: {said.format(value)}: {which!r}"
            for name, which, value in read[kind]
            if value < least - _ROUNDING
        ]
    return list(dict.fromkeys(faults))


def overflow_px(page: Page) -> int:
    """Return by how much a page is broader than its window; what scrolls by itself is not."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
