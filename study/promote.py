"""From a study's best configuration to the registry: through every gate, or not at all."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from spineseg.config.study import StudyConfig
from spineseg.data.labelled import read_films
from spineseg.errors import StoreError
from spineseg.evidence.arms import Arm, confirmed_arms
from spineseg.evidence.gates import (
    BEFORE_OPENING,
    ON_TEST,
    Candidacy,
    is_the_champion,
    pass_through,
)
from spineseg.evidence.promotion import Promotion
from spineseg.evidence.results import GateResult
from spineseg.evidence.sealed_part import open_sealed, openings, seal_of, sealed_results
from spineseg.places import StudyPlaces
from spineseg.study_record import StudyRecord, read_study
from spineseg.tracking.carry import carry_over, not_carried
from spineseg.tracking.registry import champion, register_champion, rollback
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import job_runs
from spineseg.training.devices import chosen_devices
from study.stores import fill_stores
from study.trial_queue import refuse_another


def promote_best(
    config: StudyConfig,
    name: str | None = None,
    reason: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Promotion:
    """Promote the best confirmed configuration, or the one called `name`, if it passes every gate.

    The gates that need no test part come first; only if they all pass is it opened. Of the
    configuration's trainings, the one that validates best becomes the version. Raises StoreError
    where nothing is confirmed, where the study is being run or promoted by another process, and
    where the test part was opened before and `reason` is missing.
    """
    places = StudyPlaces(config.store.root, config.name)
    read_study(places)
    with places.lock():
        return _promote(config, read_study(places), name, reason, say)


def _promote(
    config: StudyConfig,
    study: StudyRecord,
    name: str | None,
    reason: str | None,
    say: Callable[[str], None],
) -> Promotion:
    refuse_another(config, study.runs, None)
    arms = confirmed_arms(study.runs)
    chosen, baseline = _chosen(arms, name, config), arms["baseline"]
    store = open_store(study.places.root, config.store.mlflow_uri)
    parent = fill_stores(store, config, study)
    runs = [*chosen.runs, *baseline.runs]
    candidacy = Candidacy(
        config=config,
        chosen=chosen,
        baseline=baseline,
        audit=study.audit,
        fingerprint=study.manifest.fingerprint,
        not_in_mlflow=[run.name for run in not_carried(store, config.name, runs)],
        champion=champion(store, config.promote.model_name),
    )
    gates = pass_through(BEFORE_OPENING, candidacy)
    if all(gate.passed for gate in gates):
        open_sealed(study, reason, chosen_devices(config.devices.device)[0].name, say)
        study = read_study(study.places)  # Its runs' logs now say what the test part said.
        carry_over(store, config.name, parent, study.runs)
        candidacy = replace(candidacy, test=sealed_results(study, config.objective))
        gates += pass_through(ON_TEST, candidacy)
    promoted = all(gate.passed for gate in gates)
    version = _register(store, study, candidacy, gates) if promoted else None
    holder = candidacy.champion
    verdict = Promotion(
        run=chosen.name,
        promoted=promoted,
        model_name=config.promote.model_name,
        version=version,
        against=f"version {holder.version}" if holder else "baseline",
        gates=tuple(gates),
        test_opened=bool(openings(study.places, seal_of(study.manifest))),
        scored=candidacy.test is not None,
        is_champion=is_the_champion(candidacy),
        synthetic=study.manifest.synthetic,
    )
    if not verdict.is_champion:  # Else what is kept is the verdict that made it champion.
        verdict.save(study.places.verdict)
    return verdict


def roll_back(config: StudyConfig, version: str) -> str:
    """Make an earlier version champion again, entered in the ledger; return what was done.

    Raises StoreError for a version that there is not.
    """
    places = StudyPlaces(config.store.root, config.name)
    name = config.promote.model_name
    rollback(open_store(places.root, config.store.mlflow_uri), name, version, places.promotions)
    return f"version {version} of {name} is champion again"


def _chosen(arms: dict[str, Arm], name: str | None, config: StudyConfig) -> Arm:
    if "baseline" not in arms:
        raise StoreError(
            f"study {config.name!r}: nothing is confirmed on fresh seeds yet, so nothing can be "
            "promoted; go on with `spineseg run`"
            + ("" if config.confirm else ", with confirm.top and confirm.seeds set")
        )
    finalists = [arm for arm in arms if arm != "baseline"]
    if not finalists:
        raise StoreError(
            f"study {config.name!r}: only the baseline is confirmed; set confirm.top to 1 or more "
            "and go on with `spineseg run`"
        )
    if name is not None and name not in finalists:
        raise StoreError(
            f"study {config.name!r} has no confirmed configuration {name!r}; it has "
            f"{', '.join(finalists)}"
        )
    return arms[name or finalists[0]]  # Arms are sorted by their confirmed score.


def _register(
    store: TrackingStore, study: StudyRecord, candidacy: Candidacy, gates: Sequence[GateResult]
) -> str:
    """Make the configuration's best validated training the champion; return its version."""
    chosen, config = candidacy.chosen, candidacy.config
    test, result, _ = candidacy.tested
    run = max(chosen.fresh, key=lambda run: (run.value, -run.job.number))
    film = read_films(study.needed_data_folder(), "valid")[0].path
    return register_champion(
        store,
        run_id=str(job_runs(store, config.name)[run.job.id].info.run_id),
        weights=run.best_weights,
        model_name=config.promote.model_name,
        image_size_px=run.job.config.image_size_px,
        numbering=run.job.numbering,
        evidence={
            "study": config.name,
            "run": chosen.name,
            "training": run.name,
            "synthetic": study.manifest.synthetic,
            "objective": config.objective,
            "numbering": config.numbering,
            "data_fingerprint": study.manifest.fingerprint,
            "metrics": run.scores().metrics(),
            "test": {effect.metric: effect.challenger for effect in result.effects},
            "effects": [effect.model_dump() for effect in result.effects],
            "openings": [opening.model_dump() for opening in test.openings],
            "gates": [gate.model_dump() for gate in gates],
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        },
        example=base64.b64encode(film.read_bytes()).decode(),
        ledger=study.places.promotions,
    )
