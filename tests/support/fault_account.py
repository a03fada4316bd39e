"""What a study that was killed says at its end, what is wrong with it, and where it differs."""

from __future__ import annotations

import json
from pathlib import Path

from fault_checks import problems, unexplained
from fault_kills import END_SECONDS, Starter
from fault_study import DONE, FaultStudy, forked
from stopped_studies import differences, told

from spineseg.events import EVENTS_FILE, Epoch
from spineseg.runs import read_runs


def settled(study: FaultStudy, start: Starter = forked) -> list[str]:
    """Return what one more start of a study at its end does, and should not."""
    found = []
    before = _folders(study)
    again = start(study)
    if again.wait(END_SECONDS) != DONE:
        found.append(f"once more, at its end, it ends with {again.code}: {study.said[-300:]}")
    if _folders(study) != before:
        found.append("one more start of it, at its end, changes its folders")
    return found


def _folders(study: FaultStudy) -> dict[str, str]:
    return {
        str(log.parent.name): log.read_text()
        for log in study.places.folder.glob(f"*/{EVENTS_FILE}")
    }


def account(study: FaultStudy, mlflow: Path, artifacts: Path) -> Path:
    """Write, in a fork, what a study says and what is wrong with it; return the file."""
    file = study.path.parent / "account.json"

    def write() -> int:
        said = told(study.path)
        wrong = problems(study, mlflow, artifacts)
        if study.slots > 1:
            wrong += unexplained(study)
        again = sum(
            sum(isinstance(event, Epoch) for event in run.log) - len(run.epochs)
            for run in read_runs(study.places.folder)
        )
        text = json.dumps({"told": said, "problems": wrong, "again": again})
        file.write_text(text.replace(study.config.name, "small"))  # On a server each has its own.
        return 0

    driver = forked(study, write)
    if driver.wait(END_SECONDS):
        raise AssertionError(study.said)
    return file


def compared(whole: Path | None, killed: Path) -> list[str]:
    """Return what is wrong with a killed study, and where it differs from one left alone."""
    mine = json.loads(killed.read_text())
    found = list(mine["problems"])
    if whole is not None:
        found += differences(json.loads(whole.read_text())["told"], mine["told"])
    return found
