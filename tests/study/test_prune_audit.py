"""Trials that are given up and run on: which, on record, over kills, and what Optuna is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_trainer import FakeLauncher
from small_study import run, runs, searched_study, trials

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import RunError
from spineseg.events import Audited
from spineseg.prune_audit import audited_after, is_audited
from spineseg.runs import Run

ALONE = ("variants=[]", "search.trials=8", "search.startup_trials=99")  # Draws hang on no score.
ALL, SOME, NONE = (f"search.audit={share}" for share in (1.0, 0.5, 0.0))


def given_up(found: list[Run]) -> dict[str, int]:
    """Return after how many epochs each was given up, whether or not it ran on."""
    after = {each.name: audited_after(each) for each in found}
    return {
        each.name: after[each.name] or each.epoch_count
        for each in found
        if after[each.name] or each.outcome == "pruned"
    }


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> dict[str, int]:
    """What a study without an audit gives up, and when."""
    path = searched_study(tmp_path_factory.mktemp("without") / "study", empty_stores)
    found = runs(run(path, FakeLauncher(), *ALONE, NONE))
    assert all(audited_after(each) is None for each in found)
    return given_up(found)


@pytest.fixture(scope="module")
def all_audited(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> StudyConfig:
    """A study of which all that is given up runs on."""
    path = searched_study(tmp_path_factory.mktemp("all") / "study", empty_stores)
    return run(path, FakeLauncher(), *ALONE, ALL)


def test_an_audited_trial_runs_to_its_end_and_its_log_says_when_it_had_been_given_up(
    all_audited: StudyConfig, without: dict[str, int]
) -> None:
    found = runs(all_audited)
    assert len(without) > 2 and {each.outcome for each in found} == {"completed"}
    said = {e.name: [a.epoch for a in e.log if isinstance(a, Audited)] for e in found}
    assert {name: epochs[0] for name, epochs in said.items() if epochs} == without
    assert max(map(len, said.values())) == 1


def test_the_others_are_judged_as_if_the_audited_had_ended(
    path: Path, without: dict[str, int]
) -> None:
    found = runs(run(path, FakeLauncher(), *ALONE, SOME))
    assert given_up(found) == without
    audited = {each.name for each in found if audited_after(each)}
    config = load_study(path, [*ALONE, SOME])
    assert audited == {name for name in without if is_audited(config.search, name)}
    assert 0 < len(audited) < len(without)


def test_optuna_is_told_the_final_score_and_when_it_had_been_given_up(
    all_audited: StudyConfig,
) -> None:
    config = all_audited
    audited = {each.job.number: each for each in runs(config) if audited_after(each)}
    assert audited
    for trial in trials(config):
        kept = trial.user_attrs.get("given_up_after_epoch")
        assert trial.state.name == "COMPLETE"
        assert kept == (audited_after(audited[trial.number]) if trial.number in audited else None)
        if trial.number in audited:
            assert trial.value == audited[trial.number].value
            assert len(trial.intermediate_values) == config.baseline.epochs


def test_a_study_killed_again_and_again_audits_and_prunes_the_same(
    path: Path, without: dict[str, int]
) -> None:
    """Its trainings die, and its driver, between the noted epoch and the end."""
    dying = {name: [epoch, epoch + 1] for name, epoch in without.items()}
    config = load_study(path, [*ALONE, SOME])
    for broken in [*list(without)[:2], ""]:
        launcher = FakeLauncher(dies_at=dying)
        begun: list[str] = []

        def note(name: str, broken: str = broken, begun: list[str] = begun) -> None:
            begun.append(name)
            if name == broken and begun.count(name) == 2:
                raise RunError("the driver ends here")

        launcher.on_start = note
        try:
            run(path, launcher, *ALONE, SOME)
        except RunError:
            continue
    assert given_up(runs(config)) == without
    assert all(sum(isinstance(e, Audited) for e in each.log) < 2 for each in runs(config))


def test_a_share_of_names_is_audited_by_seed_and_name_alone(path: Path) -> None:
    search = load_study(path, ["search.audit=0.2"]).search
    names = [f"search-{number:03d}" for number in range(1, 1001)]
    first = [name for name in names if is_audited(search, name)]
    assert 160 < len(first) < 240
    assert first == [name for name in names if is_audited(search, name)]
    other = search.model_copy(update={"seed": 1})
    assert first != [name for name in names if is_audited(other, name)]
