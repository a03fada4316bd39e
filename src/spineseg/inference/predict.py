"""Films in, a folder out: overlays, JSON files, a table and a gallery, each saying what made it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spineseg.chosen_model import Asked, Chosen, chosen_model
from spineseg.code_version import code_version
from spineseg.decoding.decode import DecodedFilm, decode, film_content
from spineseg.errors import DataError
from spineseg.files import write_whole
from spineseg.films import CAUTION
from spineseg.inference import table
from spineseg.inference.folder import folder_for, refuse_other_content, write_record
from spineseg.inference.given import PREDICTIONS_FILE, GivenFilms, given_films
from spineseg.inference.names import file_names
from spineseg.inference.outcome import TABLE_FILE, Predicted, Step
from spineseg.report.gallery import PAGE_FILE, Gallery, GalleryFilm, levels_text, write_gallery
from spineseg.strip import PLAIN, WARNING, with_strip
from spineseg.training.devices import chosen_devices

_SYNTHETIC = "SYNTHETIC: trained on synthetic X-rays only."
_UNKNOWN = "What it was trained on is not known."
THUMBNAILS = "thumbnails"
_THUMBNAIL_PX = 320  # The longer side.
_JPEG_QUALITY = 82
Say = Callable[[str], None]


def predict_films(
    given: Iterable[str | Path],
    asked: Asked = Asked(),  # noqa: B008 -- it is frozen
    *,
    out: Path | None = None,
    confidence: float = 0.25,
    device: str = "auto",
    say: Say = print,
    each: Callable[[Step], None] = lambda step: None,
) -> Predicted:
    """Outline and number the films in files, folders and patterns, and write them into a folder.

    `NAME.png` and `NAME.json` for each film, `predictions.csv`, `index.html`, `predictions.json`.
    Nothing of more than one film is held in memory but its line in the gallery. A film of a folder
    that turns out damaged is told, and the others go on. A call that was stopped goes on where it
    was, if it is made again. Raises DataError for a named file that is no film and where there is
    none, ConfigError for an `out` that is taken, WeightsError for weights that cannot be used, and
    whatever `chosen_model` does: then nothing was written.
    """
    refuse_other_content(out)
    device_name = chosen_devices(device)[0].name
    say("looking for the weights")
    chosen = chosen_model(asked)
    say("looking for films")
    found = given_films(given)
    told = [f"{len(found.films)} film{'s' * (len(found.films) != 1)} to predict"]
    told += [f"{len(found.skipped)} skipped: {found.skipped_text()}"] * bool(found.skipped)
    told += [f"{found.named_twice} named twice, taken once"] * bool(found.named_twice)
    say("; ".join(told))
    names = file_names(found.films, taken=(Path(PREDICTIONS_FILE).stem, Path(PAGE_FILE).stem))
    films = dict(zip(names, (str(path) for path in found.films), strict=True))
    made_by = {
        "label": chosen.label,
        "weights_sha256": chosen.sha256,
        "image_size_px": chosen.image_size_px,
        "numbering": chosen.numbering.model_dump(mode="json"),
        "confidence_threshold": confidence,
        "software": code_version(),
    }
    folder = folder_for(out, made_by, films)
    say("loading the network")

    from spineseg.prediction.segmenter import load_segmenter

    segmenter = load_segmenter(
        chosen.path, image_size_px=chosen.image_size_px, device=device_name, trust=chosen.trusted
    )
    say(chosen.text())
    worker = _Worker(chosen, segmenter, confidence, folder)
    return worker.through(found, films, made_by, each)


class _Worker:
    """Predicts films one after the other into a folder."""

    def __init__(self, chosen: Chosen, segmenter: Any, confidence: float, folder: Path) -> None:
        self._chosen, self._segmenter, self._confidence = chosen, segmenter, confidence
        self._folder = folder
        self._pictures: dict[str, str] = {}  # SHA-256 of a picture -> the film that showed it.
        self._common = {
            "weights": chosen.as_json(),
            "confidence_threshold": confidence,
            "software": code_version(),
            "caution": f"{_origin_text(chosen)} {CAUTION}".strip(),
        }

    def through(
        self,
        found: GivenFilms,
        films: dict[str, str],
        made_by: dict[str, Any],
        each: Callable[[Step], None],
    ) -> Predicted:
        """Predict all films, and write the table and the gallery of what was done, at any end."""
        so_far = Predicted(self._folder, len(films), found)
        (self._folder / THUMBNAILS).mkdir(parents=True, exist_ok=True)
        write_record(self._folder, made_by, films, {"finished": None})
        shown_films: list[GalleryFilm] = []
        part = self._folder / f".{TABLE_FILE}.part"
        try:
            with part.open("w", newline="") as rows:
                rows.write(table.header())
                for name, path in zip(films, found.films, strict=True):
                    answer, kept = self._answer(name, path)
                    rows.write(table.rows(answer))
                    shown_films.append(_gallery_film(name, answer))
                    overlay = self._folder / f"{name}.png"
                    step = Step(so_far.done + 1, so_far.films, answer, overlay, kept)
                    so_far.count(step)
                    each(step)
        finally:
            if part.exists():
                part.replace(self._folder / TABLE_FILE)
            self._finish(so_far, shown_films, films, made_by)
        return so_far

    def _answer(self, name: str, path: Path) -> tuple[dict[str, Any], bool]:
        """Return what is said of a film, written to its files; and whether it was there before."""
        record = self._folder / f"{name}.json"
        try:
            content = film_content(path)
            sha256 = hashlib.sha256(content).hexdigest()
            before = self._before(name, sha256)
            if before is not None:
                same = self._same(before["picture_sha256"], str(path))
                if same != before["same_picture_as"]:
                    before["same_picture_as"] = same
                    write_whole(record, json.dumps(before, indent=1))
                return before, True
            film = decode(content, path)
        except DataError as error:
            nothing = {"image": str(path), "error": str(error), "vertebrae": [], **self._common}
            for stale in self._pictures_of(name):
                stale.unlink(missing_ok=True)
            write_whole(record, json.dumps(nothing, indent=1))
            return nothing, False
        answer = self._predicted(name, path, film)
        answer |= {"film_sha256": sha256, "film_bytes": len(content)}
        write_whole(record, json.dumps(answer, indent=1))  # The last: with it a film is done.
        return answer, False

    def _predicted(self, name: str, path: Path, film: DecodedFilm) -> dict[str, Any]:
        from PIL import Image

        from spineseg.overlay import draw_overlay
        from spineseg.prediction.answers import numbered_film
        from spineseg.prediction.outlines import prediction_as_json, prediction_outlines

        pixels = film.pixels()
        prediction = numbered_film(self._segmenter, film, path, self._chosen.numbering)
        drawn = draw_overlay(pixels, prediction_outlines(prediction, self._confidence))
        overlay, thumbnail = self._pictures_of(name)
        out = io.BytesIO()
        marked = with_strip(drawn, _strip_lines(self._chosen, self._confidence))
        Image.fromarray(marked).save(out, format="PNG", compress_level=3)
        write_whole(overlay, out.getvalue())
        write_whole(thumbnail, _thumbnail(drawn))
        picture = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        return {
            **prediction_as_json(prediction, self._confidence, film.spacing),
            **self._common,
            "conversion": film.conversion,
            "picture_sha256": picture,
            "same_picture_as": self._same(picture, str(path)),
            "time": _now(),
        }

    def _before(self, name: str, sha256: str) -> dict[str, Any] | None:
        """Return what an earlier call, made in just this way, wrote of the same film."""
        if not all(path.is_file() for path in self._pictures_of(name)):
            return None
        try:
            answer = json.loads((self._folder / f"{name}.json").read_text())
            is_same = answer["film_sha256"] == sha256 and "picture_sha256" in answer
            return dict(answer) if is_same and "same_picture_as" in answer else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _same(self, picture: str, film: str) -> str | None:
        """Return the film before this one that shows the same picture, pixel by pixel."""
        first = self._pictures.setdefault(picture, film)
        return first if first != film else None

    def _pictures_of(self, name: str) -> tuple[Path, Path]:
        return self._folder / f"{name}.png", self._folder / THUMBNAILS / f"{name}.jpg"

    def _finish(
        self,
        so_far: Predicted,
        shown_films: list[GalleryFilm],
        films: dict[str, str],
        made_by: dict[str, Any],
    ) -> None:
        now, chosen = _now(), self._chosen
        skipped = [(table.cell(str(path)), why) for path, why in so_far.skipped.skipped]
        facts = {
            "Model": chosen.label,
            "Where it is": chosen.source.get("store") or chosen.source["file"],
            "Weights": f"SHA-256 {chosen.sha256}",
            "Trained on": chosen.as_json()["trained_on"],
            "Levels": chosen.levels_text,
            "Confidence": f"{self._confidence:g} or more",
            "Input": f"{chosen.image_size_px} px",
            "Software": f"spineseg {code_version()}",
            "Written": now,
        }
        write_gallery(
            Gallery(so_far.lines(), _origin_text(chosen), CAUTION, facts),
            shown_films,
            skipped,
            self._folder,
        )
        more = {
            "finished": now if so_far.done == so_far.films else None,
            "caution": self._common["caution"],
            "weights": self._common["weights"],
            "predicted": so_far.done - len(so_far.errors),
            "vertebrae": so_far.vertebrae,
            "without_vertebra": so_far.without,
            "same_picture": so_far.same,
            "errors": so_far.errors,
            "skipped_reasons": so_far.skipped.reasons(),
            "skipped": skipped,
        }
        write_record(self._folder, made_by, films, more)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _gallery_film(name: str, answer: dict[str, Any]) -> GalleryFilm:
    is_there = not answer.get("error")
    levels = [vertebra["level"] for vertebra in answer["vertebrae"]]
    return GalleryFilm(
        title=table.cell(answer["image"]),
        overlay=f"{name}.png" if is_there else "",
        thumbnail=f"{THUMBNAILS}/{name}.jpg" if is_there else "",
        record=f"{name}.json",
        found=levels_text(levels) if is_there else "",
        note=table.note(answer),
    )


def _thumbnail(picture: np.ndarray) -> bytes:
    factor = min(1.0, _THUMBNAIL_PX / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes())


def _origin_text(chosen: Chosen) -> str:
    """Return in a few words what, beside the caution, is to be known of the weights' training."""
    if chosen.synthetic is None:
        return _UNKNOWN
    return _SYNTHETIC if chosen.synthetic else ""


def _strip_lines(chosen: Chosen, confidence: float) -> list[tuple[str, tuple[int, int, int]]]:
    """Return the lines below an overlay, each with its colour."""
    by = (
        f"By {chosen.label}, SHA-256 {chosen.short_sha256}; levels {chosen.levels_text}; "
        f"confidence {confidence:g} or more."
    )
    return [(f"{_origin_text(chosen)} {CAUTION}".strip(), WARNING), (by, PLAIN)]
