"""The gallery of predictions: pages of small pictures, what was found, and what made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from spineseg.levels import place
from spineseg.report.html import write_html

PAGE_FILE = "index.html"
FILMS_ON_A_PAGE = 200
_MOST_SKIPPED = 1000  # Listed on the page; a file beside it has all.


@dataclass(frozen=True)
class GalleryFilm:
    """One film of the gallery; files as they lie in its folder, empty where there is none."""

    title: str
    overlay: str
    thumbnail: str
    record: str
    found: str  # Levels and how many, in words.
    note: str = ""


@dataclass(frozen=True)
class Gallery:
    """What stands above the films."""

    outcome: Sequence[str]  # A line each.
    warning: str  # On what the weights were trained on; empty where there is nothing to warn of.
    caution: str
    facts: Mapping[str, str]


def write_gallery(
    gallery: Gallery,
    films: Sequence[GalleryFilm],
    skipped: Sequence[tuple[str, str]],
    folder: Path,
) -> None:
    """Write `index.html`, `index-2.html` and so on into `folder`, 200 films each.

    They lead to files beside them only. `skipped` are files and the reason of each. Pages of an
    earlier, longer gallery are removed.
    """
    starts = range(0, max(1, len(films)), FILMS_ON_A_PAGE)
    pages = [_page(number) for number, _ in enumerate(starts, start=1)]
    for number, start in enumerate(starts, start=1):
        here = films[start : start + FILMS_ON_A_PAGE]
        content = {
            "gallery": gallery,
            "caution": gallery.caution,
            "films": [(f, quote(f.overlay), quote(f.thumbnail), quote(f.record)) for f in here],
            "number": number,
            "pages": pages,
            "first": start + 1,
            "all_films": len(films),
            "skipped": skipped[:_MOST_SKIPPED] if number == 1 else (),
            "not_listed": max(0, len(skipped) - _MOST_SKIPPED),
        }
        write_html("gallery.j2", content, folder / pages[number - 1])
    for left in folder.glob("index-*.html"):
        if left.name not in pages:
            left.unlink()


def _page(number: int) -> str:
    return PAGE_FILE if number == 1 else f"index-{number}.html"


def levels_text(levels: Sequence[str]) -> str:
    """Return what was found: "17 vertebrae: T1 to T12, L1 to L5", and what comes twice."""
    if not levels:
        return ""
    there = sorted(set(levels), key=place)
    runs: list[list[str]] = []
    for level in there:
        if runs and _follows(runs[-1][-1], level):
            runs[-1].append(level)
        else:
            runs.append([level])
    told = ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
    twice = [level for level in there if levels.count(level) > 1]
    again = f" (twice: {', '.join(twice)})" if twice else ""
    return f"{len(levels)} vertebra{'e' * (len(levels) != 1)}: {told}{again}"


def _follows(upper: str, lower: str) -> bool:
    return 0 < place(lower) - place(upper) <= 1
