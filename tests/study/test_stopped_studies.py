"""A study comes out the same however often it was stopped; real signals, real processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import ENVIRONMENT, ROOT
from fake_trainer import FakeLauncher
from small_study import names, run, trials
from stopped_studies import differences


def stopped(*words: str) -> str:
    """Return what the benchmark says; it ends with 1 where a study came out otherwise."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "stopped_studies.py"), *words],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=3000,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_search_draws_by_its_seed_and_the_trial_alone(path: Path, tmp_path: Path) -> None:
    whole = run(path, FakeLauncher())
    for budget in ("1", "2", "3"):  # Gone on with twice.
        again = run(
            path, FakeLauncher(), f"store.root={tmp_path / 'again'}", f"search.trials={budget}"
        )
    assert [t.params for t in trials(whole)] == [t.params for t in trials(again)]
    assert len({t.params["lr0"] for t in trials(whole)[3:]}) == 3


def test_a_trial_cut_off_as_it_was_begun_is_taken_up_and_burns_no_number(
    path: Path, tmp_path: Path
) -> None:
    def killed(name: str) -> None:
        if name == "search-001":
            raise KeyboardInterrupt

    whole = run(path, FakeLauncher())
    root = f"store.root={tmp_path / 'again'}"
    with pytest.raises(KeyboardInterrupt):
        run(path, FakeLauncher(on_start=killed), root)
    again = run(path, FakeLauncher(), root)
    assert names(again) == names(whole)
    assert [t.params for t in trials(whole)] == [t.params for t in trials(again)]


def test_what_differs_between_two_studies_is_told() -> None:
    one = {"runs": [{"name": "a", "end": 1}], "mlflow": {"a": "FINISHED"}}
    other = {"runs": [{"name": "a", "end": 2}, {}], "mlflow": {"a": "FAILED"}}
    assert len(differences(one, other)) == 3 and differences(one, one) == []


@pytest.mark.wide
@pytest.mark.long
def test_studies_stopped_ten_times_each_come_out_the_same() -> None:
    """Four of the twenty that the benchmark stops; docs/lab-log.md says how those ended."""
    assert "4 of 4 studies came out the same" in stopped("--studies", "4", "--stops", "10")


@pytest.mark.wide
@pytest.mark.long
def test_a_real_study_stopped_at_random_comes_out_the_same() -> None:
    assert "1 of 1 studies came out the same" in stopped("--real", "--stops", "3")
