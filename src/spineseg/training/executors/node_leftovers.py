"""What attempts left on a node whose runs went on elsewhere: removed once nobody comes for it."""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from pathlib import Path

from spineseg.files import is_locked
from spineseg.places import DRIVER_LOCK, LOCK_FILE

log = logging.getLogger(__name__)
KEPT_SECONDS = 7 * 24 * 3600.0


def remove_leftovers(root: Path, now: float) -> list[Path]:
    """Remove attempts' places in a node's folder that nothing was written to for a week.

    One whose lock is held is at work, or waits to be. Returns what was removed; the log has it.
    """
    removed = []
    for place in sorted(root.glob("studies/*/*/")):
        with suppress(FileNotFoundError):  # Removed by another, at the same time.
            locks = [place / DRIVER_LOCK, *place.glob(f"*/{LOCK_FILE}")]
            if now - _last_written(place) > KEPT_SECONDS and not any(map(is_locked, locks)):
                shutil.rmtree(place, ignore_errors=True)
                removed.append(place)
    for place in removed:
        log.warning("%s: removed, nothing was written to it for a week", place)
    return removed


def _last_written(place: Path) -> float:
    """Return when the latest of a place's files was written, its run's log among them."""
    return max(path.stat().st_mtime for path in (place, *place.glob("*"), *place.glob("*/*")))
