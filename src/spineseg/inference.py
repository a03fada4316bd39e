"""Weights at work: outlines drawn on films, and scores on any labelled export."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from spineseg.config.numbering import Numbering
from spineseg.data.film_file import check_film
from spineseg.data.labelled import read_films
from spineseg.data.manifest import MANIFEST_FILE
from spineseg.errors import DataError, StoreError
from spineseg.evaluation.result import Evaluation
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.process_setup import prepare_environment
from spineseg.training.devices import chosen_devices


def predict_images(
    images: Iterable[Path],
    *,
    weights: Path | None,
    model: str,
    out: Path,
    confidence: float,
    device: str,
    numbering: Numbering | None,
    root: Path,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Write `NAME.png` and `NAME.json` into `out` for each image; return what the JSON files hold.

    All images are read before the first file is written. `numbering` None: as the registered model
    numbers, or whole columns with weights from a file. Raises DataError for an image that
    cannot be read, WeightsError for weights that cannot be used, StoreError without a champion.
    """
    from PIL import Image

    from spineseg.prediction.numbered import numbered_prediction
    from spineseg.prediction.outlines import prediction_as_json, prediction_outlines
    from spineseg.prediction.predictor import Predictor
    from spineseg.report.overlay import draw_overlay

    prepare_environment(root / "work" / "ultralytics")
    images = list(images)
    for image in images:
        check_film(image)
    path, size, levels = _weights(weights, model, root)
    if numbering is not None:
        levels = levels.model_copy(update={"numbering": numbering})
    predictor = Predictor(path, image_size_px=size, device=chosen_devices(device)[0].name)
    out.mkdir(parents=True, exist_ok=True)
    answers = []
    for name, plain in zip(_names(images), predictor.predict_many(images), strict=True):
        prediction = numbered_prediction(plain, levels)
        answer = prediction_as_json(prediction, confidence=confidence)
        outlines = prediction_outlines(prediction, confidence=confidence)
        with Image.open(prediction.path) as film:
            overlay = draw_overlay(np.asarray(film.convert("RGB")), outlines)
        _write_both(out / name, overlay, answer)
        say(f"{prediction.path}: {len(outlines)} vertebrae, {out / name}.png and .json")
        answers.append(answer)
    return answers


def _names(images: list[Path]) -> list[str]:
    """Return a stem for each image's files, unlike all others'."""
    stems = [image.stem for image in images]
    return [
        stem if stems.count(stem) == 1 else f"{stem}-{number}"
        for number, stem in enumerate(stems, start=1)
    ]


def _write_both(stem: Path, overlay: np.ndarray, answer: dict[str, Any]) -> None:
    """Write picture and JSON whole: into temporary files first."""
    from PIL import Image

    picture, text = stem.with_name(stem.name + ".png"), stem.with_name(stem.name + ".json")
    parts = [path.with_name("." + path.name + ".part") for path in (picture, text)]
    try:
        Image.fromarray(overlay).save(parts[0], format="PNG")
        parts[1].write_text(json.dumps(answer, indent=1))
        parts[0].replace(picture)
        parts[1].replace(text)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _weights(weights: Path | None, model: str, root: Path) -> tuple[Path, int, NumberingModel]:
    """Return the weights to use, the input size they were trained at, and how to number."""
    from spineseg.prediction.predictor import trained_image_size_px

    if weights is not None:
        return weights, trained_image_size_px(weights), NumberingModel(numbering="sequence")
    from spineseg.tracking.registry import champion, champion_weights
    from spineseg.tracking.store import open_store

    store = open_store(root, None)
    holder = champion(store, model)
    if holder is None:
        raise StoreError(
            f"model {model!r} has no champion in {root}; promote one with `spineseg promote`, "
            "or name weights with --weights"
        )
    path = champion_weights(store, model, root / "work" / "champion")
    return path, holder.image_size_px, holder.numbering


def evaluate_folder(
    *,
    weights: Path,
    folder: Path,
    part: str,
    image_size_px: int | None,
    device: str,
    numbering: Numbering,
) -> Evaluation:
    """Return the scores of `weights` on a labelled export.

    Raises DataError for a damaged export or an empty part, WeightsError for unusable weights.
    """
    from spineseg.evaluation.evaluate import evaluate_weights
    from spineseg.prediction.predictor import trained_image_size_px

    prepare_environment(Path("mlruns") / "work" / "ultralytics")
    if part in ("test", "all") and (folder / MANIFEST_FILE).exists():
        raise DataError(
            f"{folder}: the test part of a study's data is sealed; `spineseg promote` opens it "
            "once, choose --part train or valid"
        )
    films = read_films(folder, part)
    for film in films:
        check_film(film.path)
    evaluated = evaluate_weights(
        weights,
        films,
        image_size_px=image_size_px or trained_image_size_px(weights),
        device=chosen_devices(device)[0].name,
        numbering=NumberingModel(),
    )
    return evaluated.scores[numbering]


def _or_dash(value: float | None, pattern: str) -> str:
    return "–" if value is None else format(value, pattern)


def evaluation_text(evaluation: Evaluation) -> str:
    """Return the scores as a person reads them."""
    e = evaluation
    lines = [
        f"{e.images} images, {e.instances} labelled vertebrae",
        "",
        f"{'':20}{'box':>8}{'mask':>8}",
        f"{'mAP50':20}{e.box_map50:8.3f}{e.mask_map50:8.3f}",
        f"{'mAP50-95':20}{e.box_map50_95:8.3f}{e.mask_map50_95:8.3f}",
        f"{'best F1':20}{e.box_best_f1:8.3f}{e.mask_best_f1:8.3f}",
        f"{'  at confidence':20}{e.box_best_f1_confidence:8.3f}{e.mask_best_f1_confidence:8.3f}",
        "",
        f"found {e.found_rate:.1%}, right level {e.right_level_rate:.1%}, one level off "
        f"{e.off_by_one_rate:.1%} (confidence {e.confidence:g})",
        f"missed {e.missed}, invented {e.invented}, doubled {e.doubled}",
        f"whole columns right {e.whole_column_right_rate:.1%}; outlines found: Dice "
        f"{_or_dash(e.mean_dice, '.3f')}, boundary {_or_dash(e.mean_boundary_px, '.2f')} px off",
        f"without regard to levels: box mAP50 {e.box_map50_any:.3f}, mask mAP50 "
        f"{e.mask_map50_any:.3f}",
        f"{e.seconds_per_image * 1000:.0f} ms an image",
        "",
        f"{'level':8}{'labelled':>9}{'found':>7}{'right':>7}{'mask AP50':>11}",
    ]
    for level in ANATOMICAL_ORDER:
        score = e.levels.get(level)
        if score is None or not score.instances:
            continue
        ap = "–" if score.mask_ap50 is None else f"{score.mask_ap50:.3f}"
        lines.append(f"{level:8}{score.instances:9}{score.found:7}{score.right:7}{ap:>11}")
    return "\n".join(lines)
