"""The plan that a study began with, kept in its folder; and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pydantic import Field, ValidationError

from spineseg.config.model import Model
from spineseg.config.study import StudyConfig
from spineseg.errors import RecordError
from spineseg.files import write_whole
from spineseg.places import StudyPlaces
from spineseg.run_times import Rates
from spineseg.runs import Run
from spineseg.trials import certain_trials, confirmation_trials, train_config

SECOND_STEP = "search, second step"


class PlannedTraining(Model):
    """A training as it was planned; of searched ones and fresh seeds, one stands for all."""

    name: str = Field(
        description="Its run's; 'search', its second step, or 'confirm': `count` of them."
    )
    epochs: int
    count: int = 1
    hours: float | None = Field(description="Of one of them; none without a timing.")


class KeptPlan(Model):
    """What a study was to train and to take when it began, none of it pruned."""

    study: str
    made: float = Field(description="Seconds since the Unix epoch.")
    basis: str = Field(description="What its hours rest on.")
    trainings: tuple[PlannedTraining, ...]

    @property
    def count(self) -> int:
        """How many trainings; one that goes on in a second step is the same."""
        return sum(t.count for t in self.trainings if t.name != SECOND_STEP)

    @property
    def hours(self) -> float | None:
        """Of all trainings together, however many run at a time; none without a timing."""
        each = [t.count * t.hours for t in self.trainings if t.hours is not None]
        return sum(each) if len(each) == len(self.trainings) else None

    def of(self, run: Run) -> PlannedTraining | None:
        """Return what was planned of a run; None where it was not foreseen."""
        kind = run.job.kind
        if kind == "search" and any(t.name == SECOND_STEP for t in self.trainings):
            return None  # How long each trains is chosen later.
        name = kind if kind in ("search", "confirm") else run.name
        return next((planned for planned in self.trainings if planned.name == name), None)


def planned_now(config: StudyConfig, taken: Rates, basis: str) -> KeptPlan:
    """Return the plan of a study by what trainings take as far as that is known."""
    search, whole = config.search, config.baseline.epochs
    first, on = search.first_epochs(whole), search.most_in_second_step
    several = [
        ("search", search.trials, first),
        (SECOND_STEP, on, whole - first),
        ("confirm", confirmation_trials(config), whole),
    ]
    named = [(s.name, train_config(config, s), 1) for s in certain_trials(config)]
    named += [
        (name, config.baseline.with_(epochs=epochs), number)
        for name, number, epochs in several
        if number and epochs
    ]
    return KeptPlan(
        study=config.name,
        made=time.time(),
        basis=basis,
        trainings=tuple(
            PlannedTraining(
                name=name,
                epochs=training.epochs,
                count=number,
                hours=None if taken.epoch is None else taken.whole(training) / 3600,
            )
            for name, training, number in named
        ),
    )


def keep_plan(places: StudyPlaces, plan: KeptPlan, runs: Sequence[Run]) -> None:
    """Put a plan on record, whole or not at all, unless the study has begun.

    A plan with hours stands for the same trainings without.
    """
    if runs:
        return
    if plan.hours is None:
        before = kept_plan(places)
        if before is not None and _trainings(before) == _trainings(plan):
            return
    places.folder.mkdir(parents=True, exist_ok=True)
    write_whole(places.plan, plan.model_dump_json(indent=1))


def _trainings(plan: KeptPlan) -> list[tuple[str, int, int]]:
    return [(each.name, each.epochs, each.count) for each in plan.trainings]


def kept_plan(places: StudyPlaces) -> KeptPlan | None:
    """Return the plan that a study began with; None where it began before plans were kept.

    Raises RecordError where it cannot be read.
    """
    try:
        return KeptPlan.model_validate_json(places.plan.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise RecordError(
            f"{places.plan}: cannot be read; put it back, or move it away (the page does without)"
        ) from None
