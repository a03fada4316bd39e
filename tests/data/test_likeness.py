"""Films that show one picture are found, however they were copied; other films are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.film_copies import WAYS, Way, cropped, rotated
from spineseg.data.likeness.descriptor import descriptors_of, film_hash, picture_of
from spineseg.data.likeness.pairs import MOST_LOOKS, Costs, Pair, same_pictures
from spineseg.data.likeness.search import MOST_CANDIDATES, candidates
from spineseg.decoding.decode import read_film
from spineseg.phantom.film import render_film

T = Image.Transpose
Films = list[Image.Image]


@pytest.fixture(scope="module")
def films() -> Films:
    views = ("frontal", "lateral")
    return [Image.fromarray(render_film(views[i % 2], 256, (9, i)).pixels) for i in range(16)]


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., list[Pair]]:
    """Save films, describe them as the intake does, and return the pairs that are found."""

    def search(films: Films, costs: Costs | None = None, quality: int = 92) -> list[Pair]:
        files = [tmp_path / f"{i:03d}.jpg" for i in range(len(films))]
        for film, file in zip(films, files, strict=True):
            film.save(file, quality=quality)
        greys = [Image.fromarray(read_film(file)).convert("L") for file in files]
        return same_pictures([film_hash(grey).tobytes() for grey in greys], files, costs)

    return search


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_copies_are_found_among_other_films(way: Way, films: Films, found) -> None:
    rng = np.random.default_rng(5)
    copies = [way.change(film, rng) for film in films[:4]]
    pairs = found([*films, *copies], quality=way.quality or 92)
    right = {(i, len(films) + i) for i in range(len(copies))}
    assert {pair[:2] for pair in pairs} <= right
    assert len(pairs) >= (2 if way.mark < 0.9 else 4)


def test_other_films_are_not_alike(films: Films, found) -> None:
    costs = Costs()
    assert found(films, costs) == []
    assert costs.thumbs > 0


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (lambda f: f, "as it is"),
        (lambda f: f.resize((180, 130)), "as it is"),
        (lambda f: f.convert("RGB"), "as it is"),
        (lambda f: f.transpose(T.FLIP_LEFT_RIGHT), "flipped left to right"),
        (lambda f: f.transpose(T.FLIP_TOP_BOTTOM), "flipped upside down"),
        (lambda f: f.transpose(T.ROTATE_180), "turned by 180°"),
        (lambda f: f.transpose(T.ROTATE_270), "turned by 90° clockwise"),
        (lambda f: f.transpose(T.ROTATE_90), "turned by 90° counterclockwise"),
        (lambda f: f.transpose(T.TRANSPOSE), "transposed"),
        (lambda f: f.transpose(T.TRANSVERSE), "transposed the other way"),
        (ImageOps.invert, "as it is, inverted"),
        (lambda f: ImageOps.invert(f.transpose(T.ROTATE_270)), "turned by 90° clockwise, inverted"),
    ],
)
@pytest.mark.parametrize("copy_first", [False, True])
def test_a_pair_says_how_the_first_film_becomes_the_second(
    films: Films, found, change, how: str, copy_first: bool
) -> None:
    other = {"turned by 90° clockwise": "turned by 90° counterclockwise"}
    other |= {value: key for key, value in other.items()}
    pose, *inverted = how.split(", ")
    if copy_first:
        how = ", ".join([other.get(pose, pose), *inverted])
    copy = change(films[0])
    pair = found([copy, films[0]] if copy_first else [films[0], copy])[0]
    told, agreement = pair.how.split("; agreement ")
    assert told == how.removeprefix("as it is, ")
    assert 0.95 <= float(agreement) <= 1


def test_any_change_of_brightness_and_contrast_leaves_the_waves(films: Films) -> None:
    film = np.asarray(films[3], np.float32) / 2
    greys = [film, film * 0.6, film * 0.6 + 80, film + 90, 255 - film, 255 - film * 0.5]
    described = descriptors_of(
        np.stack([film_hash(Image.fromarray(grey.round().astype(np.uint8))) for grey in greys])
    )
    waves = described.waves.reshape(len(greys), -1)
    likeness = np.corrcoef(waves)[0]
    assert np.abs(likeness).min() > 0.995
    assert np.sign(likeness).tolist() == [1, 1, 1, 1, -1, -1]
    assert all(c.inverted == ((c.first < 4) != (c.second < 4)) for c in candidates(described.waves))


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_even_borders_are_trimmed_whatever_their_grey(films: Films, grey: int) -> None:
    film = ImageOps.crop(films[1], 20)
    page = ImageOps.expand(film, (30, 0, 12, 50), fill=grey)
    top, bottom, left, right = picture_of(np.asarray(page))
    trimmed = np.array([left - 30, top, page.width - 12 - right, page.height - 50 - bottom])
    own = np.array(picture_of(np.asarray(film)))[[2, 0, 3, 1]] * [1, 1, -1, -1]
    assert np.abs(trimmed - own - [0, 0, film.width, film.height]).max() <= 2


def test_every_one_of_many_copies_is_joined_to_the_picture(films: Films, found) -> None:
    rng = np.random.default_rng(1)
    copies = [cropped(films[0], rng, share / 400) for share in range(1, 13)]
    copies += [rotated(films[0], rng, degrees / 4) for degrees in range(1, 9)]
    pairs = found([*films, *copies])
    reached = {0}
    for _ in copies:
        reached |= {i for pair in pairs if reached & set(pair[:2]) for i in pair[:2]}
    assert reached == {0, *range(len(films), len(films) + len(copies))}


def test_blank_tiny_and_narrow_films_do_no_harm(films: Films, found) -> None:
    odd = [
        Image.new("L", (64, 64), 90),
        Image.new("L", (300, 20), 90),
        Image.new("L", (64, 64), 91),
        films[0].resize((16, 16)),
        films[0].resize((900, 16)),
        films[2].resize((17, 700)),
        Image.effect_noise((128, 128), 60),
    ]
    pairs = {pair[:2] for pair in found([*films, *odd])}
    n = len(films)
    blanks = {(n, n + 1)}
    own = {(0, n + 3), (0, n + 4), (2, n + 5), (n + 3, n + 4)}
    assert blanks <= pairs <= blanks | own
    assert found(odd[:1]) == [] and found([]) == []


def test_comparisons_are_bounded_for_each_film() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(0, 1, (16, 16))
    waves = (common + 0.3 * rng.normal(0, 1, (600, 16, 16))).astype(np.float32)
    found = candidates(waves)
    assert len(waves) / 2 < len(found) <= MOST_CANDIDATES * len(waves)
    assert len({frozenset((c.first, c.second)) for c in found}) == len(found)


def test_few_films_are_decoded_again(films: Films, found) -> None:
    rng = np.random.default_rng(2)
    copies = [cropped(film, rng, 0.04) for film in films for _ in range(2)]
    costs = Costs()
    found([*films, *copies], costs)
    assert 0 < costs.films <= MOST_LOOKS * 3 * len(films)
