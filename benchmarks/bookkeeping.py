"""CPU seconds that a training costs its driver: this project's against a plain, careful loop's.

python benchmarks/bookkeeping.py [--sizes 10,100] [--plain 100] [--rounds 1] [--keep FILE]

Trainings of 250 epochs and 24 values an epoch take no time and no part in it: ours are children
that write all epochs at once. Counted is the driver's own process with its threads: reading the
logs, asking Optuna, judging each epoch, both stores, artifacts, the page of the study. The plain
loop is one process: `study.optimize` on SQLite with TPE, a report and a look at the pruner each
epoch, `mlflow.log_metrics` each epoch into SQLite, parameters and the same files once a training.
Neither acts on the pruner: all have 250 epochs. What a start costs is taken off: a study of two
trainings. 1000 trainings take ours half an hour of CPU and the plain loop hours: it is run at sizes
up to `--plain`. With --keep what was measured before is read from FILE and only the rest is run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from fake_process import Manner
from fault_study import DONE, SHORT, FaultStudy, forked, write_fault_study
from measured import cpu_seconds, run_to_end, save, workplace

EPOCHS, VALUES = 250, 24
NONE = 2  # Trainings of a study that searches nothing.


def ours(study: FaultStudy) -> float:
    """Return the CPU seconds of the driver of a study on fake trainings."""
    return run_to_end(study, 4 * 3600)


def plain(study: FaultStudy, trainings: int) -> float:
    """Return the CPU seconds of a plain loop over as many trainings."""
    file = study.path.parent / "cpu"

    def work() -> int:
        file.write_text(str(_plain_loop(study, trainings)))
        return DONE

    if forked(study, work).wait(4 * 3600) != DONE:
        raise AssertionError(study.said[-2000:])
    return float(file.read_text())


def _plain_loop(study: FaultStudy, trainings: int) -> float:
    import mlflow
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    root, config = study.config.store.root, study.config
    (root / "best.pt").write_bytes(b"weights")
    (root / "results.csv").write_text("epoch\n")
    before = cpu_seconds()
    mlflow.set_tracking_uri(f"sqlite:///{root / 'mlflow.db'}")
    place = mlflow.create_experiment("plain", (root / "artifacts").resolve().as_uri())
    searching = optuna.create_study(
        storage=f"sqlite:///{root / 'optuna.db'}",
        study_name="plain",
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.PercentilePruner(50, n_startup_trials=2, n_warmup_steps=1),
    )
    settings = {key: str(value) for key, value in config.baseline.model_dump().items()}

    def objective(trial: optuna.Trial) -> float:
        asked = {
            "lr0": trial.suggest_float("lr0", 0.001, 0.02, log=True),
            "scale": trial.suggest_float("scale", 0.0, 0.6),
            "fliplr": trial.suggest_categorical("fliplr", [0.0, 0.5]),
        }
        with mlflow.start_run(experiment_id=place, run_name=f"trial-{trial.number}"):
            mlflow.log_params(settings | asked)
            for epoch in range(1, EPOCHS + 1):
                value = asked["scale"] * epoch / EPOCHS
                mlflow.log_metrics({f"m{n}": value + n for n in range(VALUES)}, step=epoch)
                trial.report(value, epoch)
                trial.should_prune()
            mlflow.log_artifact(str(root / "best.pt"), "weights")
            mlflow.log_artifact(str(root / "results.csv"))
        return value

    searching.optimize(objective, n_trials=trainings)
    return cpu_seconds() - before


def main() -> None:
    """Run what is asked for and keep what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="10,100")
    parser.add_argument("--plain", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    known: dict[str, float] = {}
    if asked.keep and asked.keep.exists():
        known = json.loads(asked.keep.read_text())
    with workplace() as (home, stores):
        for turn in range(asked.rounds):
            for size in (NONE, *sizes):
                for who in ("ours", "plain") if turn % 2 else ("plain", "ours"):
                    key = f"{who} {size} {turn}"
                    if key in known or (who == "plain" and size > asked.plain):
                        continue
                    study = write_fault_study(
                        home / key.replace(" ", "-"),
                        stores,
                        seed=turn,
                        text=SHORT,
                        manner=Manner(0.0, at_once=True, figures=True),
                        trials=size - NONE,
                        epochs=EPOCHS,
                    )
                    known[key] = ours(study) if who == "ours" else plain(study, size)
                    print(f"{key}: {known[key]:.1f} CPU seconds", flush=True)
                    if asked.keep:
                        asked.keep.write_text(json.dumps(known))
    save("bookkeeping", _figures(known, sizes, asked.rounds, asked.plain))


def _figures(
    known: dict[str, float], sizes: list[int], rounds: int, most: int
) -> dict[str, object]:
    both = [size for size in sizes if size <= most]

    def each(who: str, size: int) -> float:
        return statistics.median(
            (known[f"{who} {size} {n}"] - known[f"{who} {NONE} {n}"]) / (size - NONE)
            for n in range(rounds)
        )

    found: dict[str, object] = {"epochs": EPOCHS, "values": VALUES, "rounds": rounds}
    for size in both:
        found[f"{size} trainings: ours against a plain loop"] = round(
            each("ours", size) / each("plain", size), 3
        )
    for who, told in (("ours", sizes), ("plain", both)):
        if len(told) > 1:
            found[f"{who}: a training's cost at {told[-1]} against at {told[0]}"] = round(
                each(who, told[-1]) / each(who, told[0]), 2
            )
    for size in sizes:
        found[f"{size} trainings: ours, CPU seconds each"] = round(each("ours", size), 3)
    return found


if __name__ == "__main__":
    main()
