"""The audit of a dataset as one HTML page: counts, and its findings with their films drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.colors import to_hex

from spineseg.data.audit import Audit, Finding
from spineseg.data.labelled import read_merged_film
from spineseg.data.manifest import Dataset
from spineseg.films import LabelledFilm, Part
from spineseg.levels import ANATOMICAL_ORDER, colour
from spineseg.report.drawing import BLUE, SOFT, VARIANT_COLOURS, as_svg, house_style, new_figure
from spineseg.report.html import jpeg_uri, reduced_film, write_html
from spineseg.report.overlay import Shape, draw_shapes

_MOST_DRAWN = 8  # Findings of a kind that are drawn; the others are listed.
_MOST_LISTED = 60
_PICTURE_PX = (420, 560)
_PLAIN = (150, 158, 168)
_ALARM = (255, 92, 60)

EXPLAINED = {
    "near-duplicates": "Two films in different parts show the same picture, be it re-encoded, "
    "resized, brightened, flipped or turned.",
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
    "unbalanced": "A part has a share of a view or level that chance would hardly give it.",
    "unlike-sources": "Two sources that a network can tell apart by size or brightness alone.",
}
_HEADINGS = {
    "leak": "Leaks between the parts",
    "doubt": "Doubtful",
    "mended": "Mended or left out",
    "note": "To know",
}


def write_audit(dataset: Dataset, audit: Audit, path: Path) -> None:
    """Write the page to `path`, whole or not at all."""
    films = {
        entry.name: (entry.part, dataset.folder / entry.part / "images" / entry.name)
        for entry in dataset.manifest.entries
    }
    write_html(
        "audit.j2",
        {
            "audit": audit,
            "sections": _sections(audit, films),
            "explained": EXPLAINED,
            "levels": [
                level
                for level in ANATOMICAL_ORDER
                if any(counts.levels.get(level) for counts in audit.parts.values())
            ],
            "colours": {
                level: to_hex([c / 255 for c in colour(level)]) for level in ANATOMICAL_ORDER
            },
            "brightness": Markup(_brightness(audit)),
        },
        path,
    )


def _sections(audit: Audit, films: dict[str, tuple[Part, Path]]) -> list[dict[str, Any]]:
    by_kind: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in audit.findings:
        by_kind[finding.severity, finding.kind].append(finding)
    sections = []
    for severity, heading in _HEADINGS.items():
        kinds = [
            {
                "kind": kind,
                "count": len(found),
                "drawn": [_drawn(f, films) for f in found[:_MOST_DRAWN] if f.films],
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


def _drawn(finding: Finding, films: dict[str, tuple[Part, Path]]) -> dict[str, Any]:
    there = [films[name] for name in finding.films if name in films][:3]
    return {
        "detail": finding.detail,
        "pictures": [
            (path.name, part, _picture(read_merged_film(path), finding.labels))
            for part, path in there
        ],
    }


def _picture(film: LabelledFilm, marked: Sequence[int]) -> str:
    """Return the film as a data URI, the labels at `marked` bold and the others thin."""
    shapes = [
        Shape(
            outline,
            outline.level,
            _ALARM if i in marked else _PLAIN if marked else colour(outline.level),
            text_colour=_ALARM if i in marked else (255, 255, 255),
            weight=1.8 if i in marked else 0.8,
            fill=0.3 if i in marked else 0.0,
        )
        for i, outline in enumerate(film.outlines)
    ]
    image = reduced_film(film.path, _PICTURE_PX)
    return jpeg_uri(draw_shapes(image, shapes)[0])


def _brightness(audit: Audit) -> str:
    """Return the sources' brightness as lines over the grey scale."""
    with house_style():
        figure, axes = new_figure(5.6, 2.3)
        tints = [BLUE, *VARIANT_COLOURS, SOFT]
        for number, source in enumerate(audit.sources):
            middles = [16 * i + 8 for i in range(len(source.brightness))]
            shares = [100 * films / max(1, source.films) for films in source.brightness]
            tint = tints[number % len(tints)]
            axes.plot(middles, shares, color=tint, label=source.name, drawstyle="steps-mid")
        axes.set_xlabel("mean grey of a film, 0 black to 255 white")
        axes.set_ylabel("% of its films")
        axes.set_xlim(0, 256)
        axes.legend()
        return as_svg(figure, "Brightness of each source's films")
