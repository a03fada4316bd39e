"""What is advised after a baseline that failed can be pasted, and trains the study anew."""

from __future__ import annotations

import shlex
from pathlib import Path

from fake_trainer import FakeLauncher
from small_study import names, run, runs

from spineseg.report.going_on import go_on
from study.compare import compare_study

NO_SEARCH = "search.trials=0"


def test_a_study_whose_baseline_failed_is_trained_anew_as_is_advised(path: Path) -> None:
    config = run(path, FakeLauncher(fails={"baseline": "bug"}), NO_SEARCH)
    again = FakeLauncher()
    run(path, again, NO_SEARCH)
    assert again.started == []  # Which is why the same command is no advice.
    words, command = go_on(compare_study(config).summary)
    assert "bug: as told" in words
    verb, name, *options = shlex.split(command)
    assert verb == "run" and "--set" in options[::2]
    root = f"store.root={config.store.root}"
    anew = run(Path(name), FakeLauncher(), *dict.fromkeys([*options[1::2], root]))
    assert names(anew) == ["baseline", "no-flips", "slow"] and anew.name == "small-again"
    assert {each.outcome for each in runs(anew)} == {"completed"}
