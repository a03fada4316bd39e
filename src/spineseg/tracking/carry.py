"""Brings what the tracking store misses of a study's ended runs into it; says what it misses."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from mlflow.entities import Metric
from mlflow.entities import Run as TrackedRun

from spineseg.errors import RecordError, RefusedError, StoreError
from spineseg.live_line import counting
from spineseg.runs import Run
from spineseg.standing import standing
from spineseg.tracking.projection import RunProjection, has_files
from spineseg.tracking.run_note import run_note
from spineseg.tracking.selection import GAIN, end_metrics
from spineseg.tracking.store import TrackingStore, refusing, without_password
from spineseg.tracking.tracked_runs import (
    CARRIED,
    JOB_ID,
    NOTE,
    TRIED_AGAIN,
    as_tags,
    is_of_an_earlier_version,
    job_runs,
)
from spineseg.tracking.twins import found_run
from spineseg.tries import again_in_words, tried_again

log = logging.getLogger(__name__)


def not_carried(store: TrackingStore, study: str, runs: Iterable[Run]) -> list[Run]:
    """Return the study's ended runs whose whole record, files included, is not in the store.

    Raises StoreError where the store does not answer.
    """
    there = job_runs(store, study)
    return [run for run in runs if run.end and not _is_whole(store, there.get(run.job.id), run)]


def _is_whole(store: TrackingStore, found: TrackedRun | None, run: Run) -> bool:
    if found is None or run.end is None or is_of_an_earlier_version(found):
        return False
    if int(found.data.tags.get(CARRIED, 0)) != len(run.log):
        return False
    return has_files(store, found, run.end)


def carry_over(store: TrackingStore, study: str, parent: str, runs: Iterable[Run]) -> list[Run]:
    """Bring what the store misses of ended runs into it; return those that it did not take.

    Raises StoreError where it does not answer, at once: each further run would wait as long. One
    that answers, and of two runs in a row takes neither, counts as such; of one it is that run's.
    """
    runs, there = list(runs), job_runs(store, study, mend=True)
    baseline = next((run for run in standing(runs) if run.job.kind == "baseline"), None)
    later = tried_again(runs)
    missed, renamed, failed = [], 0, False
    ended = [run for run in runs if run.end]
    for run in counting(ended, len(ended), "run"):
        found = there.get(run.job.id)
        renamed += found is not None and is_of_an_earlier_version(found)
        try:
            carry_one(store, parent, run, found, baseline, later.get(run.job.id))
            failed = False
        except (StoreError, RecordError, OSError) as error:
            if isinstance(error, StoreError) and not isinstance(error, RefusedError):
                if failed:
                    raise
                failed = True
                with refusing(store.uri):
                    store.client.search_experiments(max_results=1)
            log.warning("MLflow did not take %s: %s", run.folder.name, without_password(str(error)))
            missed.append(run)
    tell_renamed(renamed)
    return missed


def carry_one(
    store: TrackingStore,
    parent: str,
    run: Run,
    found: TrackedRun | None,
    baseline: Run | None,
    later: Run | None,
) -> None:
    """Bring what the store misses of one ended run into it; `found` is what it has of it,
    `later` the run that was begun in place of a failed one.

    Raises StoreError where the store does not take it, RecordError where the run's weights are
    gone.
    """
    if found is not None and _is_whole(store, found, run):
        _fill_gain(store, found, run, baseline)
        _fill_again(store, found, run, later)
        return
    RunProjection(store, lambda: parent, run.folder, run.job).carry()
    if run.failed is not None and later is not None:
        with refusing(store.uri):
            experiment = store.client.get_run(parent).info.experiment_id
            found = found_run(store, experiment, JOB_ID, run.job.id)
        if found is not None:
            _fill_again(store, found, run, later)


def tell_renamed(count: int) -> None:
    """Say in the log that so many runs were those of an earlier version."""
    if count:
        log.warning(
            "MLflow had %d runs of an earlier version of this software: they now have this one's "
            "names too, beside the old metrics and params, which MLflow does not let go; an "
            "empty store.mlflow_uri is filled without them",
            count,
        )


def _fill_again(store: TrackingStore, found: TrackedRun, run: Run, later: Run | None) -> None:
    """Say of a failed run as which it was tried again."""
    words = again_in_words(run, later)
    if run.failed is None or later is None or found.data.tags.get(TRIED_AGAIN) == words:
        return
    tags = {TRIED_AGAIN: words, NOTE: run_note(run.job, run.failed, None, run.log, words)}
    with refusing(store.uri):
        store.client.log_batch(found.info.run_id, tags=as_tags(tags))


def _fill_gain(store: TrackingStore, found: TrackedRun, run: Run, baseline: Run | None) -> None:
    """Compare a run that ended before the baseline did with the baseline, now that it has ended."""
    if run.finished is None or baseline is None or baseline.finished is None:
        return
    score = baseline.value
    gain = end_metrics(run.job, run.finished, score).get(GAIN)
    if gain is None or found.data.metrics.get(GAIN) == gain:
        return
    at = round(max(run.finished.time, baseline.finished.time) * 1000)  # The later word counts.
    note = {NOTE: run_note(run.job, run.finished, score, run.log)}
    with refusing(store.uri):
        store.client.log_batch(
            found.info.run_id, metrics=[Metric(GAIN, gain, at, 0)], tags=as_tags(note)
        )
