"""What a version is made of beside its package: evidence, card, short tags, scores by data set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow.entities import Metric

from spineseg.files import sha256_of
from spineseg.metrics import METRICS
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.tracking.model_card import CARD_FILE, model_card
from spineseg.tracking.model_package import CONFIDENCE
from spineseg.tracking.model_versions import EVIDENCE, IMAGE_SIZE, NUMBERING, SHA256
from spineseg.tracking.store import TrackingStore
from spineseg.tracking.version_files import hash_tag

SCORES = {"score": ("metrics", "best"), "test_score": ("test_metrics", "test")}
"""Tags with the objective on validation and test; where in the evidence it stands, by its group."""
_GROUPS = {"best": "valid", "test": "test"}  # Groups of a run's scores, and what they measure.
_FRONT = ("score", "gain", "mask_map50", "level_rate")  # A run's scores outside of any group.


@dataclass(frozen=True)
class Registration:
    """What is registered: the weights of a run, with what goes with them and speaks for them."""

    run_id: str
    weights: Path
    model_name: str
    image_size_px: int
    numbering: NumberingModel
    evidence: Mapping[str, Any]
    example: bytes  # A film's file.

    @property
    def params(self) -> dict[str, str]:
        """What its page shows as parameters."""
        network = {"network": str(self.evidence["network"])} if "network" in self.evidence else {}
        return network | {
            "image_size_px": str(self.image_size_px),
            "numbering": self.numbering.numbering,
            "confidence": str(CONFIDENCE),
        }

    def files(self, folder: Path, weights_sha256: str, *, challenger: bool) -> dict[str, Path]:
        """Write the files that go with it into `folder`; return them by name."""
        card = model_card(
            self.evidence,
            model_name=self.model_name,
            image_size_px=self.image_size_px,
            numbering=self.numbering,
            weights_sha256=weights_sha256,
            challenger=challenger,
        )
        texts = {
            f"{EVIDENCE}.json": json.dumps(self.evidence, indent=1),
            f"{NUMBERING}.json": self.numbering.model_dump_json(indent=1),
            CARD_FILE: card,
        }
        for name, text in texts.items():
            (folder / name).write_text(text)
        return {name: folder / name for name in texts}

    def tags(self, files: Mapping[str, Path], weights_sha256: str) -> dict[str, str]:
        """Return the version's tags, each a word or a hash."""
        evidence = self.evidence
        tags = {"study": str(evidence.get("study")), "run": str(evidence.get("run"))}
        tags |= scores_of(evidence) | {"synthetic": str(evidence.get("synthetic")).lower()}
        tags |= {IMAGE_SIZE: str(self.image_size_px), SHA256: weights_sha256}
        hashes = {hash_tag(n): sha256_of(files[f"{n}.json"]) for n in (EVIDENCE, NUMBERING)}
        return tags | hashes


def scores_of(evidence: Mapping[str, Any]) -> dict[str, str]:
    """Return the training's objective on validation and, where it was measured, on test."""
    objective, found = evidence.get("objective"), {}
    for tag, (kind, group) in SCORES.items():
        value = evidence.get(kind, {}).get(f"{group}/{objective}")
        if value is not None:
            found[tag] = f"{value:.4f}"
    return found


def score_model(store: TrackingStore, run_id: str, model_id: str) -> None:
    """Give a logged model its run's scores, each with the data set that it was measured on.

    The rows are the run's own, time and step included, so that nothing is added to the run.
    """
    run = store.client.get_run(run_id)
    inputs = run.inputs.dataset_inputs if run.inputs else []
    data = inputs[0].dataset if inputs else None
    rows = []
    for name in run.data.metrics:
        part = _part(name)
        if part is None:
            continue
        history = store.client.get_metric_history(run_id, name)
        last = max(history, key=lambda row: (row.step, row.timestamp))
        rows.append(
            Metric(
                name,
                last.value,
                last.timestamp,
                last.step,
                model_id=model_id,
                dataset_name=f"{part} {data.name if data else 'data'}",  # Pages cut long names.
                dataset_digest=data.digest if data else "unknown",
                run_id=run_id,
            )
        )
    store.client.log_batch(run_id, metrics=rows)


def _part(name: str) -> str | None:
    """Return the part of the data that a run's score was measured on; None for another metric."""
    group, _, score = name.rpartition("/")
    if not group:
        return "valid" if name in _FRONT else None
    return _GROUPS.get(group) if any(score == metric.name for metric in METRICS) else None
