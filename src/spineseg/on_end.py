"""Tells the user's command and webhook how a study ended: tried once, never in the way."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from spineseg.config.study import StudyConfig
from spineseg.errors import InUseError
from spineseg.evidence.promotion import Promotion
from spineseg.evidence.results import StudySummary
from spineseg.notices import hand_to_command, post
from spineseg.report.sections.answer import answer
from spineseg.tracking.store import without_password

log = logging.getLogger(__name__)


def tell_finished(config: StudyConfig, summary: StudySummary, page: Path) -> None:
    """Tell that a study is at its end, and what it has shown."""
    best = summary.best_run
    _tell(
        config,
        "finished",
        answer=answer(summary).text,
        best=best and {"run": best.name, config.objective: best.value(config.objective)},
        runs=Counter(run.outcome for run in summary.standing),
        report=str(page.resolve()),
    )


def tell_promoted(config: StudyConfig, verdict: Promotion) -> None:
    """Tell of a new champion."""
    gates = {gate.name: gate.figure for gate in verdict.gates}
    model = {"name": verdict.model_name, "version": verdict.version, "against": verdict.against}
    _tell(config, "promoted", run=verdict.run, model=model, gates=gates)


@contextmanager
def failure_told(config: StudyConfig) -> Iterator[None]:
    """Tell of whatever error ends a study within, and let it go on its way.

    Not of a study that another process has at work: it goes on there.
    """
    try:
        yield
    except InUseError:
        raise
    except Exception as error:
        _tell(config, "failed", error=without_password(str(error) or type(error).__name__)[:500])
        raise


def _tell(
    config: StudyConfig, event: Literal["finished", "failed", "promoted"], **facts: Any
) -> None:
    """Hand the study, the event and `facts`, as JSON, to whom the config names."""
    if config.on_end is None:
        return
    uri = config.store.mlflow_uri or f"sqlite:///{(config.store.root / 'mlflow.db').resolve()}"
    what = {
        "event": event,
        "study": config.name,
        "synthetic": config.synthetic,
        "objective": config.objective,
        "mlflow": without_password(uri).partition("?")[0],  # A database's may hold a password.
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    body = json.dumps(what | facts).encode()
    told = config.on_end
    problems = [hand_to_command(told.command, body)] if told.command else []
    problems += [post(told.webhook.get_secret_value(), body)] if told.webhook else []
    for problem in filter(None, problems):
        log.warning("on_end: %s; the study is unharmed", problem)
