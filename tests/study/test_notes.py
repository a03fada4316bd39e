"""A study's run and experiment in MLflow open with its answer, and while it runs with how far."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_trainer import FakeLauncher
from sealed_looks import Looks
from small_study import Ended, mlflow_runs, places, run, run_scored, runs, tracked_runs

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.report.sections.answer import answer
from spineseg.tracking.store import open_store
from study.compare import compare_study
from study.promote import promote_best

NOTE = "mlflow.note.content"


def notes(config: StudyConfig) -> tuple[str, str]:
    """Return the notes of the study's run and of its experiment."""
    store = open_store(config.store.root, None)
    experiment = store.client.get_experiment_by_name(config.name)
    return mlflow_runs(config)[f"study {config.name}"][1][NOTE], experiment.tags[NOTE]


def times(config: StudyConfig) -> dict[str, tuple[int, int, str]]:
    found = tracked_runs(config).items()
    return {key: (r.info.start_time, r.info.end_time, r.info.status) for key, r in found}


def test_a_compared_study_opens_with_its_answer_and_its_run_is_no_competitor(ended: Ended) -> None:
    config = ended.config
    before = times(config)
    said = answer(compare_study(config).summary).text
    mine, experiments = notes(config)
    assert f"**{said}**" in mine and mine == experiments
    store = open_store(config.store.root, None)
    experiment = store.client.get_experiment_by_name(config.name).experiment_id
    (parent,) = store.client.search_runs([experiment], "tags.study_key = 'small'")
    address = f"(#/experiments/{experiment}/runs/{parent.info.run_id}/artifacts/comparison/report"
    assert address in mine
    assert store.client.list_artifacts(parent.info.run_id, "comparison")
    assert parent.data.metrics == {} and "kind" not in parent.data.tags
    assert parent.info.status == "FINISHED"
    assert parent.info.end_time == max(end for _, end, _ in before.values())
    assert times(config) == before
    assert tracked_runs(config)["small/1"].data.metrics["gain"] == pytest.approx(0.4)


def test_while_a_study_runs_its_note_says_how_far_it_is(path: Path) -> None:
    seen: list[str] = []
    config = load_study(path, ["search.trials=0"])
    run(path, FakeLauncher(on_start=lambda name: seen.append(notes(config)[0])), "search.trials=0")
    first = "Running: 0 of at most 3 trainings ended. Synthetic"
    assert seen[0].startswith(first) or "Synthetic" not in seen[0]
    assert [note.split(" of ")[0] for note in seen] == [f"Running: {n}" for n in range(3)]
    assert "of the baseline: 0.500" in seen[1]
    assert mlflow_runs(config)["study small"][0] == "RUNNING"
    assert notes(config)[1].startswith("Running: 3 of at most 3 trainings ended")


@pytest.mark.wide
def test_a_run_scored_on_the_test_part_keeps_its_end(confirmable: Path, looks: Looks) -> None:
    config, _ = run_scored(confirmable)
    before = times(config)
    promote_best(config)
    assert looks and times(config) == before
    compare_study(config)
    assert times(config) == before
    ends = {run.job.key: round(run.end.time * 1000) for run in runs(config) if run.end}
    assert {key: end for key, (_, end, _) in times(config).items()} == ends
    assert places(config).report.is_file()
