"""The scores of any weights on any labelled export, for a person and for a program."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spineseg.chosen_model import Asked, Chosen, chosen_model, store_place
from spineseg.data.labelled import read_films
from spineseg.decoding.decode import read_film
from spineseg.evaluation.result import Evaluation
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.metrics import PRECISIONS, RATES
from spineseg.seal.sealed import enter_look
from spineseg.training.devices import chosen_devices

log = logging.getLogger(__name__)


def evaluate_films(
    asked: Asked,
    folder: Path,
    *,
    part: str,
    device: str,
    reason: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[Evaluation, Chosen]:
    """Return the scores of weights on a labelled export, as they number, and which they are.

    Films that lie in a study's test part need a `reason`, and are entered as an opening of it.
    Raises DataError for a damaged export and an empty part, StoreError for sealed films without a
    reason; WeightsError for unusable weights, and whatever `chosen_model` does.
    """
    from spineseg.evaluation.evaluate import evaluate_weights

    say(f"reading the films of {folder}")
    films = read_films(folder, part)
    for film in films:
        read_film(film.path)
    device_name = chosen_devices(device)[0].name
    say(f"scoring {len(films)} films, once the network is loaded")
    chosen = chosen_model(asked)
    entered = enter_look(
        store_place(asked).root,
        folder,
        [film.path for film in films],
        (chosen.label, chosen.sha256),
        reason,
    )
    if entered:
        log.warning(entered)
    evaluated = evaluate_weights(
        chosen.path,
        films,
        image_size_px=chosen.image_size_px,
        device=device_name,
        numbering=chosen.numbering,
        trust=chosen.trusted,
        batch=1,
    )
    return evaluated.scores[chosen.numbering.numbering], chosen


def evaluation_json(evaluation: Evaluation, chosen: Chosen) -> str:
    """Return the scores for a program: the evaluation's own keys, and `weights`."""
    return json.dumps(evaluation.model_dump(mode="json") | {"weights": chosen.as_json()})


def evaluation_text(evaluation: Evaluation, chosen: Chosen) -> str:
    """Return the scores as a person reads them, with the weights that they are of."""
    e = evaluation
    lines = [
        chosen.text(),
        f"{e.films} films, {e.instances} labelled vertebrae",
        "",
        f"{'':22}{'by level':>10}{'any level':>11}",
    ]
    for metric in PRECISIONS:
        value, any_level = e.value(metric.name), e.any_level[metric.name]
        lines.append(f"{metric.label:22}{value:10.3f}{any_level:11.3f}")
    for kind in ("box", "mask"):
        best, confidence = (e.value(f"{kind}_best_f1{end}") for end in ("", "_confidence"))
        lines.append(f"{kind + ' best F1':22}{best:10.3f}  at confidence {confidence:.3f}")
    rates = ", ".join(f"{rate.label} {_or_dash(e.value(rate.name), '.1%')}" for rate in RATES)
    lines += [
        "",
        f"{rates} (confidence {e.confidence:g})",
        f"missed {e.missed}, invented {e.invented}, doubled {e.doubled}; outlines found: Dice "
        f"{_or_dash(e.mean_dice, '.3f')}, boundary {_or_dash(e.mean_boundary_px, '.2f')} px off, "
        f"{_or_dash(e.outline_error, '.5f')} of the film's height",
        f"off from what the labels measure: largest Cobb angle "
        f"{_or_dash(e.cobb_error_deg, '.1f')} degrees (by the centreline "
        f"{_or_dash(e.centreline_error_deg, '.1f')}), disc heights "
        f"{_or_dash(e.disc_ratio_error, '.3f')} of the body's depth; not measured "
        f"{e.not_measured} films",
        f"{e.seconds_per_film * 1000:.0f} ms a film",
        "",
        f"{'level':8}{'labelled':>9}{'found':>7}{'right':>7}{'mask AP50':>11}",
    ]
    for level in ANATOMICAL_ORDER:
        score = e.levels.get(level)
        if score is None or not score.instances:
            continue
        ap = _or_dash(score.mask_ap50, ".3f")
        lines.append(f"{level:8}{score.instances:9}{score.found:7}{score.right:7}{ap:>11}")
    return "\n".join(lines)


def _or_dash(value: float | None, pattern: str) -> str:
    return "–" if value is None or np.isnan(value) else format(value, pattern)
