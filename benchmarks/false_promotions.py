"""Simulate studies from recorded matches: how often chance is promoted, and a true gain is.

python benchmarks/false_promotions.py STUDY_FOLDER --cache DIR      # some minutes on 2 CPU cores

STUDY_FOLDER, as mlruns/work/studies/NAME, is a study that trained its baseline on 20 fresh seeds
or more (`confirm: {top: 0, seeds: 20}`) on data with a test part. In each simulated study patients
are drawn anew for validation and test, and the runs are dealt at random to the baseline and to
three finalists of five seeds each, which all are the baseline in truth. The best finalist by
validation is promoted where the product's own rule calls it better on test: a p-value below 0.05
after Holm's correction for the finalists, and so an interval of the difference above zero. What
benchmarks/calibration.py asks of simulated noise, this asks of a network's own. For the power the
finalist's masks are improved so that its true gain is three standard deviations between seeds; the
gain sits in a random half of the films. Each film stands for a patient of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spineseg.data.labelled import read_films
from spineseg.errors import SpinesegError
from spineseg.evaluation.evaluate import evaluate_weights
from spineseg.evaluation.precision import LevelMatches
from spineseg.evaluation.records import FilmRecord, load_records, save_records
from spineseg.evaluation.renumber import numbered_records
from spineseg.evidence.arms import effect_of
from spineseg.evidence.effects import Effect
from spineseg.evidence.run_matches import RunMatches
from spineseg.evidence.significance import holm
from spineseg.films import Part
from spineseg.metrics import Kind
from spineseg.process_setup import prepare_environment
from spineseg.runs import Run, read_runs

METRIC = "mask_map50_95"


def recorded(run: Run, part: Part, cache: Path) -> list[FilmRecord]:
    """Return a run's records on a part, predicted once and kept in `cache`: no seal is opened."""
    path = cache / f"{run.folder.name}-{part}.json.gz"
    if not path.exists():
        evaluated = evaluate_weights(
            run.best_weights,
            read_films(run.job.dataset, part),
            image_size_px=run.job.config.image_size_px,
            device="cpu",
            numbering=run.job.numbering,
        )
        save_records(path, evaluated.records["argmax"])
    return numbered_records(load_records(path), run.job.numbering)


def improved(records: list[FilmRecord], share: float) -> list[FilmRecord]:
    """Return records whose masks miss less, by `share`, in a half of the films."""
    chosen = np.random.default_rng(5).random(len(records)) < 0.5
    return [
        record.changed(
            mask_iou=[
                [1 - (1 - v) * (1 - share) if v > 0.3 else v for v in row]
                for row in record.mask_iou
            ],
        )
        if better
        else record
        for record, better in zip(records, chosen, strict=True)
    ]


def calibrated(runs: list[list[FilmRecord]], wanted: float) -> tuple[float, list[RunMatches]]:
    """Return the share by which masks are improved to gain `wanted` on the mean, and the runs."""
    plain = np.mean([RunMatches.of(records).score(METRIC) for records in runs])
    low, high = 0.0, 0.9
    for _ in range(8):
        middle = (low + high) / 2
        better = [RunMatches.of(improved(records, middle)) for records in runs]
        gain = np.mean([run.score(METRIC) for run in better]) - plain
        low, high = (middle, high) if gain < wanted else (low, middle)
    return float(gain), better


def redrawn(run: RunMatches, films: np.ndarray) -> RunMatches:
    """Return a run's matches on drawn films, (films,) int: one drawn twice is there twice."""
    maps: dict[Kind, tuple[LevelMatches, ...]] = {}
    for kind, levels in run.maps.items():
        drawn = []
        for level in levels:
            rows = [np.flatnonzero(level.films == film) for film in films]
            place = np.repeat(np.arange(len(films)), [len(found) for found in rows])
            joined = np.concatenate(rows)
            order = np.argsort(-level.confidences[joined], kind="mergesort")
            joined = joined[order]
            drawn.append(
                LevelMatches(
                    level.confidences[joined],
                    place[order],
                    level.hits[:, joined],
                    level.labelled[films],
                )
            )
        maps[kind] = tuple(drawn)
    names = tuple(f"{i}-{run.films[film]}" for i, film in enumerate(films))
    return RunMatches(names, maps, {name: c[films] for name, c in run.counts.items()})


def effect(baseline: Sequence[RunMatches], arm: Sequence[RunMatches]) -> Effect:
    """Return an arm's effect, each film a patient."""
    return effect_of("arm", baseline, arm, baseline[0].films, METRIC)


def promoted(
    rng: np.random.Generator,
    parts: dict[Part, list[RunMatches]],
    finalists: dict[Part, list[RunMatches]],
    arms: int,
    seeds: int,
) -> bool:
    """Return whether one simulated study promotes its best finalist."""
    dealt = rng.permutation(len(parts["valid"]))[: seeds * (arms + 1)].reshape(arms + 1, seeds)
    films = {part: len(runs[0].films) for part, runs in parts.items()}
    drawn = {part: rng.integers(0, count, count) for part, count in films.items()}
    valid = np.bincount(drawn["valid"], minlength=films["valid"])[None].astype(np.float32)
    base = np.mean([parts["valid"][i].scores(METRIC, valid)[0] for i in dealt[0]])
    means = [
        np.mean([finalists["valid"][i].scores(METRIC, valid)[0] for i in arm]) for arm in dealt[1:]
    ]
    best = int(np.argmax(means))
    if max(means) <= base:
        return False
    before = [redrawn(parts["test"][i], drawn["test"]) for i in dealt[0]]

    def on_test(arm: int) -> Effect:
        return effect(
            before, [redrawn(finalists["test"][i], drawn["test"]) for i in dealt[1 + arm]]
        )

    found = on_test(best)
    if found.verdict != "better":  # The correction only makes it harder.
        return False
    p_values = [found.p if arm == best else on_test(arm).p for arm in range(arms)]
    corrected = found.model_copy(update={"p_holm": holm(p_values)[best]})
    return corrected.verdict == "better"


def main() -> None:
    """Print the noise, the rate of false promotions, and the power."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--arms", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--gain-sd", type=float, default=3.0)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    prepare_environment(options.cache / "ultralytics")
    fresh = [
        run
        for run in read_runs(options.study)
        if run.job.kind == "confirm" and run.job.arm == "baseline" and run.finished
    ]
    needed = options.seeds * (options.arms + 1)
    if len(fresh) < needed:
        raise SpinesegError(
            f"{options.study}: has {len(fresh)} trainings of the baseline on fresh seeds, {needed} "
            "are needed; raise confirm.seeds, or lower --arms or --seeds"
        )
    parts: tuple[Part, ...] = ("valid", "test")
    records = {part: [recorded(run, part, options.cache) for run in fresh] for part in parts}
    runs = {part: [RunMatches.of(r) for r in all_runs] for part, all_runs in records.items()}
    scores = {part: np.array([run.score(METRIC) for run in runs[part]]) for part in runs}
    for part, values in scores.items():
        films = len(runs[part][0].films)
        print(
            f"{part}: {films} films, {len(values)} runs of the baseline, {METRIC} "
            f"{values.mean():.4f}, standard deviation between seeds {values.std(ddof=1):.4f}"
        )
    rng = np.random.default_rng(0)
    setting = (options.arms, options.seeds)
    false = [promoted(rng, runs, runs, *setting) for _ in range(options.studies)]
    print(
        f"A/A: {sum(false)} of {len(false)} studies promote a finalist that is the baseline "
        f"({np.mean(false):.1%}); {options.arms} finalists, {options.seeds} seeds"
    )
    better: dict[Part, list[RunMatches]] = {}
    gains: dict[Part, float] = {}
    for part in runs:
        wanted = options.gain_sd * scores[part].std(ddof=1)
        gains[part], better[part] = calibrated(records[part], wanted)
    told = ", ".join(f"{part} {gain:+.4f}" for part, gain in gains.items())
    true = [promoted(rng, runs, better, *setting) for _ in range(options.studies)]
    print(
        f"power: {sum(true)} of {len(true)} promote a true gain of {options.gain_sd:g} standard "
        f"deviations ({told}): {np.mean(true):.1%}"
    )


if __name__ == "__main__":
    main()
