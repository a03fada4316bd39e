"""Studies killed at random come to a whole end; `benchmarks/faults.py` kills more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fake_process import Manner, behave
from fault_checks import unexplained, wrong
from fault_rounds import Killed
from fault_study import DONE, FaultStudy, Writes, begun, forked
from many_runs import write_many

from spineseg.runs import read_runs


@pytest.mark.wide
def test_studies_killed_at_random_come_to_a_whole_end(killed: Killed) -> None:
    assert "2 of 2 studies" in killed("--studies", "2", "--kills", "14", "--seed", "100")


@pytest.mark.wide
def test_what_several_slots_asked_for_is_what_the_sampler_gives(written: Writes) -> None:
    study = written(slots=2, trials=6, seed=31)
    assert begun(study).wait(300) == DONE, study.said
    assert wrong(study) == [] and unexplained(study) == []
    run = random.Random(0).choice([r for r in read_runs(study.places.folder)
                                   if r.job.kind == "search"])  # fmt: skip
    job = run.folder / "job.json"
    asked = run.job.model_copy(
        update={
            "changes": {**run.job.changes, "lr0": 0.0123},
            "config": run.job.config.with_(lr0=0.0123),
            "parameters": {**run.job.parameters, "lr0": 0.0123},
        }
    )
    job.write_text(asked.model_dump_json())
    assert any(told.startswith(run.name) for told in unexplained(study))  # So it is noticed.


@pytest.mark.wide
def test_a_made_up_study_is_gone_on_with(tmp_path: Path) -> None:
    study = FaultStudy(write_many(tmp_path, 20, epochs=20, going=True))
    behave(study.places.trainer, Manner(epoch_seconds=0.01))
    assert forked(study).wait(300) == DONE, study.said
    assert len(read_runs(study.places.folder)) == 20
