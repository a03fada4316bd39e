"""Made-up studies told in memory with the times of a machine: nothing is trained or written.

An epoch takes a fixed time and one that grows with the multiply-adds, both of the machine; what a
training changes and chance change it by some per cent. Trials are given up by Optuna's own pruner.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
from learning_curves import Landscape
from run_folders import make_job
from told_runs import finished

from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.epoch_cost import relative_work
from spineseg.events import Epoch, Event, Phase, Started
from spineseg.runs import Run
from spineseg.trials import TrialSpec, certain_trials, confirmations, train_config

_BEGUN, _PAUSE, _NOISE = 1_760_000_000.0, 4.0, 0.03


class Machine:
    """What trainings take on a made-up machine: drawn by a seed."""

    def __init__(self, seed: int, config: StudyConfig) -> None:
        self._rng = np.random.default_rng(seed)
        self._config = config
        self._fixed, self._power = self._rng.uniform(0.05, 0.4), self._rng.uniform(0.8, 1.0)
        self._each = float(np.exp(self._rng.uniform(np.log(5), np.log(120))))
        self.now = _BEGUN

    def epoch_seconds(self, training: TrainConfig) -> float:
        """Return what an epoch of one training takes; of another like it, some per cent else."""
        work = relative_work(training, self._config.baseline) ** self._power
        films = 1 + 0.08 * (training.mosaic - 1) + 0.05 * (training.mask_ratio == 1)
        chance = self._rng.normal(1, _NOISE)
        return float(self._each * (self._fixed + (1 - self._fixed) * work) * films * chance)

    def run(self, spec: TrialSpec, number: int, live: np.ndarray, pruner: Any = None) -> Run:
        """Return a run of `live` scores, one an epoch; `pruner` says after which it is given up."""
        training = train_config(self._config, spec)
        config = training
        job = make_job(
            number=number,
            name=spec.name,
            kind=spec.kind,
            arm=spec.arm,
            config=config,
            created=self.now,
        ).model_copy(update={"changes": spec.changes})
        each = self.epoch_seconds(training)
        at = self.now + self._rng.uniform(8, 14)
        told = {"pid": 1, "device": "made up", "parameters": 5, "resolved": {}, "environment": {}}
        log: list[Event] = [Started.model_validate({"run": job.id, "time": at} | told)]
        outcome = "completed"
        for epoch, score in enumerate(live, start=1):
            at += each * float(self._rng.normal(1, 0.02))
            log.append(
                Epoch(
                    run=job.id,
                    time=at,
                    epoch=epoch,
                    metrics={"valid/mask_map50_95": float(score)},
                    epoch_seconds=each,
                    validation_seconds=0.1 * each,
                )
            )
            if pruner is not None and pruner(epoch, float(score)):
                outcome = "pruned"
                break
        scoring = each * 0.3
        for name, seconds in (("scoring", scoring), ("pictures", 9.0), ("recording", 3.0)):
            log.append(Phase.model_validate({"run": job.id, "time": at, "name": name}))
            at += seconds * float(self._rng.normal(1, 0.05))
        count = sum(isinstance(event, Epoch) for event in log)
        best = {"best/mask_map50": 0.8, "best/mask_map50_95": float(live[:count].max())}
        update = {"time": at, "metrics": best, "train_seconds": each * count, "epochs": count}
        log.append(finished(job, count, outcome).model_copy(update=update))
        self.now = at + _PAUSE
        return Run(Path(job.folder_name), job, tuple(log))


def timed_study(config: StudyConfig, seed: int) -> list[Run]:
    """Return the runs of a whole study, one after the other, as a made-up machine took them."""
    machine, rng = Machine(seed, config), np.random.default_rng([seed, 1])
    epochs, pruner = config.baseline.epochs, config.search.pruner
    land = Landscape(config.search.space, seed, epochs)
    middle = land.curve(land.random(rng), 0)
    study = optuna.create_study(
        direction="maximize",
        pruner=optuna.pruners.NopPruner()
        if pruner is None
        else optuna.pruners.PercentilePruner(
            pruner.keep_percent,
            n_startup_trials=pruner.startup_trials,
            n_warmup_steps=pruner.warmup_epochs,
        ),
    )
    runs: list[Run] = []
    for spec in certain_trials(config):
        live = middle + rng.normal(0, 0.02) * np.linspace(0, 1, epochs)
        runs.append(machine.run(spec, len(runs), live))
        trial = study.ask()
        for epoch, score in enumerate(live, start=1):
            trial.report(score, epoch)
        study.tell(trial, float(live.max()))
    for number in range(1, config.search.trials + 1):
        changes = config.search.fixed | land.random(rng)
        live = land.curve({k: changes[k] for k in config.search.space}, number)
        trial = study.ask()

        def given_up(epoch: int, score: float, trial: optuna.Trial = trial) -> bool:
            trial.report(score, epoch)
            return epoch < epochs and trial.should_prune()

        spec = TrialSpec("search", f"search-{number:03d}", changes)
        runs.append(machine.run(spec, len(runs), live, given_up))
        whole = runs[-1].outcome == "completed"
        if whole:
            study.tell(trial, runs[-1].value)
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    for spec in confirmations(runs, config):
        runs.append(machine.run(spec, len(runs), middle))
    return runs
