"""The sealed part and the verdict: told wherever a study is taken, never contradicted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sealed_looks import Looks
from small_study import places, run_scored

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import RecordError, StoreError
from spineseg.tracking.model_versions import Champion
from study import promote
from study.compare import compare_study
from study.promote import promote_best

pytestmark = pytest.mark.wide
SEEDS = "seeds enough to tell a gain"


def elsewhere(config: StudyConfig, path: Path, folder: Path) -> StudyConfig:
    """Take the study's folder and its data to another machine's root."""
    there = folder / "there" / "mlruns"
    shutil.copytree(places(config).folder, there / "work" / "studies" / "small")
    shutil.copytree(places(config).data, there / "work" / "data")
    return load_study(path, [f"store.root={there}"])


def test_an_opening_goes_with_the_study_to_another_machine(
    confirmable: Path, tmp_path: Path, looks: Looks
) -> None:
    config, _ = run_scored(confirmable)
    promote_best(config)
    run_scored(confirmable, "confirm={top: 2, seeds: 4}")
    moved = elsewhere(config, confirmable, tmp_path).model_copy(
        update={"confirm": load_study(confirmable, ["confirm={top: 2, seeds: 4}"]).confirm}
    )
    with pytest.raises(StoreError, match=r"films were opened before.* by study 'small'.*--reason"):
        promote_best(moved)
    assert len(looks) == 7
    test = compare_study(moved).summary.test
    assert test is not None and len(test.openings) == 1


def test_a_lost_ledger_is_told_where_runs_were_scored(confirmable: Path, looks: Looks) -> None:
    config, _ = run_scored(confirmable)
    promote_best(config)
    places(config).openings.unlink()
    places(config).own_openings.unlink()
    with pytest.raises(StoreError, match=r"tells of no opening .* and 6 more, .*--reason why"):
        promote_best(config)
    assert promote_best(config, reason="the disk was lost").promoted and len(looks) == 7
    test = compare_study(config).summary.test
    assert test is not None and [o.reason for o in test.openings] == ["the disk was lost"]


@pytest.mark.parametrize("content", ["", "7", '{"gates": 3}', '{"run": "no-flips"'])
def test_a_damaged_verdict_is_one_line(confirmable: Path, looks: Looks, content: str) -> None:
    config, _ = run_scored(confirmable)
    places(config).verdict.write_text(content)
    with pytest.raises(RecordError, match=r"promotion\.json: cannot be read .*promote again"):
        compare_study(config)


def test_a_gain_too_small_is_refused_by_a_gate_of_its_own(confirmable: Path, looks: Looks) -> None:
    run_scored(confirmable)
    config = load_study(confirmable, ["promote.min_gain=0.9"])
    gates = {gate.name: gate for gate in promote_best(config).gates}
    assert gates["better on the test part"].passed
    assert gates["better on the test part"].figure.startswith("better: ")
    assert not gates["the gain that is asked for"].passed
    test = compare_study(config).summary.test
    assert test is not None
    effect = test.arms[1].effect(config.objective)
    assert effect is not None and effect.verdict == "better"


def test_promoting_the_champion_again_leaves_its_verdict_as_it_was(
    confirmable: Path, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = run_scored(confirmable)
    promote_best(config)
    before = places(config).verdict.read_text()
    evidence: dict[str, Any] = {"study": "small", "run": "no-flips"}
    holder = Champion("spine-vertebrae", "1", "r", 640, _numbering(), evidence=evidence)
    monkeypatch.setattr(promote, "champion", lambda store, name: holder)
    again = promote_best(config)
    assert not again.promoted and "is the champion already" in again.text()
    assert "stays sealed" not in again.text() and "was opened before" in again.text()
    assert places(config).verdict.read_text() == before
    test = compare_study(config).summary.test
    assert test is not None and test.promoted


def _numbering() -> Any:
    from spineseg.prediction.numbering.model import NumberingModel

    return NumberingModel()


def test_too_few_seeds_to_promote_anything_leave_the_test_part_sealed(
    confirmable: Path, looks: Looks
) -> None:
    config, _ = run_scored(confirmable, "confirm={top: 1, seeds: 2}")
    verdict = promote_best(config)
    assert [gate.name for gate in verdict.gates if not gate.passed] == [SEEDS]
    assert not verdict.test_opened
    assert looks == [] and not places(config).openings.exists()
    assert "raise confirm.seeds to 3" in verdict.text()
