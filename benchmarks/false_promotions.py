"""Simulate studies from recorded matches: how often chance is promoted, and a true gain is.

python benchmarks/false_promotions.py STUDY_FOLDER --cache DIR      # some minutes

STUDY_FOLDER, as mlruns/work/studies/NAME, is a study that trained its baseline on 20 fresh seeds
or more (`confirm: {top: 0, seeds: 20}`) on data with a test part. In each simulated study patients
are drawn anew for validation and test, and the runs are dealt at random to the baseline and to
three finalists of five seeds each, which all are the baseline in truth. The best finalist by
validation goes to the product's own gate: the interval of the test difference above zero. For the
power the finalist's masks are improved so that its true gain is three standard deviations between
seeds; the gain sits in a random half of the films.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from spineseg.data.labelled import read_films
from spineseg.evaluation.evaluate import evaluate_weights
from spineseg.evaluation.records import ImageRecord, load_matches, save_matches
from spineseg.evaluation.renumber import numbered_records
from spineseg.evidence.resampling import difference_interval
from spineseg.evidence.run_matches import RunMatches
from spineseg.job import Job
from spineseg.prediction.numbering.model import NumberingModel, learnt_from
from spineseg.process_setup import prepare_environment

METRIC = "mask_map50_95"
RESAMPLES = 1000


def recorded(folder: Path, part: str, cache: Path) -> list[ImageRecord]:
    """Return a run's records on a part, predicted once and kept in `cache`: no seal is opened."""
    path = cache / f"{folder.name}-{part}.json.gz"
    job = Job.read(folder)
    if not path.exists():
        evaluated = evaluate_weights(
            folder / "train" / "weights" / "best.pt",
            read_films(job.dataset, part),
            image_size_px=job.config.image_size_px,
            device="cpu",
            numbering=NumberingModel(),
        )
        save_matches(path, evaluated.records["argmax"])
    learnt = learnt_from(read_films(job.dataset, "train"))
    return numbered_records(load_matches(path), NumberingModel(numbering="sequence", **learnt))


def improved(records: list[ImageRecord], share: float) -> list[ImageRecord]:
    """Return records whose masks miss less, by `share`, in a half of the films."""
    chosen = np.random.default_rng(5).random(len(records)) < 0.5
    return [
        record.model_copy(
            update={
                "mask_iou": tuple(
                    tuple(1 - (1 - v) * (1 - share) if v > 0.3 else v for v in row)
                    for row in record.mask_iou
                )
            }
        )
        if better
        else record
        for record, better in zip(records, chosen, strict=True)
    ]


def calibrated(runs: list[list[ImageRecord]], wanted: float) -> tuple[float, list[RunMatches]]:
    """Return the share by which masks are improved to gain `wanted` on the mean, and the runs."""
    plain = np.mean([RunMatches.of(records).score(METRIC) for records in runs])
    low, high = 0.0, 0.9
    for _ in range(8):
        middle = (low + high) / 2
        better = [RunMatches.of(improved(records, middle)) for records in runs]
        gain = np.mean([run.score(METRIC) for run in better]) - plain
        low, high = (middle, high) if gain < wanted else (low, middle)
    return float(gain), better


def promoted(
    rng: np.random.Generator,
    parts: dict[str, list[RunMatches]],
    finalists: dict[str, list[RunMatches]],
    arms: int,
    seeds: int,
) -> bool:
    """Return whether one simulated study promotes its best finalist."""
    dealt = rng.permutation(len(parts["valid"]))[: seeds * (arms + 1)].reshape(arms + 1, seeds)
    counts = {}
    for part, runs in parts.items():
        films = len(runs[0].films)
        counts[part] = rng.multinomial(films, np.full(films, 1 / films))
    valid = counts["valid"][None].astype(np.float32)
    base = np.mean([parts["valid"][i].scores(METRIC, valid)[0] for i in dealt[0]])
    means = [
        np.mean([finalists["valid"][i].scores(METRIC, valid)[0] for i in arm]) for arm in dealt[1:]
    ]
    best = dealt[1 + int(np.argmax(means))]
    if max(means) <= base:
        return False
    films = len(counts["test"])
    weights = rng.multinomial(films, counts["test"] / films, size=RESAMPLES).astype(np.float32)
    before = [parts["test"][i] for i in dealt[0]]
    after = [finalists["test"][i] for i in best]
    whole = counts["test"][None].astype(np.float32)
    exact = [[float(run.scores(METRIC, whole)[0]) for run in arm] for arm in (before, after)]
    tables = [
        np.stack([run.scores(METRIC, weights) for run in arm], axis=1) for arm in (before, after)
    ]
    low, _ = difference_interval(*tables, exact, patients=films, seed=int(rng.integers(2**31)))
    return low > 0


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
    folders = sorted(options.study.glob("*-baseline-seed-*"))
    records = {
        part: [recorded(folder, part, options.cache) for folder in folders]
        for part in ("valid", "test")
    }
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
    better, gains = {}, {}
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
