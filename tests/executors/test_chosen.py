"""Which executor a config asks for; Ray is imported for nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spineseg.config.study import StudyConfig
from spineseg.errors import ConfigError
from spineseg.places import StudyPlaces
from spineseg.training.executors.chosen import chosen_executor
from spineseg.training.executors.local import LocalExecutor


def config(tmp_path: Path, **devices: object) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "small",
            "data": {"sources": [{"kind": "local", "path": str(tmp_path)}]},
            "baseline": {"weights": "random"},
            "devices": {"device": "cpu", **devices},
            "store": {"root": str(tmp_path)},
        }
    )


def test_this_machine_is_chosen_by_itself_with_its_slots(tmp_path: Path) -> None:
    asked = config(tmp_path, trials_per_device=2)
    executor = chosen_executor(asked, StudyPlaces(tmp_path, "small"))
    assert isinstance(executor, LocalExecutor)
    assert [slot.name for slot in executor.slots()] == ["cpu", "cpu #2"]


def test_without_ray_the_remedy_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        name for name in sys.modules if name.startswith("spineseg.training.executors.ray")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)  # As where it is not installed.
    with pytest.raises(ConfigError, match='make setup EXTRA="ray"') as caught:
        chosen_executor(config(tmp_path, executor="ray"), StudyPlaces(tmp_path, "small"))
    assert "\n" not in str(caught.value)


def test_nothing_imports_ray_that_does_not_ask_for_it(tmp_path: Path) -> None:
    code = """
import sys
import study.cli, spineseg.training.executors.chosen, spineseg.training.executors.node_child
assert "ray" not in sys.modules, "imported"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
