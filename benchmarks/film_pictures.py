"""Measure what the pictures of a run's films cost its training.

    PYTHONPATH=src:. python benchmarks/film_pictures.py mlruns/work/studies/phantom/000-baseline

Draws the films of a finished run anew, in a folder of its own, with its best weights in the
place of an epoch's, and compares the seconds with those that its epochs took.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import torch

from spineseg.data.labelled import read_merged_film
from spineseg.film_pictures import pictures_of
from spineseg.prediction.network_file import load_network
from spineseg.runs import read_run
from spineseg.training.pictures import FilmPictures, is_drawn

REPEATS = 5


def main(folder: Path) -> None:
    """Print the seconds of each drawing, the pictures' bytes, and their share of the training."""
    run = read_run(folder)
    network = load_network(run.best_weights).float()
    last = len(run.epochs)
    drawn = [epoch for epoch in range(1, last + 1) if is_drawn(epoch, run.job.config.epochs)]
    with tempfile.TemporaryDirectory() as out:
        pictures = FilmPictures(Path(out), run.job, read_merged_film)
        seconds = []
        for _ in range(REPEATS + 1):  # The first one imports, and reads the films' labels.
            before = pictures.seconds
            pictures.draw_epoch(
                SimpleNamespace(  # type: ignore[arg-type]
                    epoch=0,
                    device=torch.device("cpu"),
                    ema=SimpleNamespace(ema=network),
                )
            )
            seconds.append(pictures.seconds - before)
        before = pictures.seconds
        pictures.draw_best(run.records(), run.finished.best_epoch if run.finished else 0)
        best = pictures.seconds - before
        sizes = [picture.path.stat().st_size for picture in pictures_of(Path(out))]
    one = statistics.median(seconds[1:])
    whole = seconds[0] + one * (len(drawn) - 1) + best
    trained = sum(epoch.epoch_seconds for epoch in run.epochs)
    print(
        f"{len(sizes) // 2} films of {statistics.median(sizes) / 1024:.0f} KiB, first epoch "
        f"{seconds[0]:.2f} s, then {one:.2f} s, best weights {best:.2f} s; {len(drawn)} of {last} "
        f"epochs drawn: {whole:.2f} s of {trained:.1f} s, {whole / trained:.1%}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
