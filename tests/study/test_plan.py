"""What is said before anything trains: names that are kept, confirmations, their power."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_study import Ended, run_scored, runs
from told_runs import job, study, whole

from spineseg import plan
from spineseg.config.yaml_files import load_study
from spineseg.data.manifest import Dataset, load_manifest
from spineseg.errors import ConfigError
from spineseg.plan import make_plan, plan_text
from spineseg.runs import Run
from spineseg.time_left import measured
from spineseg.trials import confirmations_known, most_trainings
from study import driver


@pytest.mark.parametrize("name", ["baseline-seed-1", "slow-seed-12", "search-001"])
def test_a_variant_cannot_take_the_name_of_the_studys_own_trainings(path: Path, name: str) -> None:
    path.write_text(path.read_text().replace("name: slow", f"name: {name}"))
    with pytest.raises(ConfigError, match=f"the name '{name}' is kept for .*choose another"):
        load_study(path)


def test_confirming_no_finalist_trains_the_baselines_seeds_and_says_so(
    confirmable: Path, ended: Ended
) -> None:
    config = load_study(confirmable, ["confirm.top=0"])
    dataset = _dataset(ended)
    planned = make_plan(config, dataset, timing=False, say=lambda text: None)
    assert planned.confirm_trials == 3
    assert "3 trainings of the baseline on fresh seeds, to measure its noise" in plan_text(planned)
    assert "(confirm.top 0): nothing can be promoted" in plan_text(planned)


def test_a_plan_says_when_so_few_seeds_can_promote_nothing(confirmable: Path, ended: Ended) -> None:
    config = load_study(confirmable, ["confirm.seeds=2"])
    text = plan_text(make_plan(config, _dataset(ended), timing=False, say=lambda text: None))
    assert (
        "2 fresh seeds are too few for a promotion, which asks for 3: raise confirm.seeds" in text
    )


def test_a_plan_counts_all_that_a_training_takes_and_marks_what_is_on_record(
    confirmable: Path, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "epoch_parts", lambda *_: (8.0, 2.0))
    dataset = _dataset(ended)
    before = make_plan(load_study(confirmable), dataset, timing=True, say=lambda text: None)
    assert "training alone: starting, scoring, pictures and recording come on top" in before.basis
    assert before.trials[0].hours == pytest.approx(10 / 3600) and before.trials[0].outcome is None

    config = load_study(ended.path, ["search.trials=1", "search.space.lr0={low: 0.001, high: 0.1}"])
    taken = measured(config, runs(config))
    after = make_plan(config, dataset, timing=True, say=lambda text: None)
    assert after.trials[0].hours == pytest.approx(taken.whole(config.baseline) / 3600)
    assert after.basis == "by what 9 trainings on record took"
    assert [trial.outcome for trial in after.trials] == ["completed"] * 3
    assert "baseline: as configured; 1 epoch  about" in plan_text(after)
    assert "(completed)" in plan_text(after) and "then 1 searched trial over:" in plan_text(after)


def _dataset(ended: Ended) -> Dataset:
    folder = runs(ended.config)[0].job.dataset
    return Dataset(folder, load_manifest(folder))


def test_a_study_whose_weights_hardly_change_is_told_before_and_as_it_runs(
    confirmable: Path, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = "4 training films at batch 16 are 1 step an epoch, 1 in all, and the weights change "
    config = load_study(confirmable)
    planned = make_plan(config, _dataset(ended), timing=False, say=lambda text: None)
    assert planned.warning and planned.warning.startswith(short)
    assert plan_text(planned).splitlines()[-1] == planned.warning

    said: list[str] = []
    monkeypatch.setattr(driver.Progress, "say", lambda progress, text: said.append(text))
    monkeypatch.setattr(driver.ControlLoop, "run", lambda _: None)
    run_scored(confirmable)
    assert any(text.startswith(short) for text in said)

    longer = load_study(confirmable, ["baseline.epochs=20"])
    assert make_plan(longer, _dataset(ended), timing=False, say=print).warning is None


def test_a_plan_says_where_the_studys_limits_end_it(confirmable: Path, ended: Ended) -> None:
    config = load_study(confirmable, ["limits.trainings=2", "limits.hours=3"])
    planned = make_plan(config, _dataset(ended), timing=False, say=lambda text: None)
    assert [cut.split(":")[0] for cut in planned.cuts] == [
        f"limits.trainings 2 is spent after 2 of at most {most_trainings(config)} trainings, if "
        "nothing is pruned",
        "limits.hours 3",
    ]
    assert planned.cuts[0] in plan_text(planned).splitlines()
    assert make_plan(load_study(confirmable), _dataset(ended), timing=False, say=print).cuts == ()


@pytest.mark.parametrize(
    ("under_way", "arms"), [(0, ["baseline", "no-flips", "large"]), (1, ["baseline", "no-flips"]),
                            (2, ["baseline"]), (3, ["baseline"])]
)  # fmt: skip
def test_whom_nothing_under_way_can_displace_is_confirmed_at_once(
    under_way: int, arms: list[str]
) -> None:
    config = study(confirm={"top": 2, "seeds": 2}, search={"trials": 3})
    found = [whole(job(0, "baseline"))]
    found += [
        whole(job(n, name), scored=0.6 - n / 10) for n, name in ((1, "no-flips"), (2, "large"))
    ]
    found += [
        Run(Path(), job(number, f"search-{number:03d}", kind="search"), ())
        for number in range(3, 3 + under_way)
    ]
    assert [spec.arm for spec in confirmations_known(found, config)] == arms * 2
