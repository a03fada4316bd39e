"""Gates between a study's best run and the registry: each with its figure, passed or not."""

from __future__ import annotations

import base64
import time

from optuna.trial import FrozenTrial, TrialState

from spineseg.config import Model, StudyConfig
from spineseg.data.labelled import read_films
from spineseg.errors import StoreError
from spineseg.evaluation.result import Evaluation
from spineseg.events import Finished, read_events
from spineseg.tracking.registry import Champion, champion, register_champion, rollback
from spineseg.tracking.runs import trial_run_ids
from spineseg.tracking.store import TrackingStore, open_store
from spineseg.training.job import EVALUATION_FILE, Job

from .records import Records


class Gate(Model):
    """One condition of promotion."""

    name: str
    passed: bool
    figure: str


class Verdict(Model):
    """Whether a run was promoted, and by which figures."""

    run: str
    promoted: bool
    model_name: str
    version: str | None
    against: str
    gates: tuple[Gate, ...]
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
        if self.synthetic:
            lines.append("It was trained and measured on synthetic X-rays: not for patients.")
        return "\n".join(lines)


class _Candidate(Model):
    name: str
    run_id: str | None
    folder: str
    image_size_px: int
    evaluation: Evaluation
    finished: Finished


def promote_best(config: StudyConfig, name: str | None = None) -> Verdict:
    """Promote the best completed run, or the one called `name`, if it passes every gate.

    Raises StoreError where the study has no such run, or none that completed.
    """
    records = Records(config)
    study = records.load()
    store = open_store(config.store.root, config.store.mlflow_uri)
    candidates = _candidates(records, study.get_trials(deepcopy=False), store)
    baseline = next((c for c in candidates if c.name == "baseline"), None)
    if baseline is None:
        raise StoreError(
            f"study {config.name!r}: the baseline has not completed, so nothing can be compared "
            "with it; go on with `spineseg run`"
        )
    chosen = _chosen(candidates, name, config)
    holder = champion(store, config.promote.model_name)
    fingerprint = str(study.user_attrs["data_fingerprint"])
    gates = _gates(config, chosen, baseline, holder, fingerprint)
    promoted = all(gate.passed for gate in gates)
    version = None
    if promoted and chosen.run_id is not None:
        version = register_champion(
            store,
            run_id=chosen.run_id,
            weights=records.folder / chosen.folder / chosen.finished.best_weights,
            model_name=config.promote.model_name,
            image_size_px=chosen.image_size_px,
            evidence={
                "study": config.name,
                "run": chosen.name,
                "synthetic": config.synthetic,
                "objective": config.objective,
                "data_fingerprint": fingerprint,
                "metrics": chosen.evaluation.metrics(),
                "baseline_metrics": baseline.evaluation.metrics(),
                "gates": [gate.model_dump() for gate in gates],
                "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            },
            example=_example(records, chosen),
            ledger=records.root / "promotions.jsonl",
        )
    return Verdict(
        run=chosen.name,
        promoted=promoted,
        model_name=config.promote.model_name,
        version=version,
        against=f"version {holder.version}" if holder else "baseline",
        gates=tuple(gates),
        synthetic=config.synthetic,
    )


def roll_back(config: StudyConfig, version: str) -> str:
    """Make an earlier version champion again, entered in the ledger; return what was done.

    Raises StoreError for a version that there is not.
    """
    store = open_store(config.store.root, config.store.mlflow_uri)
    name = config.promote.model_name
    rollback(store, name, version, config.store.root / "promotions.jsonl")
    return f"version {version} of {name} is champion again"


def _candidates(
    records: Records, trials: list[FrozenTrial], store: TrackingStore
) -> list[_Candidate]:
    run_ids = trial_run_ids(store, records.config.name)
    candidates = []
    for trial in trials:
        if trial.state != TrialState.COMPLETE:
            continue
        folder = records.run_folder(trial.number, trial.user_attrs["name"])
        finished = next(e for e in read_events(folder) if isinstance(e, Finished))
        candidates.append(
            _Candidate(
                name=trial.user_attrs["name"],
                run_id=run_ids.get(f"{records.config.name}/{trial.number}"),
                folder=folder.name,
                image_size_px=records.config.baseline.with_(
                    **trial.user_attrs["changes"]
                ).image_size_px,
                evaluation=Evaluation.load(folder / EVALUATION_FILE),
                finished=finished,
            )
        )
    return candidates


def _chosen(candidates: list[_Candidate], name: str | None, config: StudyConfig) -> _Candidate:
    if name is None:
        return max(candidates, key=lambda c: _score(c, config))
    match = [candidate for candidate in candidates if candidate.name == name]
    if not match:
        known = ", ".join(candidate.name for candidate in candidates)
        raise StoreError(f"study {config.name!r} has no completed run {name!r}; it has {known}")
    return match[0]


def _score(candidate: _Candidate, config: StudyConfig) -> float:
    return float(getattr(candidate.evaluation, config.objective))


def _gates(
    config: StudyConfig,
    chosen: _Candidate,
    baseline: _Candidate,
    holder: Champion | None,
    fingerprint: str,
) -> list[Gate]:
    rules = config.promote
    score = _score(chosen, config)
    bar = _score(baseline, config)
    gates = [
        Gate(
            name=f"{config.objective} above the baseline's",
            passed=score > bar + rules.min_gain,
            figure=f"{score:.4f} against {bar:.4f}, least gain {rules.min_gain:g}",
        )
    ]
    if holder is not None:
        gates += _champion_gates(config, score, chosen, holder, fingerprint)
    slow = chosen.evaluation.seconds_per_image / baseline.evaluation.seconds_per_image
    gates.append(
        Gate(
            name="on record in MLflow",
            passed=chosen.run_id is not None,
            figure=f"run {chosen.run_id}" if chosen.run_id else "no run; `spineseg run` adds it",
        )
    )
    gates.append(
        Gate(
            name="speed",
            passed=slow <= rules.max_slowdown,
            figure=f"{slow:.2f} times the baseline's seconds an image, at most "
            f"{rules.max_slowdown:g}",
        )
    )
    return gates


def _champion_gates(
    config: StudyConfig, score: float, chosen: _Candidate, holder: Champion, fingerprint: str
) -> list[Gate]:
    same = holder.evidence.get("data_fingerprint") == fingerprint
    gates = [
        Gate(
            name="measured on the champion's data",
            passed=same,
            figure=f"fingerprint {fingerprint[:12]} against "
            f"{str(holder.evidence.get('data_fingerprint'))[:12]}",
        ),
        Gate(
            name="not the champion itself",
            passed=holder.run_id != chosen.run_id,
            figure=f"version {holder.version} is run {holder.evidence.get('run')}",
        ),
    ]
    reached = holder.evidence.get("metrics", {}).get(f"best/{config.objective}")
    if same and reached is not None:
        gates.append(
            Gate(
                name=f"{config.objective} above the champion's",
                passed=score > reached + config.promote.min_gain,
                figure=f"{score:.4f} against {reached:.4f}, least gain {config.promote.min_gain:g}",
            )
        )
    return gates


def _example(records: Records, chosen: _Candidate) -> str:
    """Return a validation film in base64, to lie beside the model as its input example."""
    dataset = Job.read(records.folder / chosen.folder).dataset
    film = read_films(dataset, "valid")[0].path
    return base64.b64encode(film.read_bytes()).decode()
