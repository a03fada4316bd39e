"""Films that were opened are known again: as files, as copies, by their patients, in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from spineseg.config.data import DataConfig
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.errors import DataError
from spineseg.phantom.film import render_film
from spineseg.seal.in_training import refuse_opened_in_training
from spineseg.seal.known import opened_films
from spineseg.seal.ledger import enter
from spineseg.seal.looks import look_of
from spineseg.seal.opening import PART, OpenedFilm, Opening
from spineseg.seal.overlap import alike, seen_before


def film(number: int) -> np.ndarray:
    return render_film("frontal", 224, (3, number), 0.3).pixels


def look(pixels: np.ndarray) -> str:
    return look_of(np.stack([pixels] * 3, -1) if pixels.ndim == 2 else pixels)


def opening(films: list[OpenedFilm], study: str = "before") -> Opening:
    return Opening(
        time="2026-01-01T00:00:00Z", study=study, films=tuple(films), runs=["a"], reason="x"
    )


def test_copies_have_the_look_of_their_film_and_others_do_not() -> None:
    known = [look(film(n)) for n in range(6)]
    picture = Image.fromarray(film(0)).convert("L")
    copies = [
        picture.resize((150, 150)),
        ImageOps.expand(picture, 15, 0),
        ImageOps.invert(picture),
        picture.point(lambda grey: grey * 0.6 + 30),
    ]
    for copy in copies:
        assert alike([look(np.asarray(copy))], known[:1]).all()
    assert not alike(known[1:], known[:1]).any()
    assert not alike(["", known[0]], [""]).any() and not alike([], known).any()


def test_a_film_is_seen_as_a_file_as_a_copy_or_by_its_patient() -> None:
    looks = [look(film(n)) for n in range(4)]
    before = opening([OpenedFilm(content="a", look=looks[0], patient="p")])
    again = [
        OpenedFilm(content="a", look=looks[1]),
        OpenedFilm(content="copy", look=looks[0]),
        OpenedFilm(content="b", look=looks[2], patient="p"),
        OpenedFilm(content="c", look=looks[3], patient="q"),
    ]
    seen = seen_before(again, "", [before, opening([OpenedFilm(content="z", look="")], "none")])
    assert (seen.films, seen.of, seen.patients, len(seen.by)) == (2, 4, 1, 1)
    assert "2 of its 4 films were opened before, and 1 more are of patients" in seen.text()
    assert "by study 'before'" in seen.text()


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Dataset]:
    """The same phantoms divided by two seeds."""
    phantom = {"kind": "phantom", "seed": 4, "film_size_px": 96, "difficulty": 0.2}
    sources = [phantom | {"frontal_films": 12, "lateral_films": 12}]
    cache = tmp_path_factory.mktemp("data")
    made = []
    for seed in (0, 5):
        told = {"sources": sources, "split_seed": seed, "test_fraction": 0.3}
        made.append(prepare_dataset(DataConfig.model_validate(told), cache))
    return made[0], made[1]


def films_of_test(dataset: Dataset) -> list[OpenedFilm]:
    entries = [entry for entry in dataset.manifest.entries if entry.part == PART]
    return list(opened_films(dataset.manifest, dataset.folder, entries))


def test_test_films_that_now_lie_in_training_stop_a_study(
    datasets: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    one, other = datasets
    refuse_opened_in_training(tmp_path, other)  # Nothing was opened.
    enter(tmp_path, None, opening(films_of_test(one), "first"))
    refuse_opened_in_training(tmp_path, one)
    with pytest.raises(
        DataError, match=r"training films were opened as test films .* 'first'.*keep"
    ):
        refuse_opened_in_training(tmp_path, other)


def test_a_copy_of_an_opened_film_in_training_stops_a_study(
    datasets: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    one, other = datasets
    copies = [
        each.model_copy(update={"content": f"{n}"}) for n, each in enumerate(films_of_test(one))
    ]
    enter(tmp_path, None, opening(copies))
    refuse_opened_in_training(tmp_path, one)  # Copies of its own test films.
    with pytest.raises(DataError, match="training films were opened"):
        refuse_opened_in_training(tmp_path, other)


def test_another_division_of_the_same_films_is_known_to_be_opened(
    datasets: tuple[Dataset, Dataset],
) -> None:
    one, other = datasets
    seen = seen_before(films_of_test(other), "", [opening(films_of_test(one))])
    shared = {f.content for f in films_of_test(one)} & {f.content for f in films_of_test(other)}
    assert seen.films == len(shared) and seen.of == len(films_of_test(other)) and shared
