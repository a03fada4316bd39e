"""What speaks for a registered model: its data, scores and effects, the gates, the openings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from spineseg.config.study import StudyConfig
from spineseg.evaluation.result import Evaluation
from spineseg.evidence.results import ArmResult, GateResult, SealedTest
from spineseg.films import PARTS
from spineseg.metrics import COUNTED_CONFIDENCE
from spineseg.runs import Run
from spineseg.seal.known import FILMS, films_told
from spineseg.seal.opening import PART
from spineseg.study_record import StudyRecord


def model_evidence(
    study: StudyRecord,
    config: StudyConfig,
    run: Run,
    name: str,
    *,
    gates: Sequence[GateResult] = (),
    tested: tuple[SealedTest, ArmResult] | None = None,
) -> dict[str, Any]:
    """Return what a model that `run` trained, of the configuration `name`, is registered with.

    `metrics` and `test_metrics` are the training's own, `test` and `effects` the configuration's
    means; what was not measured is left out.
    """
    scores, manifest = run.scores(), study.manifest
    evidence: dict[str, Any] = {
        "study": config.name,
        "run": name,
        "training": run.name,
        "network": run.job.config.model,
        "synthetic": manifest.synthetic,
        "objective": config.objective,
        "numbering": config.numbering,
        "data_fingerprint": manifest.fingerprint,
        "data": {
            "sources": list(manifest.source_names),
            "films": {part: manifest.count(part) for part in PARTS},
        },
        "metrics": scores.metrics(),
        "working_points": working_points(scores),
        FILMS: films_told(study.needed_data()),
        "weights_from": run.job.weights_sha256 or "",
        "gates": [gate.model_dump() for gate in gates],
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    if run.is_evaluated(PART):
        evidence["test_metrics"] = run.scores(PART).metrics(PART)
    if tested is not None:
        test, result = tested
        evidence |= {
            "test": {effect.metric: effect.challenger for effect in result.effects},
            "effects": [e.model_dump() | {"verdict": e.verdict} for e in result.effects],
            "openings": [
                opening.model_dump(mode="json", exclude={"films", "weights"})
                for opening in test.openings
            ],
        }
    return evidence


def working_points(scores: Evaluation) -> list[dict[str, Any]]:
    """Return mask F1, precision and recall at the usual confidence and at that of the best F1."""
    curve = scores.f1_curve
    wanted = {"as usual": COUNTED_CONFIDENCE, "best mask F1": scores.mask_best_f1_confidence}
    points = []
    for name, confidence in wanted.items():
        gaps = [abs(at - confidence) for at in curve.get("confidence", ())]
        if not gaps:
            continue
        place = gaps.index(min(gaps))
        points.append(
            {"name": name, "confidence": confidence}
            | {key: curve[f"mask_{key}"][place] for key in ("f1", "precision", "recall")}
        )
    return points
