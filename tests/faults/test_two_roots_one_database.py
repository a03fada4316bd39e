"""Two drivers of two roots and one study's name at one PostgreSQL: only one is ever let in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_process import Manner, behave
from fault_study import DONE, FaultStudy, begun, until, write_fault_study
from group_server import PostgreSQL, postgresql_server
from small_study import optuna_study
from stopped_studies import STUDY

from spineseg.runs import read_runs

pytestmark = pytest.mark.wide
TEXT = STUDY.replace("confirm: {{top: 1, seeds: 2}}", "confirm: null")


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    with postgresql_server() as server:
        yield server


def names(study: FaultStudy) -> list[str]:
    return [run.name for run in read_runs(study.places.folder)]


def refusal(study: FaultStudy) -> str:
    """Return the line with which its driver was refused; nothing of it was begun."""
    driver = begun(study)
    assert driver.wait(180) == 2
    assert not study.places.folder.exists() or names(study) == []
    (line,) = [line for line in study.said.splitlines() if line.startswith("spineseg: ")]
    return line


def test_a_second_root_is_refused_while_the_first_trains_and_after_and_harms_nothing(
    tmp_path: Path, empty_stores: Path, server: PostgreSQL
) -> None:
    url = server.database("trials")
    text = TEXT.replace(
        "store: {{root: {root}}}", f"store: {{{{root: {{root}}, optuna_url: '{url}'}}}}"
    )
    assert url in text
    first, second = (
        write_fault_study(
            tmp_path / name,
            empty_stores,
            text=text,
            trials=2,
            epochs=60,
            manner=Manner(epoch_seconds=0.5),
        )
        for name in ("one", "other")
    )
    driver = begun(first)
    until(lambda: first.places.folder.exists() and names(first), 120, driver)
    line = refusal(second)
    assert f"study 'small' is in the hands of process {driver.pid} " in line
    assert str(first.places.root) in line and "since" in line
    assert driver.poll() is None
    behave(first.places.trainer, Manner())  # Those that begin from now on are quick.
    assert driver.wait(240) == DONE
    line = refusal(second)  # Nobody holds it, and the trials there are the first root's.
    assert "has run 000-baseline of study 'small'" in line and "there is no folder of it" in line
    runs = read_runs(first.places.folder)
    assert len(runs) == 5 and all(run.end for run in runs)
    assert len(optuna_study(first.config).get_trials()) == 5
    assert begun(first).wait(120) == DONE, "it is as it was"
