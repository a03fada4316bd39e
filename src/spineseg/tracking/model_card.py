"""A model's card, in Markdown: what it is for and not, data, evidence, numbering, limits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jinja2

from spineseg.metrics import COUNTED_CONFIDENCE, METRICS, metric_named
from spineseg.prediction.numbering.model import NumberingModel

CARD_FILE = "model-card.md"
_LONGEST_DESCRIPTION = 5000  # A column of that width in MLflow's databases.


def model_card(
    evidence: Mapping[str, Any],
    *,
    model_name: str,
    image_size_px: int,
    numbering: NumberingModel,
    weights_sha256: str,
    challenger: bool = False,
) -> str:
    """Return the card of a model that `evidence` speaks for; what that lacks is left out."""
    return _template().render(
        evidence=evidence,
        rows=_rows(evidence),
        effects=[_effect(effect) for effect in evidence.get("effects", ())],
        model_name=model_name,
        image_size_px=image_size_px,
        numbering=numbering,
        weights_sha256=weights_sha256,
        confidence=COUNTED_CONFIDENCE,
        challenger=challenger,
    )


def description_of(card: str) -> str:
    """Return a card as a version's description: whole, or, too long, with a word on the rest."""
    if len(card) <= _LONGEST_DESCRIPTION:
        return card
    rest = f"\n\nThe rest is in `{CARD_FILE}` among the model's files."
    kept = card[: _LONGEST_DESCRIPTION - len(rest)]
    return kept[: kept.rfind("\n")].rstrip() + rest


def _rows(evidence: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the training's own scores on validation and test, a row a metric."""
    valid, test = evidence.get("metrics", {}), evidence.get("test_metrics", {})
    return [
        {
            "label": metric.label,
            "valid": _score(valid.get(f"best/{metric.name}")),
            "test": _score(test.get(f"test/{metric.name}")),
        }
        for metric in METRICS
        if f"best/{metric.name}" in valid
    ]


def _effect(effect: Mapping[str, Any]) -> dict[str, Any]:
    p = effect["p"] if effect.get("p_holm") is None else effect["p_holm"]
    return {
        "label": metric_named(effect["metric"]).label,
        "difference": f"{effect['challenger'] - effect['baseline']:+.4f}",
        "low": f"{effect['low']:+.4f}",
        "high": f"{effect['high']:+.4f}",
        "p": f"{p:.3f}",
        "verdict": effect.get("verdict", ""),
        "runs": effect["runs"],
    }


def _score(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4f}"


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("spineseg.tracking", ""),
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown; MLflow's pages clean what they show of it.
        keep_trailing_newline=True,
    )
    return environment.get_template("model_card.md.j2")
