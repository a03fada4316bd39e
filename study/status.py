"""How far a study is: every trial's state, the budget that is left, the best so far."""

from __future__ import annotations

from optuna.trial import FrozenTrial, TrialState

from spineseg.config.model import Model
from spineseg.config.study import StudyConfig
from spineseg.events import Epoch, Failed, read_events
from spineseg.training.control import is_running
from study.records import Records
from study.trial_queue import certain_trials, searched


class TrialStatus(Model):
    """One trial on record."""

    number: int
    name: str
    kind: str
    state: str  # waiting, running, interrupted, completed, pruned or failed
    epochs: int
    value: float | None  # The objective: of the best weights, or of the best epoch so far.
    note: str = ""


class StudyStatus(Model):
    """A study on record."""

    study: str
    objective: str
    trials: tuple[TrialStatus, ...]
    search_left: int
    best: str | None

    def text(self) -> str:
        """Return the status as a person reads it."""
        lines = [f"study {self.study}", ""]
        for trial in self.trials:
            value = "" if trial.value is None else f"{self.objective} {trial.value:.3f}"
            lines.append(
                f"{trial.number:3}  {trial.name:<24} {trial.state:<12} "
                f"{trial.epochs:4} epochs  {value}  {trial.note}".rstrip()
            )
        lines += [
            "",
            f"{self.search_left} searched trials to come; best so far: {self.best or '–'}",
        ]
        return "\n".join(lines)


def study_status(config: StudyConfig) -> StudyStatus:
    """Return how far the study is. Raises StoreError where it was never run."""
    records = Records(config)
    trials = records.load().get_trials(deepcopy=False)
    statuses = [_status(records, trial) for trial in trials]
    known = {trial.name for trial in statuses}
    statuses += [
        TrialStatus(
            number=len(trials) + i,
            name=spec.name,
            kind=spec.kind,
            state="waiting",
            epochs=0,
            value=None,
        )
        for i, spec in enumerate(s for s in certain_trials(config) if s.name not in known)
    ]
    done = [s for s in statuses if s.state == "completed" and s.value is not None]
    return StudyStatus(
        study=config.name,
        objective=config.objective,
        trials=tuple(statuses),
        search_left=max(0, config.search.trials - searched(trials)),
        best=max(done, key=lambda s: s.value or 0).name if done else None,
    )


def _status(records: Records, trial: FrozenTrial) -> TrialStatus:
    attributes = trial.user_attrs
    name = str(attributes.get("name", f"trial-{trial.number}"))
    folder = records.run_folder(trial.number, name)
    events = read_events(folder)
    scores = [e.metrics[f"val/{records.config.objective}"] for e in events if isinstance(e, Epoch)]
    best = attributes.get(f"best/{records.config.objective}")
    failed = [event for event in events if isinstance(event, Failed)]
    return TrialStatus(
        number=trial.number,
        name=name,
        kind=attributes.get("kind", "search"),
        state=_state(trial, is_running(folder)),
        epochs=len({event.epoch for event in events if isinstance(event, Epoch)}),
        value=best if best is not None else max(scores, default=None),
        note=f"{failed[-1].kind}: {failed[-1].message}" if failed else "",
    )


def _state(trial: FrozenTrial, alive: bool) -> str:
    match trial.state:
        case TrialState.RUNNING:
            return "running" if alive else "interrupted"
        case TrialState.WAITING:
            return "waiting"
        case TrialState.COMPLETE:
            return "completed"
        case TrialState.PRUNED:
            return "pruned"
        case _:
            return "failed"
