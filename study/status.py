"""How far a study is: every run's state, the budget that is left, the best so far."""

from __future__ import annotations

from spineseg.config.model import Model
from spineseg.config.study import StudyConfig
from spineseg.places import StudyPlaces
from spineseg.runs import Run
from spineseg.study_record import read_study
from spineseg.training.control import is_running
from study.trial_queue import certain_trials


class TrialStatus(Model):
    """One run on record, or one that is certain to come."""

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
    runs = read_study(StudyPlaces(config.store.root, config.name)).runs
    statuses = [_status(run) for run in runs]
    known = {run.name for run in runs}
    after = max(run.job.number for run in runs) + 1
    waiting = [spec for spec in certain_trials(config) if spec.name not in known]
    statuses += [
        TrialStatus(
            number=after + i,
            name=spec.name,
            kind=spec.kind,
            state="waiting",
            epochs=0,
            value=None,
        )
        for i, spec in enumerate(waiting)
    ]
    tried = [s for s in statuses if s.kind != "confirm"]  # Fresh seeds are no configurations.
    done = [s for s in tried if s.state == "completed" and s.value is not None]
    searched = sum(run.job.kind == "search" for run in runs)
    return StudyStatus(
        study=config.name,
        objective=config.objective,
        trials=tuple(statuses),
        search_left=max(0, config.search.trials - searched),
        best=max(done, key=lambda s: s.value or 0).name if done else None,
    )


def _status(run: Run) -> TrialStatus:
    state: str = run.outcome
    if state == "running" and not is_running(run.folder):
        state = "interrupted"
    scores = [event.score(run.job.objective) for event in run.epochs]
    return TrialStatus(
        number=run.job.number,
        name=run.name,
        kind=run.job.kind,
        state=state,
        epochs=len(run.epochs),
        value=run.value if run.finished else max(scores, default=None),
        note=f"{run.failed.kind}: {run.failed.message}" if run.failed else "",
    )
