"""Several MLflow runs of one thing: one is kept, the others go.

A server that is slow makes a run after its client has given up and asked anew. What a run is of
stands in one of its tags; whoever looks for it finds all of that tag, and leaves one: the one that
holds most, of those that hold as much the oldest.
"""

from __future__ import annotations

import logging

from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from spineseg.tracking.store import TrackingStore

CARRIED = "events_carried"  # So many events of the run's log are in the store.
_MOST = 100
log = logging.getLogger(__name__)


def found_run(store: TrackingStore, experiment: str, tag: str, value: str) -> Run | None:
    """Return the run with this tag; of several one is kept, and the others are deleted.

    Raises what MLflow raises.
    """
    found = store.client.search_runs([experiment], f"tags.{tag} = '{value}'", max_results=_MOST)
    return kept(store, experiment, found) if found else None


def kept(store: TrackingStore, experiment: str, found: list[Run]) -> Run:
    """Keep one of some runs of one thing, delete the others. Raises what MLflow raises."""
    first, *others = sorted(found, key=rank)
    for other in others:
        _hand_on_children(store, experiment, other, first)
        store.client.delete_run(other.info.run_id)
    if others:
        log.warning(
            "MLflow had %d runs for %s: %d were deleted; a server that is slow makes such",
            len(found),
            first.info.run_name,
            len(others),
        )
    return first


def rank(run: Run) -> tuple[int, int, int, str]:
    """Return what runs of one thing are sorted by: the first is the one to keep."""
    carried = int(run.data.tags.get(CARRIED, 0))
    return -carried, -len(run.data.params), run.info.start_time, run.info.run_id


def _hand_on_children(store: TrackingStore, experiment: str, other: Run, first: Run) -> None:
    mine = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{other.info.run_id}'"
    for child in store.client.search_runs([experiment], mine, max_results=1000):
        store.client.set_tag(child.info.run_id, MLFLOW_PARENT_RUN_ID, first.info.run_id)
