"""Does a 95 % interval hold the truth 95 times in 100, and how often is chance promoted?

python benchmarks/calibration.py [--cells coverage variants promotions power precision]
    [--studies 4000] [--precision-studies 2000] [--save]

Simulated studies whose noise is known, judged by the project's own rule (`evidence/crossed.py`;
`precision` by `compare_arms`, matches and all). `coverage`: how often the interval holds the true
difference, nought; `variants`: the same of arms trained once. `promotions`: how often a finalist
that is the baseline in truth is promoted: one finalist; the best of three by validation scores of
the same trainings; any of three, each tried on the test part. `power`: how often a finalist of a
known gain is. `precision`: coverage and false promotions with mask mAP50-95 of simulated
detections. With --save each part takes the place of what docs/calibration.md had of it.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product

import numpy as np
from calibration_page import bounds, save, share, table
from calibration_studies import MATCHES, METRICS, NOISES, Cell, MatchCell

from spineseg.evidence.arms import effect_of
from spineseg.evidence.comparison import without_each
from spineseg.evidence.crossed import Noise, noise_of
from spineseg.evidence.effects import SURE
from spineseg.evidence.significance import detectable_effect, holm

PATIENTS, SEEDS = (5, 6, 8, 12, 24, 46, 100), (2, 3, 4, 5, 8)
PURE = ("patients", "seeds", "interaction", "all three")
"""Noises of the metrics that are not normal; of the normal one, all."""
GAINS = (1.0, 1.5, 2.0, 3.0)
LOWEST, HIGHEST = 0.93, 0.97
_AT_ONCE = 1000  # Studies: more take memory and no less time.


def chunks(studies: int) -> Iterator[int]:
    """Yield how many studies are simulated at a time."""
    for start in range(0, studies, _AT_ONCE):
        yield min(_AT_ONCE, studies - start)


def covered(cell: Cell, studies: int, rng: np.random.Generator) -> int:
    """Return in how many studies the interval holds the true difference, nought."""
    held = 0
    for some in chunks(studies):
        (_, before), (_, after) = cell.arms(rng, some)
        apart = after.mean(axis=(1, 2)) - before.mean(axis=(1, 2))
        held += int((np.abs(apart) <= noise_of(before, after).half_width(SURE)).sum())
    return held


def better(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Return which finalists are better than the baseline, (studies, finalists) bool."""
    apart = np.stack([arm.mean(axis=(1, 2)) for arm in tables[1:]], axis=1)
    apart -= tables[0].mean(axis=(1, 2))[:, None]
    noises = [noise_of(tables[0], arm) for arm in tables[1:]]
    clear = np.stack([n.half_width(SURE) for n in noises], axis=1) < apart
    asked = np.flatnonzero(clear.any(axis=1))  # Of the others no p is below 0.05.
    p_values = np.stack(
        [_of(n, asked).p_value(apart[asked, i]) for i, n in enumerate(noises)], axis=1
    )
    result = np.zeros_like(clear)
    for row, found in zip(asked, p_values.tolist(), strict=True):
        result[row] = np.array(holm(found)) < SURE
    return result & clear


def _of(noise: Noise, rows: np.ndarray) -> Noise:
    return Noise(*(part[rows] if np.ndim(part) else part for part in noise))


def promoted(cell: Cell, studies: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return in how many studies the best by validation is promoted, and in how many any would."""
    best, tried = 0, 0
    for some in chunks(studies):
        arms = cell.arms(rng, some)
        found = better([test for _, test in arms])
        valid = np.stack([table.mean(axis=(1, 2)) for table, _ in arms], axis=1)
        first = valid[:, 1:].argmax(axis=1)
        ahead = valid[:, 1:].max(axis=1) > valid[:, 0]
        best += int((found[np.arange(some), first] & ahead).sum())
        tried += int(found.any(axis=1).sum())
    return best, tried


def coverage_cells() -> Iterator[Cell]:
    """Yield the cells of the coverage: each noise, and seeds that differ more in one arm."""
    for metric, patients, seeds, noise in product(METRICS, PATIENTS, SEEDS, NOISES):
        if metric == "normal" or noise in PURE:
            yield Cell(metric, patients, seeds, noise)
    for patients, seeds, noise, ratio in product(PATIENTS, SEEDS, NOISES, (0.25, 4.0)):
        if NOISES[noise][1]:
            yield Cell("normal", patients, seeds, noise, ratio)


def _called(cell: Cell) -> str:
    if cell.ratio == 1:
        return cell.metric
    return f"normal, {cell.ratio:g} times the baseline's variance between seeds"


def coverage(studies: int, rng: np.random.Generator) -> str:
    """Return the coverage's tables: lowest and highest over the noises, and what misses."""
    found = {cell: covered(cell, studies, rng) for cell in coverage_cells()}
    spans: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    for cell, held in found.items():
        spans[_called(cell), cell.seeds, cell.patients].append(100 * held / studies)
    rows = [
        [called, seeds, *(_span(spans[called, seeds, n]) for n in PATIENTS)]
        for called, seeds in dict.fromkeys((called, seeds) for called, seeds, _ in spans)
    ]
    missed = [c for c, held in found.items() if not LOWEST <= held / studies <= HIGHEST]
    lines = [
        f"{studies:,} studies a cell, {len(found):,} cells: noise by {', '.join(NOISES)}; "
        f"of metrics that are not normal by {', '.join(PURE)}. Lowest and highest coverage over "
        "the noises, %, by patients:",
        "",
        table(["metric", "seeds", *map(str, PATIENTS)], rows),
        f"**{len(found) - len(missed)} of {len(found)} cells lie within 93 to 97 %.** "
        f"{_misses(found, missed, studies)}",
    ]
    return "\n".join(lines)


def variants(studies: int, rng: np.random.Generator) -> str:
    """Return the coverage where the other arm is trained once, and borrows the noise of seeds."""
    rows = []
    for seeds, patients in product(SEEDS, PATIENTS):
        cells = [Cell("normal", patients, seeds, noise, once=True) for noise in NOISES]
        held = [100 * covered(cell, studies, rng) / studies for cell in cells]
        rows.append((seeds + 1, _span(held)))
    spans = {runs: [span for own, span in rows if own == runs] for runs, _ in rows}
    told = table(["the baseline's", *PATIENTS], [[runs, *row] for runs, row in spans.items()])
    return (
        f"{studies:,} studies a cell, {len(rows) * len(NOISES)} cells, normal: a variant of one "
        "training against so many of the baseline. Lowest and highest coverage over the noises, "
        f"%, by patients:\n\n{told}"
    )


def _span(values: Iterable[float]) -> str:
    return f"{min(values := list(values)):.1f} - {max(values):.1f}"


def _misses(found: dict[Cell, int], missed: Sequence[Cell], studies: int) -> str:
    """Return, by seeds, how many cells lie below and above, and the lowest and highest of all."""
    words = []
    for seeds in SEEDS:
        shares = [found[c] / studies for c in missed if c.seeds == seeds]
        low, high = (sum(s < LOWEST for s in shares), sum(s > HIGHEST for s in shares))
        words.append(f"{seeds} seeds: {low} below, {high} above")
    told = "; ".join(words)
    ends = [min(found, key=lambda c: found[c]), max(found, key=lambda c: found[c])]
    far = " and ".join(
        f"{share(found[c], studies)} % ({_called(c)}, {c.patients} patients, {c.seeds} seeds, "
        f"{c.noise})"
        for c in ends
    )
    below = [
        f"- {_called(c)}, {c.patients} patients, {c.seeds} seeds, {c.noise}: "
        f"{share(found[c], studies)} %"
        for c in missed
        if found[c] / studies < LOWEST
    ]
    listed = "\n\nBelow 93 %:\n\n" + "\n".join(below) if below else ""
    return f"Outside: {told}. Lowest and highest: {far}.{listed}"


def promotions(studies: int, rng: np.random.Generator) -> str:
    """Return the false promotions' tables, the highest over the noises."""
    rows, highest = [], 0
    for patients, seeds in product(PATIENTS, SEEDS):
        worst = [0, 0, 0]
        for noise in (*PURE, "mostly seeds"):
            one, _ = promoted(Cell("normal", patients, seeds, noise), studies, rng)
            three = promoted(Cell("normal", patients, seeds, noise, finalists=3), studies, rng)
            worst = [max(a, b) for a, b in zip(worst, (one, *three), strict=True)]
        highest = max(highest, *worst)
        rows.append([patients, seeds, *(share(hits, studies) for hits in worst)])
    head = ["patients", "seeds", "one finalist", "best of three", "any of three"]
    upper = 100 * bounds(highest, studies)[1]
    return (
        f"{studies:,} studies a cell; of five noises the one that promotes most, %, with "
        f"its 95 % interval:\n\n{table(head, rows)}\n**The highest upper end is {upper:.1f} %.**"
    )


def power(studies: int, rng: np.random.Generator) -> str:
    """Return how often true gains are promoted, and the check of what `plan` promises."""
    rows = []
    for noise, patients, seeds, finalists in product(
        ("seeds", "seeds and interaction", "all three"), (12, 46), SEEDS[1:], (1, 3)
    ):
        cells = [
            Cell("normal", patients, seeds, noise, finalists=finalists, gain_sd=gain)
            for gain in GAINS
        ]
        hits = [promoted(cell, studies, rng)[0] for cell in cells]
        rows.append(
            [noise, patients, seeds, finalists, *(f"{100 * hit / studies:.0f}" for hit in hits)]
        )
    promised = []
    for seeds, finalists in product(SEEDS, (1, 3)):
        gain = detectable_effect(seeds, finalists)
        cell = Cell("normal", 24, seeds, "seeds", finalists=finalists, gain_sd=gain)
        hit = promoted(cell, studies, rng)[0]
        promised.append([seeds, finalists, f"{gain:.2f}", share(hit, studies)])
    head = ["noise", "patients", "seeds", "finalists", *(f"{gain:g} sd" for gain in GAINS)]
    return (
        f"{studies:,} studies a cell: % that promote a finalist whose true gain is so many "
        f"standard deviations between seeds; the other finalists are the baseline.\n\n"
        f"{table(head, rows)}\n"
        "What `plan` promises to show in 80 of 100 studies, noise of seeds alone:\n\n"
        f"{table(['seeds', 'finalists', 'gain, sd', 'promoted, %'], promised)}"
    )


def precision(studies: int, rng: np.random.Generator) -> str:
    """Return coverage and false promotions with the project's own average precision."""
    rows = []
    for name, cell in MATCHES.items():
        counts = np.zeros(4, int)
        for _ in range(studies):
            counts += _one_study(cell, rng)
        rows.append([name, cell.seeds, *(share(int(hits), studies) for hits in counts)])
    head = ["noise", "seeds", "coverage", "one finalist", "best of three", "any of three"]
    return (
        f"{studies:,} studies a cell, mask mAP50-95 of simulated detections of two levels, by "
        f"`compare_arms`; %:\n\n{table(head, rows)}"
    )


def _one_study(cell: MatchCell, rng: np.random.Generator) -> np.ndarray:
    """Return whether nought is covered, and whether one, the best, any finalist is promoted."""
    metric = "mask_map50_95"
    valid, skills = zip(*cell.arms(rng), strict=True)
    tests = [cell.runs(rng, arm) for arm in skills]
    without = without_each(tuple(cell.owners))
    for run in (run for arm in tests for run in arm):  # Else all metrics are scored: three times
        run._exact[metric] = float(run.scores(metric, without)[-1])  # the time of all the rest.
    effects = [effect_of("arm", tests[0], arm, cell.owners, metric) for arm in tests[1:]]
    corrected = holm([effect.p for effect in effects])
    words = [
        effect.model_copy(update={"p_holm": p}).verdict == "better"
        for effect, p in zip(effects, corrected, strict=True)
    ]
    first = effects[0]
    best = any(words) and words[_best(cell, valid, rng)]
    return np.array(
        [first.low <= 0 <= first.high, first.verdict == "better", best, any(words)], int
    )


def _best(cell: MatchCell, skills: Sequence[np.ndarray], rng: np.random.Generator) -> int:
    """Return the place of the finalist that scores best on validation."""
    once = np.ones((1, len(cell.owners)), np.float32)
    arms = [cell.runs(rng, arm) for arm in skills[1:]]
    means = [np.mean([run.scores("mask_map50_95", once)[0] for run in arm]) for arm in arms]
    return int(np.argmax(means))


PARTS: dict[str, tuple[str, Callable[[int, np.random.Generator], str]]] = {
    "coverage": ("Coverage", coverage),
    "variants": ("Coverage of variants, trained once", variants),
    "promotions": ("False promotions", promotions),
    "power": ("Power", power),
    "precision": ("Average precision", precision),
}


def main() -> None:
    """Simulate, print the tables, and save them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--precision-studies", type=int, default=2000)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    for name in asked.cells:
        title, measure = PARTS[name]
        began = time.monotonic()
        studies = asked.precision_studies if name == "precision" else asked.studies
        content = measure(studies, np.random.default_rng(0))
        print(f"{title}, {time.monotonic() - began:.0f} s\n\n{content}\n", flush=True)
        if asked.save:
            order = [name for name, _ in PARTS.values()]
            save(title, content, time.monotonic() - began, order)


if __name__ == "__main__":
    main()
