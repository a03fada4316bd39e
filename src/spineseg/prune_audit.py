"""Trials that were to be given up and that run to their end all the same: which, since when."""

from __future__ import annotations

import random
from pathlib import Path

from spineseg.config.search import SearchConfig
from spineseg.events import Audited, append_event
from spineseg.files import write_whole
from spineseg.job import Job
from spineseg.run_log import told
from spineseg.runs import Run

AUDITED = "given_up_after_epoch"
"""What Optuna's trial of such a run has beside its job's: the epoch."""
_FILE = "audited"


def is_audited(search: SearchConfig, name: str) -> bool:
    """Return whether a trial of this name runs on when it is given up.

    It hangs on the search's seed and the name alone: who goes on after a kill decides alike.
    """
    return random.Random(f"audit/{search.seed}/{name}").random() < search.audit


def runs_on(run_folder: Path, job: Job, epoch: int, search: SearchConfig) -> bool:
    """Return whether a run that is given up after so many epochs runs on; note since when.

    One that ran on once does so to its end, whatever the share is by now.
    """
    if given_up_after(run_folder) is not None:
        return True
    if not is_audited(search, job.name):
        return False
    write_whole(run_folder / _FILE, str(epoch))
    return True


def given_up_after(run_folder: Path) -> int | None:
    """Return after which epoch a run had been given up that ran on; None where it was not."""
    try:
        return int((run_folder / _FILE).read_text())
    except FileNotFoundError:
        return None


def audited_after(run: Run) -> int | None:
    """Return the same by the run's log, or its folder where the driver was killed before that."""
    if run.job.kind != "search":
        return None
    said = next((e.epoch for e in told(run.log) if isinstance(e, Audited)), None)
    return said if said is not None else given_up_after(run.folder)


def put_on_record(run: Run) -> None:
    """Let the log of a run that has ended say that it was audited, once."""
    epoch = audited_after(run)
    if epoch is not None and not any(isinstance(e, Audited) for e in told(run.log)):
        append_event(run.folder, Audited(run=run.job.id, epoch=epoch))


def audit_attribute(run: Run) -> dict[str, int]:
    """Return what Optuna's trial of a run has of it; nothing where it was not audited."""
    epoch = audited_after(run)
    return {} if epoch is None else {AUDITED: epoch}
