"""A run's films drawn by its records: the picture itself, and what happens where it cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from exports import write_export
from fake_trainer import films_of, records_scoring
from made_up_films import column
from merged_data import prepare
from PIL import Image
from run_folders import make_job

from spineseg.data.labelled import read_merged_film
from spineseg.film_pictures import pictures_of
from spineseg.overlay import draw_beside_labels
from spineseg.training.pictures import FilmPictures


def test_a_film_is_drawn_with_its_labels_thin_and_what_was_found_named() -> None:
    film = np.zeros((256, 200, 3), np.uint8)
    empty = draw_beside_labels(film, (), (), "run: epoch 1")
    labelled = draw_beside_labels(film, column(), (), "run: epoch 1")
    found = draw_beside_labels(film, column(), column(), "run: epoch 1")
    assert empty.shape == labelled.shape == (512 + 24, 400, 3)  # A label without a name: no margin.
    assert labelled[:512].any() and not empty[:512].any() and empty[512:].max() > 200
    assert not (labelled[..., 0] - labelled[..., 2])[:512].any()  # White and grey alone.
    assert (found[..., 0] != found[..., 2])[:512].sum() > 1000 and found.shape[0] == 512 + 24


def test_the_best_weights_films_are_drawn_again_in_their_place(tmp_path: Path) -> None:
    dataset = prepare(tmp_path, write_export(tmp_path / "export", {"train": 4, "valid": 3}))
    job = make_job(dataset=dataset.folder, data_fingerprint=dataset.fingerprint)
    pictures = FilmPictures(tmp_path / "run", job, read_merged_film)
    records = records_scoring(0.8, films_of(dataset.folder))
    for _ in range(2):
        pictures.draw_best(records, 3)
    found = pictures_of(tmp_path / "run")
    assert pictures.missed == 0 and {p.step for p in found} == {0} and 0 < len(found) <= 4
    assert Image.open(found[0].path).format == "WEBP"


@pytest.mark.parametrize("what", ["no manifest", "no record", "no place", "no film"])
def test_what_cannot_be_drawn_is_counted_and_said_and_ends_nothing(
    tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = prepare(tmp_path, write_export(tmp_path / "export", {"train": 4, "valid": 2}))
    records = records_scoring(0.8, films_of(dataset.folder))
    job = make_job(dataset=dataset.folder, data_fingerprint=dataset.fingerprint)
    if what == "no manifest":
        (dataset.folder / "manifest.json").unlink()
    elif what == "no record":
        records = []
    elif what == "no place":
        (tmp_path / "run").write_text("a file")
    else:
        for path in (dataset.folder / "valid" / "images").iterdir():
            path.unlink()
    pictures = FilmPictures(tmp_path / "run", job, read_merged_film)
    pictures.draw_best(records, 3)
    assert pictures.missed == 1
    assert "films of the best weights not drawn: " in capsys.readouterr().out
