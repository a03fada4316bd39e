"""How well outlines measure a spine: phantoms with known shape, labels with known angles, a model.

python benchmarks/signs.py phantoms [--films 60] [--seed 11] [--sizes 320 640 1280] [--save]
python benchmarks/signs.py labels DIR --angles films.csv [--sizes 160 320 640] [--save]
python benchmarks/signs.py weights [FILE] [--films 40] [--seed 23] [--save]
python benchmarks/signs.py run FOLDER [--data MERGED --angles films.csv] [--save]

`phantoms`: curves of 0 to 80 degrees, discs narrowed to a quarter, slips of 0 to 60 %, planted;
their outlines, rasterised at several sizes, against what the bodies were made of. `labels`: a
folder with a table that has film, width_px, height_px and cobb_1_deg, the angle by corners, as that
of AASCE 2019. `weights`: what a network's outlines (the bundled one's) measure on phantoms that it
has not seen, and how often the 95 % intervals hold the truth, by an outline error that was measured
on other phantoms. `run`: what the outlines in a run's folder measure on its validation films,
against what the labels measure; with --data and --angles also of a run that knew no true shapes.
With --save, the table goes to docs/signs.md and a Bland-Altman plot beside it.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from signs_pairs import (
    COBB,
    DISC,
    UNITS,
    Pairs,
    on_a_run,
    on_labels,
    on_phantoms,
    on_weights,
    phantoms,
)

from spineseg.training.machine import machine_facts
from spineseg.training.weights import bundled_weights

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "signs.md"


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
    parser.add_argument("what", choices=("phantoms", "labels", "weights", "run"))
    parser.add_argument("of", nargs="?", type=Path)
    parser.add_argument("--films", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--sizes", type=int, nargs="+", default=[160, 320, 640, 1280])
    parser.add_argument("--angles", type=Path)
    parser.add_argument("--called", help="What the films are, for the heading.")
    parser.add_argument("--data", type=Path, help="The merged dataset of a run.")
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
    elif asked.what == "weights":
        weights = asked.of or bundled_weights()
        pairs, told = on_weights(weights, asked.films, asked.seed)
        rows, name = [(weights.name, pairs)], f"Outlines of {weights.name} on phantoms"
        told = f"SYNTHETIC. {told}"
    else:
        pairs, told = on_a_run(asked.of, asked.numbering, asked.data, asked.angles)
        rows, name = [(asked.of.name, pairs)], f"Outlines of {asked.of.parent.name}/{asked.of.name}"
        told = f"{told}; numbered by {asked.numbering}."
    content = table(rows)
    print(f"{name}: {told}\n{content}")
    if asked.save:
        best = next((pairs for label, pairs in rows if "640" in label), rows[-1][1])
        save(name, told, content, best)


if __name__ == "__main__":
    main()
