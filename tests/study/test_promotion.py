"""Confirmation on fresh seeds, the sealed test part, gates: with a fake trainer and evaluator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from exports import write_export
from fake_trainer import FakeLauncher, films_of, records_scoring
from optuna.trial import TrialState

from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError, DataError, StoreError
from spineseg.evaluation.evaluate import Evaluated, evaluation_files, matches_file
from spineseg.evaluation.records import load_matches, save_matches
from spineseg.inference import evaluate_folder
from spineseg.tracking.store import open_store
from spineseg.tracking.tracked_runs import trial_run_ids
from study import driver, promote, sealed_test
from study.compare import compare_study
from study.confirm import confirmed_arms
from study.promote import Verdict, promote_best
from study.records import Records
from study.sealed_test import ledger_file

STUDY = """
name: small
data:
  sources: [{{kind: local, path: {export}}}]
  split: keep
  group_near_duplicates: false
  accept_leaks: [near-duplicates]
baseline: {{weights: random, epochs: 1, optimizer: AdamW, lr0: 0.003}}
variants:
  - {{name: no-flips, hypothesis: Flips hurt., changes: {{fliplr: 0.0}}}}
  - {{name: slow, hypothesis: Slower is better., changes: {{lr0: 0.001}}}}
search: {{trials: 0}}
confirm: {{top: 1, seeds: 3}}
devices: {{device: cpu}}
store: {{root: {root}}}
"""


class Ended(NamedTuple):
    path: Path
    config: StudyConfig
    launcher: FakeLauncher


def flips_hurt(config: TrainConfig) -> float:
    """Return more without flips, and a little that depends on the seed."""
    noise = 0.1 if config.seed % 2 else 0.0
    return (0.8 if config.fliplr == 0 else 0.4 if config.lr0 == 0.003 else 0.2) + noise


def small(folder: Path, stores: Path) -> Path:
    """Return a study's config in a folder of its own."""
    (folder / "mlruns").mkdir()
    for name in ("mlflow.db", "optuna.db"):
        shutil.copy(stores / name, folder / "mlruns" / name)
    export = write_export(folder / "export", {"train": 4, "valid": 4, "test": 6})
    path = folder / "small.yaml"
    path.write_text(STUDY.format(export=export, root=folder / "mlruns"))
    return path


@pytest.fixture
def path(tmp_path: Path, empty_stores: Path) -> Path:
    return small(tmp_path, empty_stores)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> Ended:
    """A study run to its end, for tests that only read it or are refused."""
    path = small(tmp_path_factory.mktemp("ended"), empty_stores)
    return Ended(path, *run(path))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the test part be scored without a network; the runs that were scored on it."""
    seen: list[str] = []

    def evaluate(weights: Path, films: Any, *, numbering: Any, **_: Any) -> Any:
        folder = weights.parent.parent.parent
        seen.append(folder.name[4:])
        config = json.loads((folder / "job.json").read_text())["config"]
        names = films_of(films[0].path.parent.parent.parent, "test")
        records = records_scoring(flips_hurt(TrainConfig.model_validate(config)), names)
        return Evaluated.of(records, numbering)

    def register(store: Any, **given: Any) -> str:
        with given["ledger"].open("a") as ledger:
            ledger.write(json.dumps(given["evidence"]) + "\n")
        return "1"

    monkeypatch.setattr(sealed_test, "evaluate_weights", evaluate)
    monkeypatch.setattr(promote, "register_champion", register)
    monkeypatch.setattr(promote, "load_audit", lambda dataset: no_leaks)
    return seen


class no_leaks:
    @staticmethod
    def leaks() -> dict[str, list[Any]]:
        return {}


def run(
    path: Path, *sets: str, score_of: Callable[[TrainConfig], float] = flips_hurt
) -> tuple[StudyConfig, FakeLauncher]:
    config, launcher = load_study(path, sets), FakeLauncher(score_of)
    driver.run_study(config, path, launcher)
    return config, launcher


def refused(verdict: Verdict) -> list[str]:
    return [gate.name for gate in verdict.gates if not gate.passed]


def test_finalist_and_baseline_are_trained_again_on_fresh_seeds_side_by_side(ended: Ended) -> None:
    _, config, launcher = ended
    assert launcher.started[:3] == ["baseline", "no-flips", "slow"]
    assert launcher.started[3:] == [
        f"{arm}-seed-{seed}" for seed in (1, 2, 3) for arm in ("baseline", "no-flips")
    ]
    arms = confirmed_arms(Records(config).load())
    assert list(arms) == ["baseline", "no-flips"]
    seeds = [[t.user_attrs["changes"]["seed"] for t in arm.confirmations] for arm in arms.values()]
    assert seeds == [[1001, 1002, 1003]] * 2
    assert arms["no-flips"].confirmations[0].user_attrs["changes"]["fliplr"] == 0.0


def test_confirmations_are_tracked_like_every_run(ended: Ended) -> None:
    config = ended.config
    store = open_store(config.store.root, None)
    ids = trial_run_ids(store, "small")
    assert len(ids) == 9
    data = store.client.get_run(ids["small/4"]).data
    assert data.tags["kind"] == "confirm" and data.params["seed"] == "1001"


def test_a_larger_confirmation_trains_only_what_is_missing(path: Path) -> None:
    run(path)
    _, more = run(path, "confirm.seeds=4", "confirm.top=2")
    assert more.started == [
        "slow-seed-1",
        "slow-seed-2",
        "slow-seed-3",
        "baseline-seed-4",
        "no-flips-seed-4",
        "slow-seed-4",
    ]


def test_fewer_than_two_seeds_are_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"confirm\.seeds"):
        load_study(path, ["confirm.seeds=1"])


def test_the_search_learns_nothing_from_confirmations(path: Path) -> None:
    config, _ = run(path, "search.trials=1", "search.space.lr0={low: 0.001, high: 0.01}")
    kinds = {t.user_attrs["kind"]: t.params for t in Records(config).load().get_trials()}
    assert kinds["confirm"] == {} and kinds["search"]


def test_the_evidence_says_what_luck_the_search_had(ended: Ended) -> None:
    config = ended.config
    evidence = compare_study(config).summary.evidence
    assert evidence is not None and evidence.noise_sd is not None and evidence.noise_sd > 0
    arm = evidence.arm("no-flips")
    assert arm is not None and arm.searched_score == pytest.approx(0.8)
    assert len(arm.scores) == 3
    effect = arm.effect("mask_map50_95")
    assert effect is not None and effect.p_holm is not None and effect.difference > 0.2
    assert {effect.name for effect in evidence.variants} == {"no-flips", "slow"}


def test_a_clear_gain_is_promoted_and_the_seal_opened_once(path: Path, looks: list[str]) -> None:
    config, _ = run(path)
    verdict = promote_best(config)
    assert refused(verdict) == [] and verdict.promoted and verdict.version == "1"
    assert sorted(looks) == sorted(
        f"{arm}-seed-{n}" for arm in ("baseline", "no-flips") for n in (1, 2, 3)
    )
    entries = [json.loads(line) for line in ledger_file(Records(config)).read_text().splitlines()]
    assert len(entries) == 1 and entries[0]["study"] == "small" and len(entries[0]["runs"]) == 6
    assert promote_best(config).promoted and len(looks) == 6  # Nothing is looked at twice.
    store = open_store(config.store.root, None)
    found = store.client.get_run(trial_run_ids(store, "small")["small/4"]).data.metrics
    assert "test/mask_map50_95" in found and "best/mask_map50_95" in found
    evidence = json.loads((config.store.root / "promotions.jsonl").read_text().splitlines()[0])
    assert evidence["test"]["mask_map50_95"] > 0.7 and len(evidence["effects"]) == 8


def test_another_look_at_the_test_part_needs_a_reason_and_shows(
    path: Path, looks: list[str]
) -> None:
    config, _ = run(path)
    promote_best(config)
    more, _ = run(path, "confirm.top=2")
    with pytest.raises(StoreError, match=r"was opened on .* by study .small.*--reason"):
        promote_best(more)
    assert len(looks) == 6
    assert promote_best(more, reason="a second finalist").promoted and len(looks) == 9
    test = compare_study(more).summary.test
    assert test is not None
    assert [opening.reason for opening in test.openings] == ["promotion", "a second finalist"]


def test_a_look_that_was_cut_off_goes_on_without_a_second_entry(
    path: Path, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = run(path)
    whole = sealed_test.evaluate_weights

    def dies(weights: Path, films: Any, **given: Any) -> Any:
        if len(looks) == 2:
            raise KeyboardInterrupt
        return whole(weights, films, **given)

    monkeypatch.setattr(sealed_test, "evaluate_weights", dies)
    with pytest.raises(KeyboardInterrupt):
        promote_best(config)
    monkeypatch.setattr(sealed_test, "evaluate_weights", whole)
    assert promote_best(config).promoted and len(looks) == 6
    assert len(ledger_file(Records(config)).read_text().splitlines()) == 1


def test_what_is_no_better_is_refused_and_the_test_part_stays_sealed(
    path: Path, looks: list[str]
) -> None:
    config, _ = run(path, score_of=lambda c: 0.4 if c.fliplr == 0 or c.lr0 != 0.003 else 0.6)
    verdict = promote_best(config)
    assert refused(verdict) == ["confirmed above the baseline"] and not verdict.test_opened
    assert looks == [] and not ledger_file(Records(config)).exists()
    assert "stays sealed" in verdict.text()
    test = compare_study(config).summary.test  # The page shows the gates all the same.
    assert test is not None and test.films == 0 and len(test.gates) == len(verdict.gates)


def test_a_leak_is_refused_even_where_the_study_accepted_it(
    ended: Ended, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class leaky:
        @staticmethod
        def leaks() -> dict[str, list[int]]:
            return {"near-duplicates": [1, 2]}

    config = ended.config
    monkeypatch.setattr(promote, "load_audit", lambda dataset: leaky)
    verdict = promote_best(config)
    assert refused(verdict) == ["no leak in the audit"] and looks == []


def test_a_gain_within_the_noise_is_refused_on_the_test_part(
    path: Path, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = run(path)
    monkeypatch.setattr(f"{__name__}.flips_hurt", lambda c: 0.5 + 0.2 * (c.seed % 2))
    verdict = promote_best(config)
    assert refused(verdict) == ["better on the test part"] and verdict.test_opened


def test_a_level_that_is_lost_is_refused() -> None:
    before, after = (
        Evaluated.of(records_scoring(score, ["a.jpg"]), driver.NumberingModel()).scores["argmax"]
        for score in (0.5, 0.4)
    )
    assert promote._lost_levels([before], [after, after]) == ["T5"]
    assert promote._lost_levels([after], [before]) == []


def test_a_study_without_confirmation_or_test_part_says_what_is_missing(
    path: Path, looks: list[str]
) -> None:
    config, _ = run(path, "confirm=null")
    with pytest.raises(StoreError, match=r"nothing is confirmed .* confirm\.top"):
        promote_best(config)
    shutil.rmtree(path.parent / "export" / "test")
    config, _ = run(path, "name=untested")
    with pytest.raises(StoreError, match=r"no test part; set data\.test_fraction"):
        promote_best(config)


def test_an_unknown_configuration_cannot_be_promoted(ended: Ended) -> None:
    config = ended.config
    with pytest.raises(StoreError, match="no confirmed configuration 'nobody'; it has no-flips"):
        promote_best(config, "nobody")


def test_a_run_without_records_is_left_out_and_damaged_ones_are_refused(path: Path) -> None:
    config, _ = run(path)
    folder = Records(config).folder / "001-no-flips"
    records = load_matches(matches_file(folder, "valid"))
    bad = records[0].found[0].model_copy(update={"confidence": float("nan")})
    numbered = evaluation_files(folder)[1]
    save_matches(numbered, [records[0].model_copy(update={"found": (bad,)})])
    with pytest.raises((DataError, ValueError)):
        compare_study(config)
    matches_file(folder, "valid").unlink()
    evidence = compare_study(config).summary.evidence
    assert evidence is not None and [e.name for e in evidence.variants] == ["slow"]


def test_a_failed_confirmation_leaves_the_arm_with_the_others(path: Path) -> None:
    config = load_study(path, [])
    driver.run_study(config, path, FakeLauncher(flips_hurt, fails={"no-flips-seed-2": "killed"}))
    study = Records(config).load()
    assert len(confirmed_arms(study)["no-flips"].confirmations) == 2
    states = {t.user_attrs["name"]: t.state for t in study.get_trials()}
    assert states["no-flips-seed-2"] == TrialState.FAIL


def test_a_finalist_that_is_ahead_of_the_baselines_seeds_stops_no_comparison(path: Path) -> None:
    config = load_study(path, [])
    fails = {f"baseline-seed-{n}": "killed" for n in (1, 2, 3)}
    driver.run_study(config, path, FakeLauncher(flips_hurt, fails=fails))
    evidence = compare_study(config).summary.evidence
    assert evidence is not None and evidence.arms == []


def test_a_part_of_the_confirmation_is_not_enough(ended: Ended, looks: list[str]) -> None:
    config = ended.config
    more = load_study(ended.path, ["confirm.seeds=5"])
    assert refused(promote_best(more)) == ["confirmed on fresh seeds"] and looks == []
    assert config.confirm is not None and config.confirm.seeds == 3


def test_a_study_is_promoted_by_the_rule_that_it_was_run_by(ended: Ended, looks: list[str]) -> None:
    for change in ("objective=box_map50", "numbering=argmax"):
        with pytest.raises(ConfigError, match="on record has"):
            promote_best(load_study(ended.path, [change]))
    assert looks == []


def test_more_training_films_do_not_seal_the_same_test_films_again(
    path: Path, looks: list[str]
) -> None:
    promote_best(run(path)[0])
    write_export(path.parent / "more", {"train": 2}, seed=9)
    for kind in ("images", "labels"):
        for file in (path.parent / "more" / "train" / kind).iterdir():
            shutil.copy(file, path.parent / "export" / "train" / kind / file.name)
    other, _ = run(path, "name=larger")
    with pytest.raises(StoreError, match="by study 'small'"):
        promote_best(other)


def test_the_sealed_part_cannot_be_scored_by_evaluate(ended: Ended) -> None:
    config = ended.config
    dataset = next((config.store.root / "work" / "data").glob("merged-*"))
    with pytest.raises(DataError, match="test part of a study's data is sealed"):
        evaluate_folder(
            weights=Path("any.pt"),
            folder=dataset,
            part="test",
            image_size_px=64,
            device="cpu",
            numbering="argmax",
        )


@pytest.mark.parametrize("line", ['{"time": "20', '{"study": "small"}', "[]"])
def test_a_ledger_that_cannot_be_read_is_told_and_not_passed_over(
    path: Path, looks: list[str], line: str
) -> None:
    config, _ = run(path)
    promote_best(config)
    with ledger_file(Records(config)).open("a") as ledger:
        ledger.write(line + "\n")
    with pytest.raises(StoreError, match=r"test-openings\.jsonl:2: cannot be read"):
        compare_study(config)


def test_a_study_is_promoted_by_one_process_at_a_time(ended: Ended) -> None:
    with (
        Records(ended.config).lock(),
        pytest.raises(StoreError, match=r"run or promoted already \(process \d+\); wait"),
    ):
        promote_best(ended.config)
