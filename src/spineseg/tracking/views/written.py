"""Writes a study's views into its experiment; never in the way of the study."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection, Mapping, Sequence

import mlflow
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

from spineseg.config.study import StudyConfig
from spineseg.errors import StoreError
from spineseg.tracking.store import TrackingStore, experiment_id, refusing
from spineseg.tracking.views.arranged import study_views
from spineseg.tracking.views.marks import mark_runs, runs_beside
from spineseg.tracking.views.state import (
    LEAST_VERSION,
    OURS,
    PREFIX,
    View,
    as_tag,
    from_tag,
)

log = logging.getLogger(__name__)


def write_views(
    store: TrackingStore, config: StudyConfig, shown: Sequence[str] = (), best: str | None = None
) -> None:
    """Write the study's named views where they are missing or differ; mark baseline and best.

    `shown` names the films that its runs leave pictures of, `best` is the job's id of the best run
    so far. What stands in the way is one line of the log, never an error.
    """
    try:
        put_views(store, config, shown, best)
    except (StoreError, OSError) as error:
        log.warning(
            "MLflow did not take the named views: %s; the runs are there all the same, and the "
            "next `spineseg compare` tries again",
            error,
        )


def put_views(
    store: TrackingStore, config: StudyConfig, shown: Sequence[str] = (), best: str | None = None
) -> None:
    """Write the views as `write_views` does, and raise StoreError where the store does not answer.

    A view with another id, a person's, is never touched; where it has the name of one of ours,
    ours is called by another.
    """
    with refusing(store.uri):
        _put_views(store, config, shown, best)


def _put_views(
    store: TrackingStore, config: StudyConfig, shown: Sequence[str], best: str | None
) -> None:
    version = _pages_version(store)
    if version is None or _number(version) < LEAST_VERSION:
        known = f"is MLflow {version}" if version else "does not say which MLflow it is"
        log.warning(
            "the tracking server %s; named views need %s or newer, and none were written: its "
            "pages show the runs as they come",
            known,
            ".".join(map(str, LEAST_VERSION)),
        )
        return
    experiment = experiment_id(store, config.name)
    mark_runs(store, experiment, best)
    views = study_views(config, runs_beside(store, experiment, best), shown)
    tags = store.client.get_experiment(experiment).tags
    now = round(time.time() * 1000)
    for place, view in enumerate(views):
        # MLflow's menu lists the newest first: the first of ours is to be on top.
        _write(store, experiment, view, tags, now - 1000 * place)
    wanted = {view.tag for view in views}
    for key in tags:
        if key.startswith(PREFIX + OURS) and key not in wanted:
            store.client.delete_experiment_tag(experiment, key)  # Of a search that is no more.


def _write(
    store: TrackingStore, experiment: str, view: View, tags: Mapping[str, str], now_ms: int
) -> None:
    others = {key: from_tag(value) for key, value in tags.items() if key.startswith(PREFIX)}
    there = others.pop(view.tag, None)
    name = _free_name(view.name, [kept.name for kept in others.values() if kept])
    if there and (there.name, there.state) == (name, view.state):
        return
    value = as_tag(name, view.state, there.created_ms if there else now_ms, now_ms)
    if value is None:
        log.warning("the view %r is larger than MLflow keeps; it was not written", view.name)
        return
    if name != view.name:
        log.warning(
            "a person made a view called %r: it stays as it is, the study's own is called %r",
            view.name,
            name,
        )
    store.client.set_experiment_tag(experiment, view.tag, value)


def _free_name(name: str, taken: Collection[str]) -> str:
    """Return `name`, or one that tells it apart where another view has it, as MLflow compares."""
    known = {each.strip().lower() for each in taken}
    candidates = (name, *(f"{name} (study{n})" for n in ("", *range(2, len(known) + 2))))
    return next(each for each in candidates if each.lower() not in known)


def _pages_version(store: TrackingStore) -> str | None:
    """Return the version of the MLflow whose pages show the store; None where nobody says."""
    if not store.is_server:
        return str(mlflow.__version__)
    answer = http_request(
        get_default_host_creds(store.uri), "/version", "GET", raise_on_status=False
    )
    return answer.text.strip() if answer.status_code == 200 else None


def _number(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else (0, 0)
