"""A failed training is tried again: nothing on record is lost, and the study comes to its end."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from command import spineseg
from fake_trainer import FakeLauncher
from optuna.trial import TrialState
from sealed_looks import Looks
from small_study import flips_hurt, names, places, run, runs, tracked_runs, trials

from spineseg.config.yaml_files import load_study
from spineseg.errors import RunError
from spineseg.events import Again
from spineseg.retry import ask_again, failures
from spineseg.standing import standing
from spineseg.studies import listed_studies
from spineseg.study_status import finished_text, study_status
from spineseg.trials import MOST_TRIES
from study.compare import compare_study
from study.promote import promote_best

LOST = "baseline-seed-2"


@pytest.mark.wide
def test_a_passing_failure_of_a_fresh_seed_leaves_the_gate_open(
    confirmable: Path, looks: Looks
) -> None:
    config = run(confirmable, FakeLauncher(flips_hurt, fails={LOST: "out_of_memory"}))
    gates = {gate.name: gate for gate in promote_best(config, say=lambda _: None).gates}
    refused = gates["confirmed on fresh seeds"]
    assert not refused.passed and "3 trainings completed, 2 of the baseline" in refused.figure
    assert "spineseg retry --all small" in refused.figure
    assert finished_text(config) is None  # The next `run` has something to do.
    status = study_status(config)
    assert "the next `run` tries it again" in status.text() and not status.finished
    assert listed_studies(config.store.root)[0].state == "interrupted"

    again = FakeLauncher(flips_hurt)
    run(confirmable, again)
    assert again.started == [LOST]
    failed, trained = (each for each in runs(config) if each.name == LOST)
    assert (failed.outcome, trained.outcome) == ("failed", "completed")
    assert isinstance(failed.log[-1], Again) and "passing" in failed.log[-1].reason
    assert trained.folder.name == f"009-{LOST}" and trained.job.config == failed.job.config
    verdict = promote_best(config, say=lambda _: None)
    assert all(gate.passed for gate in verdict.gates if gate.name == "confirmed on fresh seeds")
    assert verdict.promoted and looks.count(LOST) == 1
    assert finished_text(config) is not None
    idle = FakeLauncher(flips_hurt)
    run(confirmable, idle)
    assert idle.started == []

    compare_study(config)
    tags = {key: found.data.tags for key, found in tracked_runs(config).items()}
    assert tags[failed.job.key]["tried_again"] == "tried again as 009"
    assert "Tried again as 009" in tags[failed.job.key]["mlflow.note.content"]
    assert tags[trained.job.key]["outcome"] == "completed"
    states = [trial.state for trial in trials(config)]
    assert Counter(states) == {TrialState.COMPLETE: 9, TrialState.FAIL: 1}
    rows = [line for line in study_status(config).text().splitlines() if LOST in line]
    assert len(rows) == 2 and rows[0].endswith("out_of_memory: as told; tried again as 009")
    assert listed_studies(config.store.root)[0].runs == {"completed": 9, "tried again": 1}


@pytest.mark.wide
def test_what_keeps_failing_is_tried_three_times_and_no_more(path: Path) -> None:
    bad, started = {"baseline": "killed"}, []
    for _ in range(MOST_TRIES + 2):
        launcher = FakeLauncher(fails=bad)
        with pytest.raises(RunError, match="its baseline failed"):
            run(path, launcher, "search.trials=0")
        started += launcher.started
    config = load_study(path)
    assert started.count("baseline") == MOST_TRIES
    assert len(failures(config)) == 1


@pytest.mark.wide
def test_a_killed_variant_and_a_bug_wait_for_a_person(path: Path) -> None:
    bad = {"slow": "killed", "no-flips": "bug"}  # Neither is asked for of itself.
    config = run(path, FakeLauncher(fails=bad), "search.trials=0")
    idle = FakeLauncher()
    run(path, idle, "search.trials=0")
    assert idle.started == []
    for failed in failures(config):
        ask_again(failed, "mended")
    again = FakeLauncher()
    run(path, again, "search.trials=0")
    assert again.started == ["no-flips", "slow"]


@pytest.mark.wide
def test_a_searched_run_keeps_its_name_its_place_and_its_share_of_the_budget(path: Path) -> None:
    config = run(path, FakeLauncher(fails={"search-002": "bug"}))
    where = f"store.root={config.store.root}"
    done = spineseg("retry", "small/search-002", "--set", where, "--json", cwd=path.parent)
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)
    assert told["asked"][0]["run"] == "search-002" and told["asked"][0]["failure"] == "bug"
    status = study_status(config)
    assert [t.name for t in status.trials if t.state == "waiting"] == ["search-002"]
    again = FakeLauncher()
    run(path, again)
    assert again.started == ["search-002"]
    failed, trained = (each for each in runs(config) if each.name == "search-002")
    assert failed.job.parameters == trained.job.parameters != {}
    assert failed.job.changes == trained.job.changes and trained.job.number == 6
    more = FakeLauncher()
    run(path, more, "search.trials=4")
    assert more.started == ["search-004"]


@pytest.mark.wide
def test_the_page_shows_both_and_every_id_is_its_own(path: Path) -> None:
    config = run(path, FakeLauncher(fails={"slow": "bug"}), "search.trials=0")
    ask_again(failures(config)[0], "mended")
    run(path, FakeLauncher(), "search.trials=0")
    comparison = compare_study(config)
    page = places(config).report.read_text()
    assert "002-slow</b>: failed (bug: as told), tried again as 003." in page
    assert "1 failed, 1 of them tried again" in page
    ids = [part.split('"', 1)[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    assert [run.name for run in comparison.summary.standing] == ["baseline", "no-flips", "slow"]
    assert "failed; tried again as 003" in comparison.text()
    slow = comparison.summary.run("slow")
    assert slow is not None and slow.outcome == "completed"
    csv = (places(config).folder / "comparison.csv").read_text().splitlines()
    assert [row.rsplit(",", 1)[1] for row in csv if row.startswith("slow")] == [
        "",
        "tried again as 003",
    ]


def test_a_retry_asked_for_while_the_study_runs_is_trained_by_that_run(path: Path) -> None:
    def mend(name: str) -> None:
        if name == "slow":
            launcher.fails.clear()
            ask_again(failures(config)[0], "mended meanwhile")

    config = run(path, FakeLauncher(), "search.trials=0", "variants=[]")
    launcher = FakeLauncher(fails={"no-flips": "bug"}, on_start=mend)
    run(path, launcher, "search.trials=0")
    assert launcher.started == ["no-flips", "slow", "no-flips"]
    assert {each.outcome for each in standing(runs(config))} == {"completed"}
    assert names(config) == ["baseline", "no-flips", "slow", "no-flips"]
