"""The gallery of predictions: pages that a browser opens, however many films there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spineseg.report.gallery import Gallery, GalleryFilm, levels_text, write_gallery

GALLERY = Gallery(["3 films"], "SYNTHETIC: trained so.", "Not a medical device.", {"Model": "m<3"})


def films(number: int) -> list[GalleryFilm]:
    return [
        GalleryFilm(f"in/{n}#.png", f"{n}#.png", f"thumbnails/{n}#.jpg", f"{n}#.json", "1 vertebra")
        for n in range(number)
    ]


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        (["L1", "T12", "T11", "T9"], "4 vertebrae: T9, T11 to L1"),
        (["C7", "T1", "T1"], "3 vertebrae: C7 to T1 (twice: T1)"),
        (["T12", "T13", "L1"], "3 vertebrae: T12 to L1"),
        (["L5", "L6"], "2 vertebrae: L5 to L6"),
        (["C2"], "1 vertebra: C2"),
        ([], ""),
    ],
)
def test_levels_are_told_in_words(levels: list[str], text: str) -> None:
    assert levels_text(levels) == text


def test_pages_lead_to_files_beside_them_and_to_each_other(tmp_path: Path) -> None:
    (tmp_path / "index-9.html").write_text("of a longer gallery")
    skipped = [(f"{n}.txt", "no film") for n in range(1005)]
    write_gallery(GALLERY, films(401), skipped, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index-2.html", "index-3.html", "index.html",
    ]  # fmt: skip
    first, second = (tmp_path / name for name in ("index.html", "index-2.html"))
    page = first.read_text()
    assert 'src="thumbnails/7%23.jpg"' in page and 'href="7%23.json"' in page
    assert "Films 1 to 200 of 401" in page and "m&lt;3" in page and "5 more:" in page
    assert "Films 201 to 400 of 401" in second.read_text()
    for text in (page, second.read_text()):
        assert "SYNTHETIC: trained so. Not a medical device." in text
        assert not re.search(r'(?:href|src)="(?:https?:|/|file:)', text)
        assert text.count("<img") == text.count('loading="lazy"') == text.count('alt="in/') == 200
    assert len(page) < 300_000


def test_a_film_without_a_picture_has_its_reason(tmp_path: Path) -> None:
    told = GalleryFilm("in/cut.png", "", "", "cut.json", "", "not predicted: is cut short")
    write_gallery(GALLERY, [told], [], tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "<img" not in page and "not predicted: is cut short" in page
    assert "Skipped files" not in page
