"""Draws a few validation films as the network of an epoch sees them, without touching training."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from spineseg.data.manifest import load_manifest
from spineseg.decoding.decode import reduced_film
from spineseg.evaluation.records import FilmRecord
from spineseg.events import Phase, append_event
from spineseg.files import write_whole
from spineseg.film_pictures import BEST_STEP, picture_file, picture_names, shown_films
from spineseg.films import LabelledFilm, Outline
from spineseg.job import Job
from spineseg.metrics import COUNTED_CONFIDENCE
from spineseg.overlay import draw_beside_labels

if TYPE_CHECKING:
    from spineseg.training.families.protocol import Training

_PICTURE_PX = (512, 512)  # Widest, tallest.
_WEBP = {"quality": 80, "method": 2}  # Slower methods save little.


class FilmPictures:
    """The shown films of one run, drawn at a few epochs and with the best weights.

    Nothing here ends a training: what cannot be drawn is counted in `missed`, and printed with its
    reason, into the run's log.
    """

    def __init__(self, run_folder: Path, job: Job, read: Callable[[Path], LabelledFilm]) -> None:
        """Prepare to draw into `run_folder`; `read` gives a film of the job's data, labelled."""
        self.missed = 0
        self.seconds = 0.0
        self._folder = run_folder
        self._job = job
        self._read = read
        self._films: dict[str, LabelledFilm] | None = None  # By their names among pictures.

    def lacking(self, epochs: int) -> set[int]:
        """Return the epochs, of the first so many, whose films should be drawn and are not."""
        films = picture_names(shown_films(load_manifest(self._job.dataset)))
        return {
            epoch
            for epoch in range(1, epochs + 1)
            if self._is_drawn(epoch)
            and not all(picture_file(self._folder, film, epoch).exists() for film in films)
        }

    def _is_drawn(self, epoch: int) -> bool:
        return self._job.kind != "timing" and is_drawn(epoch, self._job.config.epochs)

    def draw_epoch(self, trainer: Training, epoch: int) -> None:
        """Draw the films with an epoch's weights, where it is one to draw.

        `trainer` comes out as it went in: a copy of its network predicts, and what that took of
        the random numbers is given back.
        """
        if not self._is_drawn(epoch):
            return
        append_event(self._folder, Phase(run=self._job.id, name="pictures"))
        with self._counted(epoch), _chance_kept():
            films = self._shown()
            found = _outlines(trainer.network_now(), films, self._job, trainer.facts().device)
            for name, outlines in zip(films, found, strict=True):
                self._draw(name, outlines, epoch, f"epoch {epoch}")
        append_event(self._folder, Phase(run=self._job.id, name="training"))

    def draw_best(self, records: Sequence[FilmRecord], epoch: int) -> None:
        """Draw the films with the best weights, which are of `epoch`, by their own records."""
        with self._counted(BEST_STEP):
            by_film = {record.name: record for record in records}
            for name, film in self._shown().items():
                record = by_film[film.path.name]
                drawn = [record.outline(i) for i in record.counted]
                outlines = [outline for outline in drawn if len(outline.points)]
                self._draw(name, outlines, BEST_STEP, f"best weights, epoch {epoch}")
        print(f"films drawn in {self.seconds:.1f} s", flush=True)

    def _shown(self) -> dict[str, LabelledFilm]:
        if self._films is None:
            entries = shown_films(load_manifest(self._job.dataset))
            images = self._job.dataset / "valid" / "images"
            self._films = {
                name: self._read(images / entry.name)
                for name, entry in zip(picture_names(entries), entries, strict=True)
            }
        return self._films

    def _draw(self, name: str, outlines: Sequence[Outline], step: int, caption: str) -> None:
        film = self._shown()[name]
        kind = ", synthetic" if self._job.synthetic else ""
        pixels = reduced_film(film.path, _PICTURE_PX)
        picture = draw_beside_labels(
            pixels, film.outlines, outlines, f"{self._job.name}: {caption}{kind}"
        )
        content = io.BytesIO()
        Image.fromarray(picture).save(content, "WEBP", **_WEBP)
        path = picture_file(self._folder, name, step)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.getvalue())

    @contextmanager
    def _counted(self, step: int) -> Iterator[None]:
        """Let a training live with whatever goes wrong here, say it, and note the time."""
        start = time.perf_counter()
        try:
            yield
        except Exception as error:  # Hours of training are worth more than a picture.
            self.missed += 1
            at = "of the best weights" if step == BEST_STEP else f"of epoch {step}"
            print(f"films {at} not drawn: {type(error).__name__}: {error}", flush=True)
        self.seconds += time.perf_counter() - start


def is_drawn(epoch: int, epochs: int) -> bool:
    """Return whether an epoch's films are drawn: 1, 2, 4, 8 .. up to half of all `epochs`.

    The network changes most at the beginning; how it ends, the best weights show.
    """
    return epoch & (epoch - 1) == 0 and epoch <= max(1, epochs // 2)


def _outlines(
    network: Any, films: dict[str, LabelledFilm], job: Job, device: str
) -> list[tuple[Outline, ...]]:
    """Return what `network`, which is used up, finds on each film, as `predict` would draw it."""
    from spineseg.prediction.numbered import numbered_prediction
    from spineseg.prediction.outlines import prediction_outlines
    from spineseg.prediction.segmenter import load_segmenter

    segmenter = load_segmenter(
        Path(job.name), image_size_px=job.config.image_size_px, device=device, network=network
    )
    predictions = segmenter.predict_many(film.path for film in films.values())
    return [
        prediction_outlines(numbered_prediction(each, job.numbering), COUNTED_CONFIDENCE)
        for each in predictions
    ]


@contextmanager
def _chance_kept() -> Iterator[None]:
    """Leave every source of random numbers as it was: layers made for fusing draw some."""
    import torch

    python, arrays = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)
