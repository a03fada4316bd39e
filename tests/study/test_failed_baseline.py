"""What is advised after a baseline that failed can be pasted, and the same study goes on."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from command import spineseg
from fake_trainer import FakeLauncher
from small_study import names, run, runs

from spineseg.config.yaml_files import load_study
from spineseg.errors import RunError
from spineseg.report.going_on import go_on
from spineseg.standing import standing
from study.compare import compare_study

NO_SEARCH = "search.trials=0"


@pytest.mark.wide
def test_a_study_whose_baseline_failed_goes_on_as_is_advised(path: Path) -> None:
    config, idle = load_study(path, [NO_SEARCH]), FakeLauncher()
    for launcher in (FakeLauncher(fails={"baseline": "bug"}), idle):
        with pytest.raises(RunError, match="its baseline failed"):
            run(path, launcher, NO_SEARCH)
    assert idle.started == []  # Which is why the same command is no advice.
    words, command = go_on(compare_study(config).summary)
    assert "bug: as told" in words and "Mend the cause" in words
    done = spineseg(
        *shlex.split(command), "--set", f"store.root={config.store.root}", cwd=path.parent
    )
    assert done.returncode == 0, done.stderr
    again = FakeLauncher()
    run(path, again, NO_SEARCH)
    assert again.started == ["baseline", "no-flips", "slow"]
    assert names(config) == ["baseline", "baseline", "no-flips", "slow"]
    assert {each.outcome for each in standing(runs(config))} == {"completed"}
    summary = compare_study(config).summary
    assert summary.evidence is not None and summary.baseline is not None
    assert summary.baseline.outcome == "completed" and summary.baseline.number == 1
