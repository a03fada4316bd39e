"""Measures what trained networks cost where they are used: seconds and memory, a film at a time."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from spineseg.data.manifest import Manifest
from spineseg.errors import RunError
from spineseg.files import write_whole
from spineseg.footprint import FOOTPRINT_FILE, Footprint, footprint
from spineseg.runs import Run
from spineseg.workers import cores

_FILMS = 10
_MOST_SECONDS = 600


def measure_families(runs: Sequence[Run], manifest: Manifest, say: Callable[[str], None]) -> None:
    """Measure the network of each configuration on fresh ground, where there are several families.

    What was measured is not measured again. A network that cannot be measured is said and left out.
    """
    done = [run for run in runs if run.outcome == "completed" and run.job.kind != "confirm"]
    if len({run.job.config.family for run in done}) < 2:
        return
    for run in done:
        if footprint(run.folder) is not None:
            continue
        say(f"measuring what {run.name} takes, a film at a time")
        try:
            found = _measured(run, manifest)
        except RunError as error:
            say(str(error))
            continue
        write_whole(run.folder / FOOTPRINT_FILE, found.model_dump_json(indent=1))


def _measured(run: Run, manifest: Manifest) -> Footprint:
    weights = run.best_weights
    names = [entry.name for entry in manifest.entries if entry.part == "valid"][:_FILMS]
    films = [str(run.job.dataset / "valid" / "images" / name) for name in names]
    size = str(run.job.config.image_size_px)
    command = [sys.executable, "-m", "spineseg.prediction.measured", str(weights), size, *films]
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
