"""Scores on the sealed part without a network, and promotion without a registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_trainer import films_of, records_scoring
from small_study import flips_hurt

from spineseg.config.training import TrainConfig
from spineseg.data.audit import Audit
from spineseg.evaluation.evaluate import evaluated_records
from spineseg.evidence import sealed_part
from spineseg.tracking.registry import Registration
from study import promote


class Looks(list[str]):
    """The runs that were scored on the test part; `score_of` says how they score."""

    score_of: Callable[[TrainConfig], float] = staticmethod(flips_hurt)


def let_look(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Stand in for evaluator, registry and audit; return who was looked at."""
    seen = Looks()

    def evaluate(weights: Path, films: Any, *, numbering: Any, **_: Any) -> Any:
        name, config = weights.read_text().removeprefix("weights of ").split(": ", 1)
        told, _ = json.JSONDecoder().raw_decode(config)
        seen.append(name.partition("-")[2])
        names = films_of(films[0].path.parent.parent.parent, "test")
        scored = seen.score_of(TrainConfig.model_validate(told))
        return evaluated_records(records_scoring(scored, names), numbering)

    def register(store: Any, asked: Registration, why: str) -> str:
        with (store.root / "promotions.jsonl").open("a") as ledger:
            ledger.write(json.dumps({"why": why, "evidence": asked.evidence}) + "\n")
        return "1"

    monkeypatch.setattr(sealed_part, "evaluate_weights", evaluate)
    monkeypatch.setattr(promote, "register_champion", register)
    monkeypatch.setattr(Audit, "leaks", lambda audit: {})
    return seen
