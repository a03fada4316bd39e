"""From a study's best configuration to the registry: through every gate, or as a challenger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from spineseg.config.recorded import by_name
from spineseg.config.study import StudyConfig
from spineseg.errors import StoreError
from spineseg.evidence.arms import Arm, confirmed_arms
from spineseg.evidence.candidacy import (
    Candidacy,
    best_validated,
    is_the_champion,
    pass_through,
)
from spineseg.evidence.defenders import against_defenders, defenders, score_defenders, starts
from spineseg.evidence.gates import BEFORE_OPENING
from spineseg.evidence.gates_on_test import ON_TEST
from spineseg.evidence.model_evidence import model_evidence
from spineseg.evidence.promotion import Promotion, Registered
from spineseg.evidence.results import GateResult
from spineseg.evidence.sealed_part import open_sealed, openings, sealed_results
from spineseg.live_line import doing
from spineseg.places import StudyPlaces
from spineseg.runs import Run
from spineseg.study_record import StudyRecord, read_study
from spineseg.tracking.carry import carry_over, not_carried
from spineseg.tracking.filled import filled_mlflow
from spineseg.tracking.ledger import read_ledger
from spineseg.tracking.model_package import example_film
from spineseg.tracking.model_versions import (
    ALIAS,
    Champion,
    alias_version,
    champion,
    unlike_ledger,
)
from spineseg.tracking.registry import (
    CHALLENGER,
    Registration,
    refuse_without_rights,
    register_challenger,
    register_champion,
    rollback,
    settle,
)
from spineseg.tracking.shared_openings import bring_openings, share_openings
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import job_runs
from spineseg.training.devices import chosen_devices
from spineseg.trials import refuse_another
from study.optuna_projection import fill_optuna


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
    doing("bringing MLflow and Optuna to what the folders say")
    store = open_store(study.places.root, config.store.mlflow_uri)
    fill_optuna(config, study.runs, say)
    parent = filled_mlflow(store, config, study)
    doing("asking the gates")
    runs = [*chosen.runs, *baseline.runs]
    holder = _champion(store, config.promote.model_name, say)
    in_the_way = defenders(store, study, config.promote.model_name)
    candidacy = Candidacy(
        config=config,
        chosen=chosen,
        baseline=baseline,
        finalists=[arm for arm in arms.values() if arm is not baseline],
        audit=study.audit,
        manifest=study.manifest,
        not_in_mlflow=[run.name for run in not_carried(store, config.name, runs)],
        champion=holder,
        defenders=in_the_way,
        starts=starts(store, study, [chosen, baseline]),
    )
    gates = pass_through(BEFORE_OPENING, candidacy)
    if all(gate.passed for gate in gates):
        refuse_without_rights(store, config.promote.model_name)
        device = chosen_devices(config.devices.device)[0].name
        beside = {each.name: each.champion.weights_sha256 or "" for each in in_the_way}
        bring_openings(store, config.store.root)
        share = partial(share_openings, store, config.store.root, config.name)
        told = [o for each in in_the_way for o in each.champion.evidence.get("openings", ())]
        open_sealed(study, candidacy.decision, reason, device, say, beside, share, told)
        score_defenders(store, study, in_the_way, device)
        doing("asking the gates on the test part")
        study = read_study(study.places)  # Its runs' logs now say what the test part said.
        carry_over(store, config.name, parent, study.runs)
        candidacy = replace(candidacy, test=sealed_results(study, config.objective))
        against = against_defenders(study, in_the_way, chosen, candidacy.tested[2])
        candidacy = replace(candidacy, against=against)
        gates += pass_through(ON_TEST, candidacy)
    promoted = all(gate.passed for gate in gates)
    version = _register(store, study, candidacy, gates, reason) if promoted else None
    verdict = Promotion(
        run=chosen.name,
        promoted=promoted,
        model_name=config.promote.model_name,
        version=version,
        against=f"version {holder.version}" if holder else "baseline",
        gates=tuple(gates),
        test_opened=bool(openings(study)),
        scored=candidacy.test is not None,
        is_champion=is_the_champion(candidacy),
        synthetic=study.manifest.synthetic,
    )
    if not verdict.is_champion:  # Else what is kept is the verdict that made it champion.
        verdict.save(study.places.verdict)
    return verdict


def roll_back(
    config: StudyConfig,
    version: str,
    reason: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Registered:
    """Make an earlier version champion again, entered in the ledger; return what was done.

    Raises StoreError for a version that there is not, and for one that cannot be champion.
    """
    name = config.promote.model_name
    store = open_store(config.store.root, config.store.mlflow_uri)
    settle(store, name, say)
    rollback(store, name, version, reason or "no reason given")
    return Registered(model_name=name, version=version, alias=ALIAS)


def challenge(
    config: StudyConfig,
    name: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Registered:
    """Register the run called `name`, or the best one, with the alias challenger.

    No gate is asked, the test part is not opened and the champion stays. Raises StoreError where
    there is no such run, or the study is being run or promoted by another process.
    """
    places = StudyPlaces(config.store.root, config.name)
    read_study(places)
    with places.lock():
        study = read_study(places)
        refuse_another(config, study.runs, None)
        called, run = _challenger(study, name, config)
        store = open_store(study.places.root, config.store.mlflow_uri)
        fill_optuna(config, study.runs, say)
        filled_mlflow(store, config, study)
        _settled(store, config.promote.model_name, say)
        beside = alias_version(store, config.promote.model_name)
        evidence = model_evidence(study, config, run, called)
        version = register_challenger(store, _registration(store, study, config, run, evidence))
    return Registered(
        model_name=config.promote.model_name,
        version=version,
        alias=CHALLENGER,
        run=called,
        champion=beside,
        synthetic=study.manifest.synthetic,
    )


def _champion(store: TrackingStore, model_name: str, say: Callable[[str], None]) -> Champion | None:
    """Return the champion; say what was half made, and what became of one that is lost."""
    _settled(store, model_name, say)
    holder = champion(store, model_name)
    if holder is not None and holder.note:
        say(f"champion version {holder.version}: {holder.note}")
    return holder


def _settled(store: TrackingStore, model_name: str, say: Callable[[str], None]) -> None:
    """Remove what was half made; say that, and how the champion is another than was promoted."""
    settle(store, model_name, say)
    unlike = unlike_ledger(store, read_ledger(store), model_name)
    if unlike is not None:
        say(unlike)


def _challenger(study: StudyRecord, name: str | None, config: StudyConfig) -> tuple[str, Run]:
    """Return the configuration and the training that is to be the challenger."""
    arms = confirmed_arms(study.runs)
    completed = {run.name: run for run in study.runs if run.outcome == "completed"}
    others = [run for run in completed.values() if run.job.arm != "baseline"]
    finalists = [arm for arm in arms if arm != "baseline"]
    chosen = name or next(iter(finalists), None)
    if chosen in finalists:
        return chosen, best_validated(arms[chosen].fresh)
    if chosen in completed:
        return chosen, completed[chosen]
    if name is None and others:
        best = best_validated(others)
        return best.name, best
    raise StoreError(
        f"study {study.places.study!r} has no completed run {name or 'but the baseline'!r}; it has "
        f"{', '.join(completed) or 'none'}; name one with --run, or go on with "
        f"`{by_name('run', config)}`"
    )


def _chosen(arms: dict[str, Arm], name: str | None, config: StudyConfig) -> Arm:
    run = by_name("run", config)
    if "baseline" not in arms:
        raise StoreError(
            f"study {config.name!r}: nothing is confirmed on fresh seeds yet, so nothing can be "
            f"promoted; go on with `{run}`"
            + ("" if config.confirm else ", with confirm.top and confirm.seeds set")
        )
    finalists = [arm for arm in arms if arm != "baseline"]
    if not finalists:
        raise StoreError(
            f"study {config.name!r}: only the baseline is confirmed; go on with "
            f"`{run} --set confirm.top=1`"
        )
    if name is not None and name not in finalists:
        raise StoreError(
            f"study {config.name!r} has no confirmed configuration {name!r}; it has "
            f"{', '.join(finalists)}"
        )
    return arms[name or finalists[0]]  # Arms are sorted by their confirmed score.


def _register(
    store: TrackingStore,
    study: StudyRecord,
    candidacy: Candidacy,
    gates: Sequence[GateResult],
    reason: str | None,
) -> str:
    """Make the configuration's best validated training the champion; return its version."""
    doing("registering the model")
    chosen, config = candidacy.chosen, candidacy.config
    test, result, effect = candidacy.tested
    run = best_validated(chosen.fresh)
    evidence = model_evidence(study, config, run, chosen.name, gates=gates, tested=(test, result))
    why = f"passed {len(gates)} gates; {effect.metric} {effect.difference:+.4f} on the test part"
    asked = _registration(store, study, config, run, evidence)
    return register_champion(store, asked, f"{reason}; {why}" if reason else why)


def _registration(
    store: TrackingStore,
    study: StudyRecord,
    config: StudyConfig,
    run: Run,
    evidence: dict[str, Any],
) -> Registration:
    return Registration(
        run_id=str(job_runs(store, config.name)[run.job.id].info.run_id),
        weights=run.best_weights,
        model_name=config.promote.model_name,
        image_size_px=run.job.config.image_size_px,
        numbering=run.job.numbering,
        evidence=evidence,
        example=example_film(),
    )
