"""What was removed from a run's folder: `shrunk.json` in it, written before anything goes."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, ValidationError

from spineseg.config.model import Model
from spineseg.errors import RecordError

SHRUNK_FILE = "shrunk.json"


class Shrunk(Model):
    """What was removed from a run's folder, and when."""

    time: float = Field(description="Seconds since the Unix epoch.")
    removed: dict[str, int] = Field(description="Bytes of each file, by its path in the folder.")


def shrunk(run_folder: Path) -> Shrunk | None:
    """Return what was removed from a run's folder; None where it has all.

    Raises RecordError where what says so is damaged.
    """
    path = run_folder / SHRUNK_FILE
    try:
        return Shrunk.model_validate(json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError):
        raise RecordError(
            f"{path}: cannot be read, so it is not known what was removed from the run's folder; "
            "put a backup in its place, or delete it where nothing was"
        ) from None
