"""Gates between a study's best configuration and the registry: each with its figure, or refused."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from statistics import fmean

import optuna

from spineseg.config.model import Model
from spineseg.config.study import StudyConfig
from spineseg.data.audit import load_audit
from spineseg.data.labelled import read_films
from spineseg.data.manifest import Dataset, load_manifest
from spineseg.errors import StoreError
from spineseg.evaluation.evaluate import evaluation_file
from spineseg.evaluation.result import Evaluation
from spineseg.events import Finished, read_events
from spineseg.evidence.results import ArmResult, GateResult, SealedTest
from spineseg.job import Job
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.tracking.projection import carried_over
from spineseg.tracking.registry import Champion, champion, register_champion, rollback
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.tracking.tracked_runs import trial_run_ids
from study.confirm import Arm, confirmed_arms
from study.records import Records
from study.sealed_test import VERDICT_FILE, evaluations_on_test, open_test, sealed_results
from study.trial_queue import refuse_another

_LEAST_SEEDS = 2
_LEAST_PATIENTS = 5  # With fewer, drawing patients anew says nothing of other patients.


class Verdict(Model):
    """Whether a configuration was promoted, and by which figures."""

    run: str
    promoted: bool
    model_name: str
    version: str | None
    against: str
    gates: tuple[GateResult, ...]
    test_opened: bool
    synthetic: bool

    def text(self) -> str:
        """Return the verdict as a person reads it."""
        lines = [
            f"{'passed ' if gate.passed else 'REFUSED'}  {gate.name}: {gate.figure}"
            for gate in self.gates
        ]
        if self.promoted:
            lines.append(
                f"\n{self.run} is now version {self.version} of {self.model_name}, alias champion"
            )
        else:
            lines.append(f"\n{self.run} is not promoted; the champion stays as it is")
            if not self.test_opened:
                lines.append("The test part was not opened: it stays sealed for a better one.")
        if self.synthetic:
            lines.append("It was trained and measured on synthetic X-rays: not for patients.")
        return "\n".join(lines)


def promote_best(
    config: StudyConfig,
    name: str | None = None,
    reason: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Verdict:
    """Promote the best confirmed configuration, or the one called `name`, if it passes every gate.

    The gates that need no test part come first; only if they all pass is it opened. Of the
    configuration's trainings, the one that validates best becomes the version. Raises StoreError
    where nothing is confirmed, where the study is being run or promoted by another process, and
    where the test part was opened before and `reason` is missing.
    """
    records = Records(config)
    records.load()
    with records.lock():
        return _promote(config, records, name, reason, say)


def _promote(
    config: StudyConfig,
    records: Records,
    name: str | None,
    reason: str | None,
    say: Callable[[str], None],
) -> Verdict:
    study = records.load()
    refuse_another(config, study)
    store = open_store(config.store.root, config.store.mlflow_uri)
    arms = confirmed_arms(study)
    chosen, baseline = _chosen(arms, name, config), arms["baseline"]
    holder = champion(store, config.promote.model_name)
    fingerprint = str(study.user_attrs["data_fingerprint"])
    gates = _gates_before(config, records, store, chosen, baseline, holder, fingerprint)
    test: SealedTest | None = None
    if all(gate.passed for gate in gates):
        open_test(config, records, study, reason, say)
        test = sealed_results(config, records, study)
        gates += _gates_on_test(config, records, test, chosen, baseline, holder)
    promoted = all(gate.passed for gate in gates)
    version = None
    if promoted and test is not None:
        version = _register(config, records, store, study, chosen, test, gates)
    verdict = Verdict(
        run=chosen.name,
        promoted=promoted,
        model_name=config.promote.model_name,
        version=version,
        against=f"version {holder.version}" if holder else "baseline",
        gates=tuple(gates),
        test_opened=test is not None,
        synthetic=config.synthetic,
    )
    part = records.folder / (VERDICT_FILE + ".part")
    part.write_text(verdict.model_dump_json(indent=1))
    part.replace(records.folder / VERDICT_FILE)
    return verdict


def roll_back(config: StudyConfig, version: str) -> str:
    """Make an earlier version champion again, entered in the ledger; return what was done.

    Raises StoreError for a version that there is not.
    """
    store = open_store(config.store.root, config.store.mlflow_uri)
    name = config.promote.model_name
    rollback(store, name, version, config.store.root / "promotions.jsonl")
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


def _evaluations(config: StudyConfig, records: Records, arm: Arm) -> list[Evaluation]:
    return [
        Evaluation.load(evaluation_file(records.folder_of(trial), config.numbering))
        for trial in arm.confirmations
    ]


def _gates_before(
    config: StudyConfig,
    records: Records,
    store: TrackingStore,
    chosen: Arm,
    baseline: Arm,
    holder: Champion | None,
    fingerprint: str,
) -> list[GateResult]:
    """Return the gates that need no look at the test part."""
    runs, base_runs = len(chosen.confirmations), len(baseline.confirmations)
    least = config.confirm.seeds if config.confirm else _LEAST_SEEDS
    gates = [
        GateResult(
            name="confirmed on fresh seeds",
            passed=min(runs, base_runs) >= least,
            figure=f"{runs} trainings completed, {base_runs} of the baseline; {least} of each are "
            "asked for",
        )
    ]
    means = [fmean(t.values[0] for t in arm.confirmations) for arm in (chosen, baseline)]
    gates.append(
        GateResult(
            name="confirmed above the baseline",
            passed=means[0] > means[1],
            figure=f"validation {config.objective} {means[0]:.4f} against {means[1]:.4f}, means "
            "over the fresh seeds",
        )
    )
    dataset = Job.read(records.folder_of(chosen.confirmations[0])).dataset
    leaks = load_audit(Dataset(dataset, load_manifest(dataset))).leaks()
    gates.append(
        GateResult(
            name="no leak in the audit",
            passed=not leaks,
            figure=", ".join(f"{kind} {len(found)}" for kind, found in leaks.items()) or "none",
        )
    )
    slow = [
        fmean(e.seconds_per_image for e in _evaluations(config, records, arm))
        for arm in (chosen, baseline)
    ]
    gates.append(
        GateResult(
            name="speed",
            passed=slow[0] <= config.promote.max_slowdown * slow[1],
            figure=f"{slow[0] / slow[1]:.2f} times the baseline's seconds an image, at most "
            f"{config.promote.max_slowdown:g}",
        )
    )
    whole = carried_over(store, config.name)
    keys = [f"{config.name}/{t.number}" for a in (chosen, baseline) for t in a.confirmations]
    missing = [key for key in keys if key not in whole]
    gates.append(
        GateResult(
            name="everything on record in MLflow",
            passed=not missing,
            figure=f"{len(keys) - len(missing)} of {len(keys)} runs"
            + ("; `spineseg run` adds the rest" if missing else ""),
        )
    )
    if holder is not None:
        same = holder.evidence.get("data_fingerprint") == fingerprint
        known = str(holder.evidence.get("data_fingerprint"))[:12]
        gates.append(
            GateResult(
                name="measured on the champion's data",
                passed=same,
                figure=f"fingerprint {fingerprint[:12]} against {known}",
            )
        )
        mine = (config.name, chosen.name)
        gates.append(
            GateResult(
                name="not the champion itself",
                passed=(holder.evidence.get("study"), holder.evidence.get("run")) != mine,
                figure=f"version {holder.version} is {holder.evidence.get('run')} of study "
                f"{holder.evidence.get('study')}",
            )
        )
    return gates


def _gates_on_test(
    config: StudyConfig,
    records: Records,
    test: SealedTest | None,
    chosen: Arm,
    baseline: Arm,
    holder: Champion | None,
) -> list[GateResult]:
    result = _arm(test, chosen.name)
    effect = result.effect(config.objective)
    if test is None or effect is None:
        raise StoreError(f"{chosen.name}: was not scored on the test part; run the command again")
    least = config.promote.min_gain
    enough = test.patients >= _LEAST_PATIENTS
    corrected = "" if effect.p_holm is None else f", p {effect.p_holm:.3f} (Holm)"
    gates = [
        GateResult(
            name="patients enough on the test part",
            passed=enough,
            figure=f"{test.patients} patients, {_LEAST_PATIENTS} are the least"
            + ("" if enough else "; raise data.test_fraction or add films"),
        ),
        GateResult(
            name="better on the test part",
            passed=effect.low > least,
            figure=f"{config.objective} {effect.challenger:.4f} against {effect.baseline:.4f}, "
            f"{effect.difference:+.4f} (95 % interval {effect.low:+.4f} to {effect.high:+.4f}"
            f"{corrected}; must lie above {least:g}) on {test.films} films of {test.patients} "
            f"patients, opened {len(test.openings)} times",
        ),
    ]
    lost = _lost_levels(*(evaluations_on_test(config, records, a) for a in (baseline, chosen)))
    gates.append(
        GateResult(
            name="no level lost that the baseline has",
            passed=not lost,
            figure=f"lost: {', '.join(lost)}" if lost else "none",
        )
    )
    if holder is not None:
        bar = holder.evidence.get("test", {}).get(config.objective)
        gates.append(
            GateResult(
                name="above the champion's test score",
                passed=bar is not None and result.mean > float(bar) + least,
                figure=f"{result.mean:.4f} against {bar if bar is None else f'{bar:.4f}'}",
            )
        )
    return gates


def _arm(test: SealedTest | None, name: str) -> ArmResult:
    found = next((arm for arm in test.arms if arm.name == name), None) if test else None
    if found is None:
        raise StoreError(f"{name}: has no two runs scored on the test part; run the command again")
    return found


def _lost_levels(before: Sequence[Evaluation], after: Sequence[Evaluation]) -> list[str]:
    """Return the levels that the baseline gets right somewhere and the challenger nowhere."""

    def right(evaluations: Sequence[Evaluation], level: str) -> int:
        return sum(e.levels[level].right for e in evaluations if level in e.levels)

    return [lv for lv in ANATOMICAL_ORDER if right(before, lv) and not right(after, lv)]


def _register(
    config: StudyConfig,
    records: Records,
    store: TrackingStore,
    study: optuna.Study,
    chosen: Arm,
    test: SealedTest,
    gates: Sequence[GateResult],
) -> str:
    """Make the configuration's best validated training the champion; return its version."""
    trial = max(chosen.confirmations, key=lambda t: (t.values[0], -t.number))
    folder = records.folder_of(trial)
    job = Job.read(folder)
    finished = next(e for e in read_events(folder) if isinstance(e, Finished))
    result = _arm(test, chosen.name)
    own = Evaluation.load(evaluation_file(folder, config.numbering))
    return register_champion(
        store,
        run_id=trial_run_ids(store, config.name)[f"{config.name}/{trial.number}"],
        weights=folder / finished.best_weights,
        model_name=config.promote.model_name,
        image_size_px=job.config.image_size_px,
        numbering=job.numbering,
        evidence={
            "study": config.name,
            "run": chosen.name,
            "training": str(trial.user_attrs["name"]),
            "synthetic": config.synthetic,
            "objective": config.objective,
            "numbering": config.numbering,
            "data_fingerprint": str(study.user_attrs["data_fingerprint"]),
            "metrics": own.metrics(),
            "test": {effect.metric: effect.challenger for effect in result.effects},
            "effects": [effect.model_dump() for effect in result.effects],
            "openings": [opening.model_dump() for opening in test.openings],
            "gates": [gate.model_dump() for gate in gates],
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        },
        example=_example(job),
        ledger=records.root / "promotions.jsonl",
    )


def _example(job: Job) -> str:
    """Return a validation film in base64, to lie beside the model as its input example."""
    film = read_films(job.dataset, "valid")[0].path
    return base64.b64encode(film.read_bytes()).decode()
