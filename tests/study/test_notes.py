"""A study's run and experiment in MLflow open with its answer, and while it runs with how far."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from fake_trainer import FakeLauncher
from sealed_looks import Looks
from small_study import (
    flips_hurt,
    mlflow_runs,
    run,
    run_scored,
    runs,
    searched_study,
    tracked_runs,
)

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


class Watched(NamedTuple):
    """A study that was run to its end, and its note as each training began."""

    config: StudyConfig
    seen: list[str]
    status: str  # Of the study's run, when the last training had ended.
    last: str  # The experiment's note then.


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> Watched:
    """A small study, not compared yet."""
    path = searched_study(tmp_path_factory.mktemp("watched") / "study", empty_stores)
    sets = ["search.trials=0", "baseline.epochs=1"]
    config, seen = load_study(path, sets), list[str]()

    def look(_: str) -> None:
        """Read the note as soon as MLflow has it: the training does not wait for that."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(KeyError, AttributeError):
                if notes(config)[0].startswith(f"Running: {len(seen)}"):
                    break
            time.sleep(0.1)
        seen.append(notes(config)[0])

    run(path, FakeLauncher(flips_hurt, on_start=look), *sets)
    return Watched(config, seen, mlflow_runs(config)["study small"][0], notes(config)[1])


def test_while_a_study_runs_its_note_says_how_far_it_is(watched: Watched) -> None:
    heads = [note.split(" of at most 3 trainings")[0] for note in watched.seen]
    assert heads == [f"Running: {number}" for number in range(3)]
    assert "of the baseline: 0.400" in watched.seen[1] and watched.status == "RUNNING"
    assert watched.last.startswith("Running: 3 of at most 3 trainings ended")
    assert "Highest so far: no-flips, 0.800 (+0.400); not confirmed." in watched.last


def test_a_compared_study_opens_with_its_answer_and_its_run_is_no_competitor(
    watched: Watched,
) -> None:
    config, before = watched.config, times(watched.config)
    for _ in range(2):
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
