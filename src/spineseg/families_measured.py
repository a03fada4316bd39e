"""Measures what trained networks cost where they are used: seconds and memory, a film at a time."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable

from spineseg.errors import RecordError, RunError
from spineseg.files import write_whole
from spineseg.footprint import FOOTPRINT_FILE, Footprint, footprint
from spineseg.runs import Run
from spineseg.standing import best_of_each_network
from spineseg.study_record import StudyRecord
from spineseg.workers import cores

_FILMS = 10
_MOST_SECONDS = 600


def measure_families(study: StudyRecord, say: Callable[[str], None]) -> None:
    """Measure the best configuration of each network, where there are several families.

    What was measured is not measured again. A network that cannot be measured is said and left out.
    """
    best = best_of_each_network(
        run for run in study.runs if run.outcome == "completed" and run.job.kind != "confirm"
    )
    if len({run.job.config.family for run in best.values()}) < 2:
        return
    for run in best.values():
        if footprint(run.folder) is not None:
            continue
        say(f"measuring what {run.name} takes, a film at a time")
        try:
            found = _measured(run, study)
        except (RunError, RecordError) as error:
            say(str(error))
            continue
        write_whole(run.folder / FOOTPRINT_FILE, found.model_dump_json(indent=1))


def _measured(run: Run, study: StudyRecord) -> Footprint:
    weights, images = run.best_weights, run.job.dataset / "valid" / "images"
    entries = [entry for entry in study.manifest.entries if entry.part == "valid"]
    films = [images / entry.name for entry in entries[:_FILMS]]
    if not all(film.is_file() for film in films):
        raise RunError(f"{run.name} is not measured: its films are not at {images}")
    told = (study.places.trainer, weights, run.job.config.image_size_px, *films)
    command = [sys.executable, "-m", "spineseg.prediction.measured", *map(str, told)]
    try:
        said = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_MOST_SECONDS,
            check=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        ).stdout
        return Footprint(
            **json.loads(said.splitlines()[-1]),
            machine=f"{platform.machine()}, {cores()} cores",
            weights_bytes=weights.stat().st_size,
            time=time.time(),
        )
    except (subprocess.SubprocessError, ValueError, IndexError, OSError) as error:
        last = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
        raise RunError(f"{run.name} could not be measured: {' '.join(last)}") from None
