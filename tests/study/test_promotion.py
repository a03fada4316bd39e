"""Confirmation on fresh seeds, the sealed test part, gates: with a fake trainer and evaluator."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from exports import write_export
from fake_trainer import FakeLauncher
from sealed_looks import Looks
from small_study import Ended, flips_hurt, places, run_scored, runs, tracked_runs

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.data.audit import Audit
from spineseg.errors import ConfigError, DataError, StoreError
from spineseg.evaluation.records import load_records, save_records
from spineseg.evaluation.stored import records_file
from spineseg.evidence import sealed_part
from spineseg.evidence.arms import confirmed_arms
from spineseg.evidence.promotion import Promotion
from spineseg.tracking.store import open_store
from study import driver
from study.compare import compare_study, summarised
from study.promote import promote_best


def refused(verdict: Promotion) -> list[str]:
    return [gate.name for gate in verdict.gates if not gate.passed]


def openings(config: StudyConfig) -> list[dict[str, Any]]:
    return [json.loads(line) for line in places(config).openings.read_text().splitlines()]


def test_finalist_and_baseline_are_trained_again_on_fresh_seeds_side_by_side(ended: Ended) -> None:
    _, config, launcher = ended
    assert launcher.started[:3] == ["baseline", "no-flips", "slow"]
    assert launcher.started[3:] == [
        f"{arm}-seed-{seed}" for seed in (1, 2, 3) for arm in ("baseline", "no-flips")
    ]
    arms = confirmed_arms(runs(config))
    assert list(arms) == ["baseline", "no-flips"]
    seeds = [[run.job.config.seed for run in arm.fresh] for arm in arms.values()]
    assert seeds == [[1001, 1002, 1003]] * 2
    assert arms["no-flips"].fresh[0].job.changes["fliplr"] == 0.0


def test_the_baselines_first_training_speaks_for_it_and_a_finalists_own_does_not(
    ended: Ended,
) -> None:
    arms = confirmed_arms(runs(ended.config))
    assert [run.name for run in arms["baseline"].runs][-1] == "baseline"
    assert "no-flips" not in [run.name for run in arms["no-flips"].runs]


def test_confirmations_are_tracked_like_every_run(ended: Ended) -> None:
    found = tracked_runs(ended.config)
    assert len(found) == 9
    data = found["small/4"].data
    assert data.tags["kind"] == "confirm" and data.params["seed"] == "1001"


def test_a_larger_confirmation_trains_only_what_is_missing(confirmable: Path) -> None:
    run_scored(confirmable)
    _, more = run_scored(confirmable, "confirm.seeds=4", "confirm.top=2")
    assert more.started == [
        "slow-seed-1",
        "slow-seed-2",
        "slow-seed-3",
        "baseline-seed-4",
        "no-flips-seed-4",
        "slow-seed-4",
    ]


def test_fewer_than_two_seeds_are_refused(confirmable: Path) -> None:
    with pytest.raises(ConfigError, match=r"confirm\.seeds"):
        load_study(confirmable, ["confirm.seeds=1"])


def test_the_search_learns_nothing_from_confirmations(confirmable: Path) -> None:
    config, _ = run_scored(
        confirmable, "search.trials=1", "search.space.lr0={low: 0.001, high: 0.01}"
    )
    kinds = {run.job.kind: run.job.parameters for run in runs(config)}
    assert kinds["confirm"] == {} and kinds["search"]


def test_a_study_has_its_views_from_its_start(ended: Ended) -> None:
    store = open_store(ended.config.store.root, None)
    tags = store.client.get_experiment_by_name(ended.config.name).tags
    views = {key.partition("spineseg-")[2] for key in tags if "sharedViewState" in key}
    assert views == {"leaderboard", "curves", "seeds", "films", "failures"}


def test_the_evidence_says_what_luck_the_search_had(ended: Ended) -> None:
    config = ended.config
    evidence = summarised(config)[1].evidence
    assert evidence is not None and evidence.noise_sd is not None and evidence.noise_sd > 0
    arm = evidence.arm("no-flips")
    assert arm is not None and arm.searched_score == pytest.approx(0.8)
    assert len(arm.scores) == 3
    effect = arm.effect("mask_map50_95")
    assert effect is not None and effect.p_holm is not None and effect.difference > 0.2
    assert {effect.name for effect in evidence.variants} == {"no-flips", "slow"}


def test_a_clear_gain_is_promoted_and_the_seal_opened_once(confirmable: Path, looks: Looks) -> None:
    config, _ = run_scored(confirmable)
    verdict = promote_best(config)
    assert refused(verdict) == [] and verdict.promoted and verdict.version == "1"
    again = [f"{arm}-seed-{n}" for arm in ("baseline", "no-flips") for n in (1, 2, 3)]
    assert sorted(looks) == sorted(["baseline", *again])
    entries = openings(config)
    assert len(entries) == 1 and entries[0]["study"] == "small" and len(entries[0]["runs"]) == 7
    assert promote_best(config).promoted and len(looks) == 7  # Nothing is looked at twice.
    found = tracked_runs(config)["small/4"].data.metrics
    assert "test/mask_map50_95" in found and "best/mask_map50_95" in found
    ledger = (config.store.root / "promotions.jsonl").read_text().splitlines()
    evidence = json.loads(ledger[0])["evidence"]
    assert evidence["test"]["mask_map50_95"] > 0.7 and len(evidence["effects"]) == 8


@pytest.mark.wide
def test_another_look_at_the_test_part_needs_a_reason_and_shows(
    confirmable: Path, looks: Looks
) -> None:
    config, _ = run_scored(confirmable)
    promote_best(config)
    more, _ = run_scored(confirmable, "confirm={top: 2, seeds: 4}")
    with pytest.raises(StoreError, match=r"films were opened before.* by study .small.*--reason"):
        promote_best(more)
    assert len(looks) == 7
    again = promote_best(more, reason="a second finalist")
    assert len(looks) == 13
    assert refused(again) == ["better on the test part"]  # Six patients bear no two finalists.

    test = compare_study(more).summary.test
    assert test is not None
    assert [opening.reason for opening in test.openings] == ["promotion", "a second finalist"]


def test_a_look_that_was_cut_off_goes_on_without_a_second_entry(
    confirmable: Path, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = run_scored(confirmable)
    whole = sealed_part.evaluate_weights

    def dies(weights: Path, films: Any, **given: Any) -> Any:
        if len(looks) == 2:
            raise KeyboardInterrupt
        return whole(weights, films, **given)

    monkeypatch.setattr(sealed_part, "evaluate_weights", dies)
    with pytest.raises(KeyboardInterrupt):
        promote_best(config)
    monkeypatch.setattr(sealed_part, "evaluate_weights", whole)
    assert promote_best(config).promoted and len(looks) == 7
    assert len(openings(config)) == 1


def test_what_is_no_better_is_refused_and_the_test_part_stays_sealed(
    confirmable: Path, looks: Looks
) -> None:
    config, _ = run_scored(
        confirmable, score_of=lambda c: 0.4 if c.fliplr == 0 or c.lr0 != 0.003 else 0.6
    )
    verdict = promote_best(config)
    assert refused(verdict) == ["confirmed above the baseline"] and not verdict.test_opened
    assert looks == [] and not places(config).openings.exists()
    assert "stays sealed" in verdict.text() and "; there is no champion" in verdict.text()
    test = compare_study(config).summary.test  # The page shows the gates all the same.
    assert test is not None and test.films == 0 and len(test.gates) == len(verdict.gates)


def test_a_leak_is_refused_even_where_the_study_accepted_it(
    ended: Ended, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ended.config
    monkeypatch.setattr(Audit, "leaks", lambda audit: {"near-duplicates": [1, 2]})
    verdict = promote_best(config)
    assert refused(verdict) == ["no leak in the audit"] and looks == []


def test_a_gain_within_the_noise_is_refused_on_the_test_part(
    confirmable: Path, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = run_scored(confirmable)
    looks.score_of = lambda c: 0.5 + 0.2 * (c.seed % 2)
    verdict = promote_best(config)
    assert refused(verdict)[0] == "better on the test part" and verdict.test_opened


def test_a_study_without_confirmation_or_test_part_says_what_is_missing(
    confirmable: Path, looks: Looks
) -> None:
    config, _ = run_scored(confirmable, "confirm=null")
    with pytest.raises(StoreError, match=r"nothing is confirmed .* confirm\.top"):
        promote_best(config)
    shutil.rmtree(confirmable.parent / "export" / "test")
    config, _ = run_scored(confirmable, "name=untested")
    with pytest.raises(StoreError, match=r"no test part; set data\.test_fraction"):
        promote_best(config)


def test_an_unknown_configuration_cannot_be_promoted(ended: Ended) -> None:
    config = ended.config
    with pytest.raises(StoreError, match="no confirmed configuration 'nobody'; it has no-flips"):
        promote_best(config, "nobody")


def test_a_run_whose_records_are_damaged_or_gone_is_refused_and_not_left_out(
    confirmable: Path,
) -> None:
    config, _ = run_scored(confirmable)
    file = records_file(places(config).folder / "001-no-flips", "valid", "sequence")
    records = load_records(file)
    bad = records[0].found[0].model_copy(update={"confidence": float("nan")})
    save_records(file, [records[0].model_copy(update={"found": (bad,)})])
    with pytest.raises(DataError, match="cannot be read"):
        compare_study(config)
    for gone in (file, records_file(file.parent, "valid", "argmax")):
        save_records(file, records)
        gone.unlink()
        with pytest.raises(DataError, match=r"not found, so the run's evaluation .* not whole"):
            compare_study(config)


def test_a_failed_confirmation_leaves_the_arm_with_the_others(confirmable: Path) -> None:
    config = load_study(confirmable, [])
    fails = {"no-flips-seed-2": "killed"}
    driver.run_study(config, confirmable, FakeLauncher(flips_hurt, fails=fails))
    assert len(confirmed_arms(runs(config))["no-flips"].fresh) == 2
    assert {run.name: run.outcome for run in runs(config)}["no-flips-seed-2"] == "failed"


def test_a_finalist_that_is_ahead_of_the_baselines_seeds_stops_no_comparison(
    confirmable: Path,
) -> None:
    config = load_study(confirmable, [])
    kinds = ("killed", "nan_loss", "bug")  # Three times the same would end the study.
    fails = {f"baseline-seed-{n}": kind for n, kind in enumerate(kinds, start=1)}
    driver.run_study(config, confirmable, FakeLauncher(flips_hurt, fails=fails))
    evidence = compare_study(config).summary.evidence
    assert evidence is not None and evidence.arms == []


def test_a_part_of_the_confirmation_is_not_enough(ended: Ended, looks: Looks) -> None:
    config = ended.config
    more = load_study(ended.path, ["confirm.seeds=5"])
    assert refused(promote_best(more)) == ["confirmed on fresh seeds"] and looks == []
    assert config.confirm is not None and config.confirm.seeds == 3


def test_a_study_is_promoted_by_the_rule_that_it_was_run_by(ended: Ended, looks: Looks) -> None:
    for change in ("objective=box_map50", "numbering=argmax"):
        with pytest.raises(ConfigError, match="on record has"):
            promote_best(load_study(ended.path, [change]))
    assert looks == []


@pytest.mark.wide
def test_more_training_films_do_not_seal_the_same_test_films_again(
    confirmable: Path, looks: Looks
) -> None:
    promote_best(run_scored(confirmable)[0])
    write_export(confirmable.parent / "more", {"train": 2}, seed=9)
    for kind in ("images", "labels"):
        for file in (confirmable.parent / "more" / "train" / kind).iterdir():
            shutil.copy(file, confirmable.parent / "export" / "train" / kind / file.name)
    other, _ = run_scored(confirmable, "name=larger")
    with pytest.raises(StoreError, match="by study 'small'"):
        promote_best(other)


def test_a_ledger_that_cannot_be_read_is_told_and_not_passed_over(
    confirmable: Path, looks: Looks
) -> None:
    config, _ = run_scored(confirmable)
    promote_best(config)
    whole = places(config).openings.read_text()
    for line in ('{"time": "20', '{"study": "small"}', "[]"):
        places(config).openings.write_text(f"{whole}{line}\n")
        with pytest.raises(StoreError, match=r"test-openings\.jsonl:2: cannot be read"):
            compare_study(config)


def test_a_study_is_promoted_by_one_process_at_a_time(ended: Ended) -> None:
    with (
        places(ended.config).lock(),
        pytest.raises(StoreError, match=r"run or promoted already \(process \d+\); wait"),
    ):
        promote_best(ended.config)
