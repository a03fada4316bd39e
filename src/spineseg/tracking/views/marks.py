"""Which runs stand out on MLflow's pages: the baseline and the best, by their colours."""

from __future__ import annotations

from mlflow.entities import Run

from spineseg.tracking.store import TrackingStore
from spineseg.tracking.tracked_runs import JOB_ID

COLOR = "mlflow.runColor"
"""MLflow's own tag: the dot beside a run's name, and its lines and bars in every chart."""
BASELINE, BEST = "#111111", "#e8590c"
# A view cannot pin runs: MLflow leaves pinned runs out of what it reads of a shared view.
_MOST_NAMED = 200  # Their ids of 32 letters must fit into a view's tag; so many lines say nothing.


def mark_runs(store: TrackingStore, experiment: str, best: str | None) -> None:
    """Give the baseline, the best run and what repeats them on fresh seeds their two colours.

    An earlier best loses its own. A colour that a person chose stays. `best` is a job's id; None
    leaves the best's as it is.
    """
    for run in _search(store, experiment, "tags.arm = 'baseline'"):
        _mark(store, run, BASELINE)
    if best is None:
        return
    arms = {run.data.tags.get("arm") for run in _search(store, experiment, _job(best))}
    for run in _search(store, experiment, f"tags.`{COLOR}` = '{BEST}'"):
        if run.data.tags.get("arm") not in arms:
            store.client.delete_tag(run.info.run_id, COLOR)
    for arm in arms - {"baseline", None}:
        for run in _search(store, experiment, f"tags.arm = '{arm}'"):
            _mark(store, run, BEST)


def runs_beside(store: TrackingStore, experiment: str, best: str | None) -> list[str]:
    """Return the ids of baseline, variants and the best run, where that is a searched one.

    Empty where a filter by kind says the same: the best is one of the named, or not known yet.
    """
    found = _search(store, experiment, _job(best)) if best else []
    if not found or found[0].data.tags.get("kind") != "search":
        return []
    named = _search(store, experiment, "tags.kind != 'search' AND tags.kind != 'confirm'")
    return [str(run.info.run_id) for run in [found[0], *named][:_MOST_NAMED]]


def _job(job_id: str) -> str:
    return f"tags.{JOB_ID} = '{job_id}'"


def _search(store: TrackingStore, experiment: str, runs: str) -> list[Run]:
    return list(store.client.search_runs([experiment], runs, max_results=1000))


def _mark(store: TrackingStore, run: Run, color: str) -> None:
    if COLOR not in run.data.tags:
        store.client.set_tag(run.info.run_id, COLOR, color)
