"""Films in, their figures out: a picture and a JSON a film, a table of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spineseg.chosen_model import Asked, chosen_model
from spineseg.code_version import code_version
from spineseg.decoding.decode import DecodedFilm
from spineseg.dicom_out.by import By
from spineseg.errors import ConfigError
from spineseg.films import LabelledFilm, Outline
from spineseg.inference.folder import MEASURES, folder_for, refuse_other_content
from spineseg.inference.given import MEASURES_FILE, given_films
from spineseg.inference.measures_folder import Done, How, MeasuresFolder, Outlined, Step
from spineseg.inference.names import file_names
from spineseg.inference.table import cell
from spineseg.measurement.aspect import read_sizes
from spineseg.outline_error import outline_error_of
from spineseg.training.devices import chosen_devices

_SYNTHETIC = " (trained on synthetic X-rays)"
_MASK_STRIDE = 4  # Of all families: masks are drawn on a grid of a quarter of the image size.
_ORIGINS = {
    True: "SYNTHETIC: trained on synthetic X-rays only.",
    None: "What it was trained on is not known.",
}


def measure_films(
    given: Iterable[str | Path],
    asked: Asked,
    how: How,
    *,
    out: Path | None = None,
    confidence: float = 0.25,
    device: str = "auto",
    say: Callable[[str], None] = print,
    each: Callable[[Step], None] = lambda step: None,
) -> Done:
    """Outline films with a network, and write what the outlines measure into a folder.

    A film that cannot be measured is told with the reason, and the others go on. Raises DataError
    for a named file that is no film, ConfigError for an `out` that is taken, WeightsError for
    unusable weights, and whatever `chosen_model` does: then nothing was written.
    """
    sizes = _sizes(how, out)
    device_name = chosen_devices(device)[0].name
    say("looking for the weights")
    chosen = chosen_model(asked)
    found = given_films(given)
    names = file_names(found.films, taken=(Path(MEASURES_FILE).stem,))
    films = dict(zip(names, (str(path) for path in found.films), strict=True))
    error = how.outline_error
    if error is None and (error := outline_error_of(asked, chosen)) is None:
        say(
            "how far these weights' outlines lie from labels is not known, so figures come without "
            "intervals; give it with --outline-error, as `spineseg evaluate` tells it"
        )
    made_by = {
        "label": chosen.label,
        "weights_sha256": chosen.sha256,
        "image_size_px": chosen.image_size_px,
        "numbering": chosen.numbering.model_dump(mode="json"),
        "confidence_threshold": confidence,
        **_said(how, sizes, error),
    }
    folder = folder_for(out, made_by, films, MEASURES)
    say("loading the network")

    from spineseg.prediction.answers import numbered_film
    from spineseg.prediction.outlines import prediction_outlines
    from spineseg.prediction.segmenter import load_segmenter

    segmenter = load_segmenter(
        chosen.path, image_size_px=chosen.image_size_px, device=device_name, trust=chosen.trusted
    )
    say(chosen.text())

    def outlined(film: DecodedFilm, path: Path) -> tuple[Sequence[Outline], float]:
        prediction = numbered_film(segmenter, film, path, chosen.numbering)
        cell = max(film.size) / segmenter.image_size_px * _MASK_STRIDE
        return prediction_outlines(prediction, confidence), cell

    by = MeasuresFolder(
        how,
        sizes,
        error,
        folder,
        made_by,
        By(f"{chosen.label}{_SYNTHETIC if chosen.synthetic else ''}", chosen.sha256),
        _ORIGINS.get(chosen.synthetic, ""),
    )
    tasks = [(name, path, outlined) for name, path in zip(names, found.films, strict=True)]
    skipped = [(cell(str(path)), why) for path, why in found.skipped]
    left_out = found.skipped_text() if found.skipped else ""
    return by.through(tasks, films, skipped, left_out, each)


def measure_labels(
    labelled: Sequence[LabelledFilm],
    how: How,
    *,
    out: Path | None = None,
    each: Callable[[Step], None] = lambda step: None,
) -> Done:
    """Write what the labels of films measure into a folder, as `measure_films` does."""
    sizes = _sizes(how, out)
    paths = [film.path for film in labelled]
    names = file_names(paths, taken=(Path(MEASURES_FILE).stem,))
    films = dict(zip(names, map(str, paths), strict=True))
    made_by = {"label": "labels", **_said(how, sizes, how.outline_error)}
    folder = folder_for(out, made_by, films, MEASURES)

    def task(film: LabelledFilm) -> Outlined:
        return lambda decoded, path: (film.outlines, 0.0)

    known = {film.path.name: film.aspect for film in labelled if film.aspect}
    by = MeasuresFolder(how, known | sizes, how.outline_error, folder, made_by, By("labels"))
    tasks = [(name, film.path, task(film)) for name, film in zip(names, labelled, strict=True)]
    return by.through(tasks, films, [], "", each)


def _sizes(how: How, out: Path | None) -> dict[str, float]:
    refuse_other_content(out, MEASURES)
    if how.aspect is not None and how.sizes is not None:
        raise ConfigError("--aspect and --sizes are both given; name one of them")
    if how.outline_error is not None and not 0 < how.outline_error < 0.1:
        raise ConfigError(
            f"--outline-error {how.outline_error:g}: must be a share of the film's height, above 0 "
            "and below 0.1, as `spineseg evaluate` tells it"
        )
    return read_sizes(how.sizes) if how.sizes else {}


def _said(how: How, sizes: Mapping[str, float], error: float | None) -> dict[str, Any]:
    return {
        "aspect": how.aspect,
        "sizes": dict(sizes),
        "view": how.view,
        "front": how.front,
        "outline_error": error,
        "dicom": how.dicom,
        "metal": how.metal,
        "software": code_version(),
    }
