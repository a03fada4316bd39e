"""How far a network's outlines lie from labels, as its own validation measured it."""

from __future__ import annotations

from pathlib import Path

from spineseg.chosen_model import Asked, Chosen, store_place
from spineseg.errors import DataError
from spineseg.evaluation.stored import stored_scores

_METRIC = "best/outline_error"


def outline_error_of(asked: Asked, chosen: Chosen) -> float | None:
    """Return the mean distance of outlines from labels, as a share of the film's height.

    Of a run by its scores on its validation films, of a registered version by its run in MLflow;
    None for weights of which nobody kept it. Raises StoreError where the store does not answer.
    """
    if "file" in chosen.source:
        file = Path(chosen.source["file"]).resolve()
        if (file.stem, file.parent.name, file.parent.parent.name) != ("best", "weights", "train"):
            return None
        try:
            scores = stored_scores(file.parents[2], "valid", chosen.numbering.numbering)
        except DataError:
            return None
        return scores.outline_error
    from spineseg.tracking.model_versions import model_version, run_metric
    from spineseg.tracking.store import open_existing_store

    place = store_place(asked)
    store = open_existing_store(place.root, place.mlflow_uri)
    version = model_version(store, f"{chosen.source['model']}/{chosen.source['version']}")
    return run_metric(store, version.run_id, _METRIC)
