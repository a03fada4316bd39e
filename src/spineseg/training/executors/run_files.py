"""Which files of a run's folder travel between the driver's machine and a node."""

from __future__ import annotations

import os
from pathlib import Path

from spineseg.events import EVENTS_FILE
from spineseg.job import JOB_FILE
from spineseg.places import LOCK_FILE
from spineseg.training.control import ATTEMPT_FILE, LOG_FILE, STOP_FILE, WORTH_FILE

# Logs and words go line by line, and a job names the places of its own machine.
_OF_ITS_PLACE = {
    *(JOB_FILE, EVENTS_FILE, LOG_FILE, STOP_FILE, WORTH_FILE),
    *(LOCK_FILE, ATTEMPT_FILE),
}


def run_files(folder: Path) -> dict[str, Path]:
    """Return the files of a run that travel as they are, by their paths in its folder."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            inner = path.relative_to(folder).as_posix()
            if inner not in _OF_ITS_PLACE and not name.endswith(".part"):
                found[inner] = path
    return dict(sorted(found.items()))
