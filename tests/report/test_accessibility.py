"""Report, audit, contact sheet and gallery in a real browser: for everybody, screen and paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from accessibility import PAPER_PX, WIDTHS_PX, figure_faults, overflow_px, violations
from browser import Opened, opened_browser
from exports import write_export
from large_study import large_evidence, large_study
from made_up_films import compared_film
from merged_data import prepare
from page_words import page_of
from planted_findings import RECALL, known_patients, leaking
from report_factory import run, study

from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_films
from spineseg.report.audit import write_audit
from spineseg.report.contact_sheet import SheetFilm, write_sheets
from spineseg.report.gallery import Gallery, GalleryFilm, write_gallery

wide = pytest.mark.wide
CAUTION = "Not a medical device."


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    with opened_browser(height=900) as opened:
        yield opened


def large(folder: Path) -> Path:
    """A page with all that a page can have: test part, promotion, fresh seeds, failures, films."""
    page_of(large_study(**large_evidence()), folder, [compared_film(folder)])
    return folder / "report.html"


def nothing(folder: Path) -> Path:
    page_of(study(best=None, runs=[], space={}), folder)
    return folder / "report.html"


def long_names(folder: Path) -> Path:
    """A page whose names are long, whose films are many, and whose values are all one."""
    name = "a-name-that-goes-on-" * 3 + "and-on"
    runs = [run("baseline", 0.3, kind="baseline", hypothesis=None, changes={}), run(name, 0.3)]
    for each in runs:
        counts = each.evaluation.confusion
        for level, row in counts.items():
            counts[level] = {found: 37 * number for found, number in row.items()}
    page_of(study(*runs[1:], runs=runs, best=name, name=name), folder)
    return folder / "report.html"


def sound_audit(folder: Path) -> Path:
    data = prepare(folder, write_export(folder / "x", {"train": 4, "valid": 2}))
    write_audit(data, known_patients(load_audit(data)), folder / "audit.html")
    return folder / "audit.html"


def leaking_audit(folder: Path) -> Path:
    data = prepare(folder, write_export(folder / "x", {"train": 4, "valid": 2}))
    write_audit(data, leaking(load_audit(data), data), folder / "audit.html", RECALL)
    return folder / "audit.html"


def sheet(folder: Path) -> Path:
    data = prepare(folder, write_export(folder / "x", {"train": 4, "valid": 2}))
    films = [SheetFilm(f, "train", "odd", (1,)) for f in read_films(data.folder, "train")]
    return write_sheets("odd", "Odd labels", ["Look at them."], films * 13, folder)[0]


def gallery(folder: Path) -> Path:
    shown = Gallery(
        ["45 films, 1 not predicted"], "SYNTHETIC: so trained.", CAUTION, {"Model": "m"}
    )
    films = [
        GalleryFilm(f"films/{n}.png", f"{n}.png", f"{n}.jpg", f"{n}.json", "1 vertebra: C2", "odd")
        for n in range(44)
    ]
    films.append(
        GalleryFilm("films/cut.png", "", "", "cut.json", "", "not predicted: is cut short")
    )
    for film in films:
        cv2.imwrite(str(folder / (film.thumbnail or "none.jpg")), np.zeros((90, 60), np.uint8))
    write_gallery(shown, films, [("notes.txt", "no film")], folder)
    return folder / "index.html"


PAGES = (large, nothing, long_names, sound_audit, leaking_audit, sheet, gallery)


@wide
@pytest.mark.parametrize("write", PAGES, ids=lambda write: write.__name__)
def test_everybody_can_read_it(write: Any, opened: Opened, tmp_path: Path) -> None:
    page = opened.page
    page.emulate_media(media="screen", color_scheme="light")
    page.goto(write(tmp_path).as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for width in WIDTHS_PX:
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == []
        assert figure_faults(page) == []
        assert overflow_px(page) == 0
        unseen = page.locator("img").evaluate_all("all => all.filter(img => !img.alt).length")
        assert unseen == page.locator("dialog img").count()  # Filled when it opens.
    page.set_viewport_size({"width": PAPER_PX, "height": 900})
    page.emulate_media(media="print")
    assert violations(page) == [] and overflow_px(page) == 0
    page.emulate_media(media="screen", color_scheme="dark")
    colours = "(({ color, backgroundColor }) => [color, backgroundColor])(getComputedStyle(%s))"
    assert page.evaluate(colours % "document.body") == ["rgb(28, 39, 51)", "rgb(244, 246, 248)"]


@wide
def test_a_scroll_area_is_reached_and_moved_by_keys(opened: Opened, tmp_path: Path) -> None:
    page = opened.page
    page.goto(long_names(tmp_path).as_uri())
    page.set_viewport_size({"width": 400, "height": 900})
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the answer"
    assert page.locator(":focus").bounding_box()["x"] >= 0  # It is seen once it has the focus.
    matrix = page.locator(".matrices .figure").first
    matrix.focus()
    outline = matrix.evaluate("e => getComputedStyle(e).outlineStyle")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.matrices .figure').scrollLeft > 40")
    assert outline == "solid"


@wide
def test_a_film_is_enlarged_by_keys_and_says_what_it_is(opened: Opened, tmp_path: Path) -> None:
    page = opened.page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(leaking_audit(tmp_path).as_uri())
    page.locator(".zoom").first.focus()
    page.keyboard.press("Enter")
    large = page.locator("dialog img")
    assert "7 labelled vertebrae, C1 to C7" in (large.get_attribute("alt") or "")
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert page.locator(":focus").get_attribute("class") == "zoom"


BAD = """<!doctype html><html><head><title>x</title></head><body><table><tr><td>a</td></tr></table>
<img src="data:,"><p style="color: #cf5533">orange</p><svg role="img" viewBox="0 0 100 100"
style="width: 100px"><g id="f1-patch_2"><path d="M0 0H100V100H0z" fill="#ddd" fill-opacity="0.9"/>
</g><text x="9" y="50" style="font-size: 8px" fill="#777">faint</text></svg></body></html>"""


@wide
def test_what_is_wrong_is_found(opened: Opened, tmp_path: Path) -> None:
    opened.page.goto("about:blank")
    opened.page.set_content(BAD)
    found = " ".join(violations(opened.page))
    for rule in ("html-has-lang", "image-alt", "color-contrast", "landmark-one-main"):
        assert f"{rule}: " in found
    faults = figure_faults(opened.page)
    for fault in ("without words", "letters of 8.0 px", "letters at 3.", "a mark at 1."):
        assert sum(fault in each for each in faults) == 1, faults
