"""How well outlines measure a spine: phantoms with known shape, labels with known angles, a model.

python benchmarks/signs.py phantoms [--films 60] [--seed 11] [--sizes 320 640 1280] [--save]
python benchmarks/signs.py labels DIR --angles films.csv [--sizes 160 320 640] [--save]
python benchmarks/signs.py run STUDY/RUN [--root mlruns] [--save]

`phantoms`: curves of 0 to 80 degrees, discs narrowed to a quarter, slips of 0 to 60 %, planted;
their outlines, rasterised at several sizes, against what the bodies were made of. `labels`: a
folder with a table that has film, width_px, height_px and cobb_1_deg, the angle by corners, as that
of AASCE 2019. `run`: what a network's outlines on its validation films measure, against what the
labels measure. With --save, the table goes to docs/signs.md and a Bland-Altman plot beside it.
"""

from __future__ import annotations

import argparse
import csv
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.path import Path as Polygon

from spineseg.data.labelled import read_films
from spineseg.errors import DataError
from spineseg.evaluation.stored import stored_records
from spineseg.films import Outline
from spineseg.measurement import frontal, neck
from spineseg.measurement.aspect import read_sizes
from spineseg.measurement.bodies import Body
from spineseg.measurement.figures import FilmMeasures
from spineseg.measurement.film import MASK_EDGE_PX, Given, measure
from spineseg.phantom.film import Film, render_film
from spineseg.phantom.planted import Planted
from spineseg.prediction.film_mask import FilmMask
from spineseg.prediction.outlines import mask_outline
from spineseg.training.machine import machine_facts

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "signs.md"
_DRAWN_PX = 96  # A phantom's outlines are fractions: its pixels are of no use here.
COBB, DISC, SLIP, LORDOSIS = "largest Cobb angle", "disc height", "slip", "C2-C7 lordosis"
UNITS = {COBB: "degrees", DISC: "of the depth", SLIP: "% of the border", LORDOSIS: "degrees"}
Pairs = dict[str, list[tuple[float, float]]]  # What -> (measured, true).


def as_mask_would(points: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Return an outline, (points, 2) fractions, as a perfect mask of a height and width gives it.

    A pixel is inside where its middle is.
    """
    height, width = size_px
    px = points * [width, height]
    left, top = np.clip(np.floor(px.min(0)).astype(int), 0, [width, height])
    right, bottom = np.clip(np.ceil(px.max(0)).astype(int), 0, [width, height])
    x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
    inside = Polygon(px).contains_points(np.stack([x.ravel(), y.ravel()], 1)).reshape(x.shape)
    return mask_outline(FilmMask(inside.astype(np.uint8), int(left), int(top), size_px))


def measured(outlines: Mapping[str, np.ndarray], aspect: float, side: int) -> FilmMeasures | None:
    """Return what outlines, as masks of `side` px squared, measure; None where it is refused."""
    drawn = [Outline(k, as_mask_would(v, (side, side))) for k, v in outlines.items()]
    given = Given((side, side), aspect, inside_px=MASK_EDGE_PX)
    try:
        return measure([outline for outline in drawn if len(outline.points)], given)
    except DataError as error:
        print(f"not measured at {side} px: {error}")
        return None


def phantoms(films: int, seed: int) -> Iterator[Film]:
    """Yield frontal and lateral phantoms in turns, with what is planted in them."""
    rng = np.random.default_rng(seed)
    for number in range(films):
        yield render_film(
            "frontal", _DRAWN_PX, (seed, 0, number), 0.5, Planted(curve_deg=rng.uniform(0, 80))
        )
        narrowed, slipped = rng.choice(["C3", "C4", "C5", "C6"], 2, replace=False)
        planted = Planted(
            bend_rad=rng.uniform(-0.6, 0.3),
            disc_heights={str(narrowed): rng.uniform(0.25, 1.0)},
            slips={str(slipped): rng.uniform(0, 0.6)},
        )
        yield render_film("lateral", _DRAWN_PX, (seed, 1, number), 0.5, planted)


def on_phantoms(films: Sequence[Film], side: int) -> Pairs:
    """Return what perfect masks of phantoms measure beside what these were made of."""
    pairs: Pairs = {what: [] for what in UNITS}
    for film in films:
        told = measured(film.outlines, film.aspect, side)
        if told is None:
            continue
        scale = np.array([film.aspect, 1.0])
        true = {level: Body(level, corners * scale) for level, corners in film.corners.items()}
        if told.view == "frontal":
            largest = frontal.curves(true)[0]
            pairs[COBB].append((told.largest_deg or 0.0, float(largest.midlines_deg(true))))
            continue
        for disc in told.discs:
            one, other = true[disc.upper], true[disc.lower]
            pairs[DISC].append((disc.ratio.value, float(neck.disc_ratio(one, other))))
        for slip in told.slips:
            one, other = true[slip.upper], true[slip.lower]
            pairs[SLIP].append((slip.percent.value, float(neck.slip_percent(one, other, "left"))))
        if told.lordosis_deg is not None:
            pairs[LORDOSIS].append(
                (told.lordosis_deg.value, float(neck.lordosis_deg(true, "left")))
            )
    return pairs


def on_labels(folder: Path, angles: Path, side: int | None) -> Pairs:
    """Return what labels measure, as they are or as masks, beside the angles of a table."""
    sizes = read_sizes(angles)
    with angles.open(newline="") as file:
        true = {row["film"]: float(row["cobb_1_deg"]) for row in csv.DictReader(file)}
    pairs: Pairs = {COBB: []}
    for film in read_films(folder, "all"):
        outlines = {outline.level: outline.points for outline in film.outlines}
        aspect = sizes[film.path.name]
        if side is None:
            told = measure(film.outlines, Given((640, 640), aspect))
        else:
            found = measured(outlines, aspect, side)
            if found is None:
                continue
            told = found
        pairs[COBB].append((told.largest_deg or 0.0, true[film.path.name]))
    return pairs


def on_a_run(folder: Path, numbering: str) -> tuple[Pairs, str]:
    """Return what a run's outlines measure beside what labels do, and what was not measured."""
    records = stored_records(folder, "valid", numbering)  # type: ignore[arg-type]
    pairs: Pairs = {COBB: [], DISC: []}
    known = [r.signs for r in records if r.signs and r.signs.labelled.refused is None]
    for signs in known:
        if signs.found.largest_deg is not None and signs.labelled.largest_deg is not None:
            pairs[COBB].append((signs.found.largest_deg, signs.labelled.largest_deg))
        gaps = signs.labelled.discs.keys() & signs.found.discs.keys()
        pairs[DISC] += [(signs.found.discs[gap], signs.labelled.discs[gap]) for gap in gaps]
    refused = sum(signs.found.refused is not None for signs in known)
    return (
        pairs,
        f"{len(records)} films, {len(known)} measured by labels, {refused} of them refused",
    )


def agreement(pairs: Sequence[tuple[float, float]], what: str) -> list[str]:
    """Return how well measured and true values agree, as a row's cells."""
    found, true = np.array(pairs, float).T
    off = found - true
    percent = 100 * np.abs(off).sum() / np.maximum(np.abs(found) + np.abs(true), 1e-9).sum()
    near = f"{100 * np.mean(np.abs(off) <= 5):.0f} %" if UNITS[what] == "degrees" else ""
    digits = 4 if what == DISC else 2
    limits = 1.96 * off.std(ddof=1) if len(off) > 1 else float("nan")
    return [
        str(len(off)),
        f"{np.abs(off).mean():.{digits}f}",
        f"{percent:.1f} %",
        near,
        f"{off.mean():+.{digits}f}",
        f"{off.mean() - limits:+.{digits}f} to {off.mean() + limits:+.{digits}f}",
        f"{np.abs(off).max():.{digits}f}",
    ]


HEADS = (
    "n",
    "mean absolute error",
    "symmetric MAPE",
    "within 5°",
    "bias",
    "95 % limits",
    "largest",
)


def table(rows: Iterable[tuple[str, Pairs]]) -> str:
    """Return all agreements as a table in Markdown."""
    lines = [
        f"| measure | outlines | {' | '.join(HEADS)} |",
        f"|---|---|{'---:|' * len(HEADS)}",
    ]
    for name, pairs in rows:
        for what, values in pairs.items():
            if values:
                cells = " | ".join(agreement(values, what))
                lines.append(f"| {what}, {UNITS[what]} | {name} | {cells} |")
    return "\n".join(lines)


def bland_altman(pairs: Pairs, file: Path) -> None:
    """Draw the difference of measured and true values over their mean, a panel a measure."""
    told = [(what, np.array(values, float).T) for what, values in pairs.items() if values]
    figure, panels = plt.subplots(1, len(told), figsize=(4.2 * len(told), 3.4), squeeze=False)
    for panel, (what, (found, true)) in zip(panels[0], told, strict=True):
        off = found - true
        panel.scatter((found + true) / 2, off, s=9, alpha=0.5, linewidths=0)
        for at in (off.mean(), off.mean() - 1.96 * off.std(), off.mean() + 1.96 * off.std()):
            panel.axhline(
                at, color="black", linewidth=0.8, linestyle="--" if at != off.mean() else "-"
            )
        panel.set_title(what, fontsize=10)
        panel.set_xlabel(f"mean of measured and true, {UNITS[what]}", fontsize=8)
        panel.set_ylabel("measured - true", fontsize=8)
        panel.tick_params(labelsize=8)
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def save(name: str, told: str, content: str, pairs: Pairs) -> None:
    """Put a part into docs/signs.md in the place of what it had under that name."""
    slug = re.sub(r"\W+", "-", name.lower()).strip("-")
    bland_altman(pairs, DOCS / "signs" / f"{slug}.png")
    facts = machine_facts()
    when = f"On {facts['processor']}, {facts['cores']} cores, {time.strftime('%Y-%m-%d')}."
    part = f"### {name}\n\n{told} {when}\n\n{content}\n\n![{name}](signs/{slug}.png)\n\n"
    page = PAGE.read_text()
    before = re.compile(rf"^### {re.escape(name)}\n.*?(?=^###? |\Z)", re.MULTILINE | re.DOTALL)
    page = before.sub(lambda _: part, page) if before.search(page) else f"{page.rstrip()}\n\n{part}"
    PAGE.write_text(page.rstrip() + "\n")
    print(PAGE)


def main() -> None:
    """Measure, print the table, and save it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("phantoms", "labels", "run"))
    parser.add_argument("of", nargs="?", type=Path)
    parser.add_argument("--films", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--sizes", type=int, nargs="+", default=[160, 320, 640, 1280])
    parser.add_argument("--angles", type=Path)
    parser.add_argument("--called", help="What the films are, for the heading.")
    parser.add_argument("--numbering", default="sequence")
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    rows: list[tuple[str, Pairs]]
    if asked.what == "phantoms":
        films = [
            replace(film, pixels=film.pixels[:, :0]) for film in phantoms(asked.films, asked.seed)
        ]
        rows = [(f"masks at {side} px", on_phantoms(films, side)) for side in asked.sizes]
        name = f"Phantoms of seed {asked.seed}, perfect masks"
        told = (
            f"SYNTHETIC. {asked.films} frontal and {asked.films} lateral phantoms with planted "
            "curves, narrowed discs and slips, against what their bodies were made of."
        )
    elif asked.what == "labels":
        rows = [("labels as drawn", on_labels(asked.of, asked.angles, None))]
        rows += [
            (f"as masks at {side} px", on_labels(asked.of, asked.angles, side))
            for side in asked.sizes
        ]
        called = asked.called or asked.of.resolve().name
        name = f"Labels of {called}, against the corner method"
        told = f"{len(rows[0][1][COBB])} films, angles by `{asked.angles.name}`."
    else:
        pairs, told = on_a_run(asked.of, asked.numbering)
        rows, name = [(asked.of.name, pairs)], f"Outlines of {asked.of.parent.name}/{asked.of.name}"
        told = f"{told}; numbered by {asked.numbering}."
    content = table(rows)
    print(f"{name}: {told}\n{content}")
    if asked.save:
        best = next((pairs for label, pairs in rows if "640" in label), rows[-1][1])
        save(name, told, content, best)


if __name__ == "__main__":
    main()
