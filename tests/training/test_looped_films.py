"""Training films as tensors: bodies go where the picture goes, and dice are the films' own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from spineseg.config.training import TrainConfig
from spineseg.films import LabelledFilm, Outline
from spineseg.levels import CLASS_INDEX
from spineseg.training.looped.films import Batches, TrainingFilms, _kept, _move, loader
from spineseg.training.seeded import FILM, EpochOrder, seed_of

STILL = TrainConfig(
    model="maskrcnn-resnet18",
    optimizer="AdamW",
    image_size_px=128,
    scale=0,
    translate=0,
    fliplr=0,
    hsv_v=0,
)
MOVED = STILL.with_(scale=0.3, translate=0.1, degrees=20, shear=5, fliplr=0.5, flipud=0.5)


def film(folder: Path, name: str = "film") -> LabelledFilm:
    """Return a black film of 200 x 150 px with two bright bodies, labelled."""
    pixels, outlines = np.zeros((150, 200), np.uint8), []
    for level, (x1, y1, x2, y2) in {"L1": (60, 30, 110, 60), "T7": (70, 80, 120, 120)}.items():
        pixels[y1:y2, x1:x2] = 255
        corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], float)
        outlines.append(Outline(level, corners / [200, 150]))
    Image.fromarray(pixels).save(folder / f"{name}.png")
    return LabelledFilm(folder / f"{name}.png", tuple(outlines))


@pytest.mark.parametrize("config", [STILL, MOVED], ids=["still", "moved"])
def test_bodies_go_where_the_picture_goes(tmp_path: Path, config: TrainConfig) -> None:
    films = TrainingFilms([film(tmp_path)], config, keep=True)
    seen = set()
    for number in range(12):
        one = films[number]
        assert one["pixels"].shape == (3, 128, 128) and one["masks"].shape[1:] == (128, 128)
        bright = one["pixels"][0].numpy() > 150
        labelled = one["masks"].numpy().any(0)
        apart = (bright != labelled).sum() / labelled.sum()
        assert apart < 0.12  # Edges alone: a pixel on each side of some 25.
        for box, mask in zip(one["boxes"].numpy(), one["masks"].numpy(), strict=True):
            rows, columns = np.nonzero(mask)
            around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert np.abs(box - around).max() <= 1.5
        assert set(one["levels"].tolist()) <= {CLASS_INDEX["L1"], CLASS_INDEX["T7"]}
        for mask, corners in zip(one["masks"].numpy(), moved_corners(films, number), strict=True):
            assert mask.sum() == pytest.approx(shapely.Polygon(corners).area, rel=0.06)
        seen.add(labelled.tobytes())
    assert len(seen) == (1 if config is STILL else 12)


def moved_corners(films: TrainingFilms, key: int) -> list[np.ndarray]:
    """Return the corners of the bodies that a film shows, where they are moved to and clipped."""
    number, index = divmod(key, len(films))
    dice = np.random.default_rng(seed_of(films._config.seed, FILM, number, index))
    move = _move(dice, films._config)
    return [corners for _, corners, _ in _kept(films._corners[index], move, 128)]


def test_a_film_hangs_on_seed_pass_and_itself_alone(tmp_path: Path) -> None:
    many = [film(tmp_path, str(number)) for number in range(3)]
    kept, read = (TrainingFilms(many, MOVED, keep=keep) for keep in (True, False))
    for key in (5, 1, 8, 5):
        one, other = kept[key], read[key]
        assert all(bool((one[name] == other[name]).all()) for name in ("pixels", "masks", "boxes"))
    other_seed = TrainingFilms(many, MOVED.with_(seed=1), keep=True)
    assert not bool((other_seed[5]["pixels"] == kept[5]["pixels"]).all())


def test_a_body_that_is_moved_out_of_sight_is_no_longer_labelled_and_never_all(
    tmp_path: Path,
) -> None:
    far = STILL.with_(translate=0.9)
    films = TrainingFilms([film(tmp_path)], far, keep=True)
    counts = [len(films[number]["boxes"]) for number in range(40)]
    assert min(counts) >= 1 and 1 in counts and 2 in counts


def test_bodies_too_small_to_be_seen_are_counted(tmp_path: Path) -> None:
    tiny = Outline("L2", np.array([[0.1, 0.1], [0.101, 0.1], [0.101, 0.101], [0.1, 0.101]]))
    whole = film(tmp_path)
    films = TrainingFilms([LabelledFilm(whole.path, (*whole.outlines, tiny))], STILL, keep=False)
    assert films.lost == 1 and len(films[0]["boxes"]) == 2


@pytest.mark.parametrize(
    ("films", "batch", "split", "least", "sizes"),
    [
        (10, 4, 1, 1, [4, 4, 2]),
        (9, 4, 1, 1, [4, 5]),
        (1, 4, 1, 1, [1]),
        (10, 4, 2, 1, [2, 2, 2, 2, 1, 1]),
        (5, 4, 3, 1, [1, 2, 2]),
        (11, 4, 2, 2, [2, 2, 2, 2, 3]),
        (5, 4, 4, 2, [2, 3]),
    ],
)
def test_batches_hold_each_film_once_and_leave_none_alone(
    films: int, batch: int, split: int, least: int, sizes: list[int]
) -> None:
    order = EpochOrder(films, 7)
    batches = Batches(order, batch, split, least)
    first, second = list(batches), list(batches)
    assert [len(keys) for keys in first] == sizes and len(batches) == len(sizes)
    assert sorted(key for keys in first for key in keys) == list(range(films))
    assert sorted(key for keys in second for key in keys) == list(range(films, 2 * films))


def test_a_batch_has_its_films_and_their_bodies_side_by_side(tmp_path: Path) -> None:
    films = TrainingFilms([film(tmp_path, str(n)) for n in range(4)], MOVED, keep=True)
    (batch,) = loader(films, Batches(EpochOrder(4, 0), 4, 1), workers=0)
    assert batch["pixels"].shape == (4, 3, 128, 128) and float(batch["pixels"].max()) <= 1
    assert len(batch["targets"]) == 4
    assert sorted(target["film"] for target in batch["targets"]) == [0, 1, 2, 3]
