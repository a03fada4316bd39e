"""The models that the page offers: a study's champion and its baseline, or what there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spineseg.chosen_model import BUNDLED, Asked, Chosen, chosen_model
from spineseg.config.study import StudyConfig
from spineseg.decoding.decode import DecodedFilm
from spineseg.errors import DataError, NoneYetError, SpinesegError
from spineseg.places import StudyPlaces
from spineseg.prediction.answers import numbered_film
from spineseg.prediction.outlines import prediction_as_json, prediction_outlines
from spineseg.prediction.segmenter import Segmenter, load_segmenter
from spineseg.runs import read_runs

LEAST_CONFIDENCE = 0.05
"""Below it nothing is sent: the page's slider begins here."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Offered:
    """One model of the page, loaded."""

    key: str  # champion, baseline or bundled
    title: str
    chosen: Chosen
    segmenter: Segmenter

    def as_json(self) -> dict[str, Any]:
        """Return what the page says of it."""
        chosen = self.chosen
        levels = "one by one" if chosen.numbering.numbering == "argmax" else "by whole columns"
        return {
            "key": self.key,
            "title": self.title,
            "text": f"weights {chosen.sha256[:12]}, {chosen.image_size_px} px, levels {levels}",
            "synthetic": chosen.synthetic,
            "weights": chosen.as_json(),
        }

    def vertebrae(self, film: DecodedFilm, name: Path) -> list[dict[str, Any]]:
        """Return the vertebrae that `predict` gives at the least confidence, surest first.

        Each with its unrounded confidence as `exact`. Those of a higher confidence are the first
        of them: of two outlines of one body it is the surer that is kept, at any confidence.
        """
        found = numbered_film(self.segmenter, film, name, self.chosen.numbering)
        rows = prediction_as_json(found, LEAST_CONFIDENCE, film.spacing)["vertebrae"]
        outlines = prediction_outlines(found, LEAST_CONFIDENCE)
        return [
            row | {"exact": float(outline.confidence or 0.0)}
            for row, outline in zip(rows, outlines, strict=True)
        ]


def offered_models(
    study: StudyConfig, config: Path, sets: Sequence[str], device: str, say: Say
) -> tuple[list[Offered], list[str]]:
    """Return the champion and the baseline of a study, and in words what of them there is not.

    Without either, the weights that come with the project. Raises WeightsError for weights that
    are no network of vertebra levels.
    """
    found: list[Offered] = []
    missing: list[str] = []
    for key, find in (("champion", _champion), ("baseline", _baseline)):
        try:
            title, chosen = find(study, config, tuple(sets))
        except NoneYetError as error:
            missing.append(f"No {key}: {error.what}; run `make study`, and then `make promote`")
            continue
        except SpinesegError as error:
            missing.append(f"No {key}: {error}")
            continue
        found.append(_loaded(key, title, chosen, device))
    if not found:
        missing.append("The weights that come with the project answer instead.")
        chosen = chosen_model(Asked(weights=BUNDLED, config=config, sets=tuple(sets)))
        found.append(_loaded("bundled", "Bundled weights", chosen, device))
    for line in (*(f"{m.title}: {m.chosen.text()}" for m in found), *missing):
        say(line)
    return found, missing


def _champion(study: StudyConfig, config: Path, sets: tuple[str, ...]) -> tuple[str, Chosen]:
    selector = f"{study.promote.model_name}@champion"
    chosen = chosen_model(Asked(model=selector, config=config, sets=sets))
    return f"Champion, version {chosen.source['version']}", chosen


def _baseline(study: StudyConfig, config: Path, sets: tuple[str, ...]) -> tuple[str, Chosen]:
    places = StudyPlaces(study.store.root, study.name)
    run = next((r for r in read_runs(places.folder) if r.name == "baseline" and r.finished), None)
    if run is None:
        raise DataError(
            f"study {study.name!r} has no finished baseline here; train it with `make study`"
        )
    chosen = chosen_model(Asked(weights=run.best_weights, config=config, sets=sets))
    return "Baseline", chosen


def _loaded(key: str, title: str, chosen: Chosen, device: str) -> Offered:
    segmenter = load_segmenter(chosen.path, image_size_px=chosen.image_size_px, device=device)
    return Offered(key, title, chosen, segmenter)
