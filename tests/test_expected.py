"""What is still to come is expected to take: learnt of pruning, finalists, and their sizes."""

from __future__ import annotations

import optuna
import pytest
from timed_runs import timed_study
from told_runs import study

from spineseg.config.study import StudyConfig
from spineseg.expected import expected_seconds, foreseen, trained_share
from spineseg.limits.ahead import ahead
from spineseg.time_left import measured

SPACE = {
    "lr0": {"low": 0.001, "high": 0.1, "log": True},
    "mosaic": {"low": 0.0, "high": 1.0},
}
VARIANTS = [
    {"name": "large", "hypothesis": "More.", "changes": {"model": "yolo11s-seg"}},
    {"name": "wide", "hypothesis": "Finer.", "changes": {"image_size_px": 960}},
    {"name": "slow", "hypothesis": "Slower.", "changes": {"lr0": 0.0005}},
]


def searched(pruner: dict[str, float] | None, trials: int = 12) -> StudyConfig:
    return study(
        baseline={"epochs": 40},
        variants=VARIANTS,
        search={"trials": trials, "space": SPACE, "pruner": pruner},
        confirm={"top": 1, "seeds": 2},
    )


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_unpruned_studies_on_made_up_machines_are_foreseen_after_the_third_training() -> None:
    config = searched(None)
    for seed in range(4):
        pair = foreseen(config, timed_study(config, seed))
        assert pair is not None and pair[0] == pytest.approx(pair[1], rel=0.15)


def test_the_share_that_searched_trials_train_is_learnt_of_those_that_ended() -> None:
    config = searched({"keep_percent": 30, "startup_trials": 2, "warmup_epochs": 4}, trials=30)
    runs = timed_study(config, 1)
    ended = [run for run in runs if run.job.kind == "search"]
    true = sum(run.epoch_count for run in ended) / len(ended) / 40
    before, after = trained_share(config, runs[:4]), trained_share(config, runs[:24])
    assert abs(after - true) < max(0.15, abs(before - true))
    assert trained_share(searched(None), runs) == 1.0


def test_what_is_expected_is_never_more_than_the_most() -> None:
    config = searched({"keep_percent": 50, "startup_trials": 3, "warmup_epochs": 4})
    runs = timed_study(config, 2)
    for count in (1, 3, 6, 12):
        known, taken = runs[:count], measured(config, runs[:count])
        found = ahead(config, known, taken, set(), 0, expected_seconds(config, known, taken))
        assert len(found.expected) == len(found.seconds)
        assert sum(found.expected) <= sum(found.seconds) * 1.0001


def test_nothing_is_foreseen_of_a_study_that_has_not_ended() -> None:
    config = searched(None)
    assert foreseen(config, timed_study(config, 0)[:-1]) is None
