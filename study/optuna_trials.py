"""Trials of Optuna: of a run, for the study that is asked, and as rows of its database."""

from __future__ import annotations

import datetime
import json
from functools import cache
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    json_to_distribution,
)
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import bindparam, select

from spineseg.config.search import Axis, Choices, FloatRange, IntRange
from spineseg.runs import Run
from spineseg.trial_record import TrialRecord, same, trial_of

_Values = models.TrialIntermediateValueModel
_TRIALS, _SCORES, _VALUES = (
    models.BaseModel.metadata.tables[name]
    for name in ("trials", "trial_intermediate_values", "trial_values")
)
_AS_SEEN = _TRIALS.update().where(
    _TRIALS.c.trial_id == bindparam("trial"), _TRIALS.c.state == bindparam("seen")
)
_NEW_SCORES, _NEW_VALUE = _SCORES.insert(), _VALUES.insert()


def frozen_trial(run: Run, *, begun: bool = False) -> FrozenTrial:
    """Return what Optuna is to hold of a run; where it is only `begun`, open and without scores."""
    job, told = run.job, trial_of(run)
    return FrozenTrial(
        number=told.number,
        state=TrialState.RUNNING if begun else TrialState[told.state],
        value=None if begun else told.value,
        datetime_start=datetime.datetime.fromtimestamp(job.created),
        datetime_complete=(
            datetime.datetime.fromtimestamp(run.end.time) if run.end and not begun else None
        ),
        params=told.params,
        distributions={name: distribution(job.space[name]) for name in told.params},
        user_attrs=told.attributes,
        system_attrs={},
        intermediate_values={} if begun else told.reported,
        trial_id=told.trial_id,
    )


def distribution(axis: Axis) -> BaseDistribution:
    """Return an axis of the searched space as Optuna has it."""
    match axis:
        case FloatRange(low=low, high=high, log=log):
            return FloatDistribution(low, high, log=log)
        case IntRange(low=low, high=high, step=step):
            return IntDistribution(low, high, step=step)
        case Choices(choices=choices):
            return CategoricalDistribution(choices)


def trial_numbers(storage: RDBStorage, study_id: int, *, closed: bool = False) -> set[int]:
    """Return the numbers of a study's trials in the database, or of those that are closed."""
    trial = models.TrialModel
    asked = select(trial.number).where(trial.study_id == study_id)
    if closed:
        asked = asked.where(trial.state.not_in((TrialState.RUNNING, TrialState.WAITING)))
    with storage.engine.connect() as connection:
        return set(connection.execute(asked).scalars())


def stored_trials(
    storage: RDBStorage, study_id: int, number: int | None = None
) -> dict[int, TrialRecord]:
    """Return what the database has of a study's trials, or of one of them, by number.

    Rows, not objects as Optuna's own reading makes them, which takes ten times as long.
    """
    trial, value = models.TrialModel, models.TrialValueModel
    param, attribute = models.TrialParamModel, models.TrialUserAttributeModel
    asked = [trial.study_id == study_id]
    if number is not None:
        asked.append(trial.number == number)
    with storage.engine.connect() as connection:
        rows = connection.execute(select(trial.trial_id, trial.number, trial.state).where(*asked))
        found = {row[0]: TrialRecord(row[1], row[2].name, trial_id=row[0]) for row in rows}

        def of_trials(model: Any, *columns: Any) -> Any:
            chosen = select(model.trial_id, *columns).join(trial, trial.trial_id == model.trial_id)
            for trial_id, *row in connection.execute(chosen.where(*asked)):
                yield found[trial_id], *row

        for told, number, kind in of_trials(value, value.value, value.value_type):
            told.value = value.stored_repr_to_value(number, kind)
        for told, key, text in of_trials(attribute, attribute.key, attribute.value_json):
            told.attributes[key] = json.loads(text)
        kept = (param.param_name, param.param_value, param.distribution_json)
        for told, name, inner, axis in of_trials(param, *kept):
            told.params[name] = _distribution(axis).to_external_repr(inner)
        scores = (_Values.step, _Values.intermediate_value, _Values.intermediate_value_type)
        for told, step, number, kind in of_trials(_Values, *scores):
            told.reported[step] = _Values.stored_repr_to_intermediate_value(number, kind)
    return {told.number: told for told in found.values()}


_distribution = cache(json_to_distribution)


def reopen(storage: RDBStorage, stored: TrialRecord) -> None:
    """Open a trial that never was a run: a folder that has its number came late, or again."""
    with storage.engine.begin() as connection:
        whose = _TRIALS.update().where(_TRIALS.c.trial_id == stored.trial_id)
        connection.execute(whose.values(state=TrialState.RUNNING, datetime_complete=None))
    stored.state = TrialState.RUNNING.name


def _in_utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)


def store_outcome(storage: RDBStorage, stored: TrialRecord, wanted: TrialRecord, run: Run) -> None:
    """Bring the scores of an open trial, its state, value and end to the run's: all or nothing.

    Optuna's own calls ask four statements for each score, 0.9 s of the processor for 250 epochs,
    and give a trial the time of now as its end: so its rows are written here. Raises LookupError
    where the trial is gone, or another closed it.
    """
    told = {
        "state": TrialState[wanted.state],
        "datetime_start": _in_utc(run.job.created),
        "datetime_complete": _in_utc(run.end.time) if run.end else None,
    }
    with storage.engine.begin() as connection:
        seen = {"trial": stored.trial_id, "seen": TrialState[stored.state]}
        if connection.execute(_AS_SEEN, told | seen).rowcount != 1:
            raise LookupError(f"its trial {stored.number} is gone, or was closed by another")
        known, new = stored.reported, []
        fresh = {
            k: v for k, v in wanted.reported.items() if k not in known or not same(known[k], v)
        }
        for step, score in fresh.items():
            kept, kind = _Values.intermediate_value_to_stored_repr(score)
            row: dict[str, Any] = {"intermediate_value": kept, "intermediate_value_type": kind}
            if step in known:
                one = (_SCORES.c.trial_id == stored.trial_id) & (_SCORES.c.step == step)
                connection.execute(_SCORES.update().where(one).values(row))
            else:
                new.append({"trial_id": stored.trial_id, "step": step} | row)
        if new:
            connection.execute(_NEW_SCORES, new)
        for value in wanted.values or ():
            kept, finite = models.TrialValueModel.value_to_stored_repr(value)
            row = {"trial_id": stored.trial_id, "objective": 0, "value": kept}
            connection.execute(_NEW_VALUE, [row | {"value_type": finite}])
    stored.reported |= wanted.reported
    stored.state, stored.value = wanted.state, wanted.value
