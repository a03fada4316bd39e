"""The audit of a dataset as one HTML page: counts, and its findings with their films drawn."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.colors import to_hex

from spineseg.data.account_text import shown_account, source_notes, told_by
from spineseg.data.audit import Audit, Finding
from spineseg.data.labelled import read_merged_film
from spineseg.data.manifest import Dataset
from spineseg.films import Part
from spineseg.levels import ANATOMICAL_ORDER, colour
from spineseg.report import audit_plots
from spineseg.report.audit_claim import Sight, claim
from spineseg.report.html import jpeg_uri, svgs, write_html
from spineseg.report.marked_film import film_picture, film_words

_MOST_DRAWN = 8  # Findings of a kind that are drawn; the others are listed.
_MOST_LISTED = 60
_PICTURES_PX = (  # Up to so many drawn films -> how large each is, about 10 MB for all of them.
    (40, (1200, 1500)),
    (90, (800, 1000)),
    (10_000, (500, 640)),
)

EXPLAINED = {
    "near-duplicates": "Two films in different parts show the same picture, be it re-encoded, "
    "resized, brightened, inverted, cropped, framed, flipped or turned.",
    "shared-patients": "Films of one patient lie in different parts.",
    "shared-radiographs": "Copies of one radiograph lie in different parts.",
    "alike-in-one-part": "Films that show the same picture, all in one part: no leak.",
    "levels-out-of-order": "Down the column the levels are not in anatomical order.",
    "level-missing": "A level is not labelled between two that are.",
    "level-twice": "One level is labelled twice on a film.",
    "two-levels-one-body": "Two levels share one outline.",
    "outside-column": "An outline lies off the line of the others.",
    "no-labels": "A film has no outline; it is trained on as one without vertebrae.",
    "labels-without-film": "Label files without a film of their name; not used.",
    "film-dropped": "Films that cannot be read; left out.",
    "label-dropped": "Labels that nothing can mend; left out.",
    "box": "Boxes among outlines; their rectangles were taken.",
    "out-of-range": "Outlines that left the film by a little; cut at its edge.",
    "repeated-points": "Outlines with points that repeat the one before; removed.",
    "self-crossing": "Outlines that crossed themselves; mended.",
    "pieces": "Outlines in several pieces; the main one was kept.",
    "duplicate": "One outline twice; one was kept.",
    "patient-unknown": "Films whose patient is not told: each counts as a patient of its own.",
    "unbalanced": "A part has a share of a view or level that chance would hardly give it.",
    "unlike-sources": "Two sources that a network can tell apart by size or brightness alone.",
}
_HEADINGS = {
    "leak": "Leaks between the parts",
    "doubt": "Doubtful",
    "mended": "Mended or left out",
    "note": "To know",
}


def write_audit(dataset: Dataset, audit: Audit, path: Path, recall: Sight | None = None) -> None:
    """Write the page to `path`, whole or not at all; `recall`: what its search is known to see."""
    films = {
        entry.name: (entry.part, dataset.folder / entry.part / "images" / entry.name)
        for entry in dataset.manifest.entries
    }
    account = shown_account(audit.account)
    write_html(
        "audit.j2",
        {
            "audit": audit,
            "claim": claim(audit, recall),
            "recall": recall,
            "data_sets": recall.data_sets if recall else [],
            "circumstances": recall.circumstances if recall else "",
            "account": account,
            "notes": [(source.name, list(source_notes(source))) for source in account.sources],
            "patients": account.patients,
            "told_by": told_by(account.patients),
            "sections": _sections(audit, films),
            "levels": audit_plots.labelled_levels(audit),
            "colours": {
                level: to_hex([c / 255 for c in colour(level)]) for level in ANATOMICAL_ORDER
            },
            "balance": svgs(audit_plots.balance(audit)),
            "sizes": Markup(audit_plots.sizes(audit)),
            "brightness": Markup(audit_plots.brightness(audit)),
        },
        path,
    )


def _picture_px(films: int) -> tuple[int, int]:
    """Return how large films are drawn, (width, height) px, so that many make no huge page."""
    return next(size for most, size in _PICTURES_PX if films <= most)


def _sections(audit: Audit, films: dict[str, tuple[Part, Path]]) -> list[dict[str, Any]]:
    by_kind: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in audit.findings:
        by_kind[finding.severity, finding.kind].append(finding)
    drawn = [f for found in by_kind.values() for f in found[:_MOST_DRAWN]]
    size = _picture_px(sum(len(_there(f, films)) for f in drawn))
    sections = []
    for severity, heading in _HEADINGS.items():
        kinds = [
            {
                "kind": kind,
                "explained": EXPLAINED.get(kind, ""),
                "count": len(found),
                "drawn": [_drawn(f, films, size) for f in found[:_MOST_DRAWN] if f.films],
                "listed": [f.detail for f in found if not f.films]
                + [f"{f.films[0]}: {f.detail}" for f in found[_MOST_DRAWN:_MOST_LISTED] if f.films],
                "unlisted": max(0, len(found) - _MOST_LISTED),
            }
            for (its, kind), found in by_kind.items()
            if its == severity
        ]
        if kinds:
            sections.append({"severity": severity, "heading": heading, "kinds": kinds})
    return sections


def _there(finding: Finding, films: dict[str, tuple[Part, Path]]) -> list[tuple[Part, Path]]:
    """Return the films of a finding that are drawn: those in the dataset, three at most."""
    return [films[name] for name in finding.films if name in films][:3]


def _drawn(
    finding: Finding, films: dict[str, tuple[Part, Path]], size_px: tuple[int, int]
) -> dict[str, Any]:
    return {
        "detail": finding.detail,
        "pictures": [
            (
                path.name,
                part,
                film_words(film := read_merged_film(path), finding.labels),
                jpeg_uri(film_picture(film, finding.labels, size_px)),
            )
            for part, path in _there(finding, films)
        ],
    }
