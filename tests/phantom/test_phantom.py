"""The phantom: reproducible, anatomical, and as bright as films are."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from spineseg.data.labelled import read_films
from spineseg.data.layouts import read_folder
from spineseg.errors import ConfigError
from spineseg.levels import CERVICAL, LUMBAR, RANK, THORACIC
from spineseg.phantom import export
from spineseg.phantom.export import write_films
from spineseg.phantom.film import Film, render_film
from spineseg.phantom.version import VERSION

FRONTAL_GREY, LATERAL_GREY = 118.02, 132.33


@pytest.fixture(scope="module")
def frontal() -> list[Film]:
    return [render_film("frontal", 192, seed) for seed in range(24)]


@pytest.fixture(scope="module")
def lateral() -> list[Film]:
    return [render_film("lateral", 192, seed) for seed in range(24)]


def make(folder: Path, **changes: object) -> tuple[Path, Path]:
    settings: dict[str, object] = {
        "seed": 5,
        "frontal_films": 5,
        "lateral_films": 5,
        "size_px": 64,
        "difficulty": 0.5,
        "workers": 1,
    }
    return write_films(folder, **(settings | changes))  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_seed_gives_the_same_bytes_however_many_workers(tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b", workers=2)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_another_seed_gives_other_films() -> None:
    assert not np.array_equal(
        render_film("frontal", 96, 1).pixels, render_film("frontal", 96, 2).pixels
    )


def test_a_change_of_the_films_must_raise_the_version() -> None:
    """The mean grey of one film; where it moves, VERSION and the bundled weights' card do too."""
    assert VERSION == 2
    assert render_film("frontal", 96, 7).pixels.mean() == pytest.approx(FRONTAL_GREY, abs=0.3)
    assert render_film("lateral", 96, 7).pixels.mean() == pytest.approx(LATERAL_GREY, abs=0.3)


def test_more_films_leave_the_earlier_ones_as_they_were(tmp_path: Path) -> None:
    few, _ = make(tmp_path / "few")
    many, _ = make(tmp_path / "many", frontal_films=9)
    stems = {path.name for path in few.rglob("*.jpg")}
    assert stems < {path.name for path in many.rglob("*.jpg")}


def test_frontal_films_label_t1_to_l5_in_order_down_the_film(frontal: list[Film]) -> None:
    for film in frontal:
        assert set(film.outlines) == set(THORACIC + LUMBAR)
        heights = {level: points[:, 1].mean() for level, points in film.outlines.items()}
        assert sorted(heights, key=lambda level: heights[level]) == sorted(
            heights, key=RANK.__getitem__
        )


def test_lateral_films_label_the_neck_and_lose_c7_now_and_then() -> None:
    films = [render_film("lateral", 64, seed) for seed in range(120)]
    assert all(set(CERVICAL[:6]) <= set(film.outlines) <= set(CERVICAL) for film in films)
    assert 0 < sum("C7" not in film.outlines for film in films) < 40


def test_outlines_lie_on_the_film_and_follow_its_edges(frontal: list[Film]) -> None:
    """A label that has slipped off its body would cross no more edges than a shifted one."""
    on, beside = [], []
    for film in frontal:
        gradient = np.hypot(*(cv2.Sobel(film.pixels, cv2.CV_32F, dx, 1 - dx) for dx in (0, 1)))
        for points in film.outlines.values():
            assert points.min() >= 0 and points.max() <= 1 and len(points) >= 12
            on.append(along(gradient, points))
            beside.append(along(gradient, np.clip(points + np.array([0.16, 0.03]), 0, 1)))
    assert np.mean(on) > 1.25 * np.mean(beside)


def along(gradient: np.ndarray, points: np.ndarray) -> float:
    x, y = np.minimum((points * gradient.shape[0]).astype(int), gradient.shape[0] - 1).T
    return float(gradient[y, x].mean())


def test_brightness_is_that_of_real_films(frontal: list[Film], lateral: list[Film]) -> None:
    for films, mean, percentile in (
        (frontal, (70, 116), (170, 225)),
        (lateral, (95, 152), (205, 244)),
    ):
        greys = np.array([[f.pixels.mean(), np.percentile(f.pixels, 99)] for f in films]).mean(0)
        assert mean[0] < greys[0] < mean[1]
        assert percentile[0] < greys[1] < percentile[1]


def test_harder_films_bend_more() -> None:
    def bend(difficulty: float) -> float:
        films = [render_film("frontal", 64, seed, difficulty) for seed in range(30)]
        return float(
            np.mean([np.ptp([p[:, 0].mean() for p in f.outlines.values()]) for f in films])
        )

    assert bend(1.0) > 1.3 * bend(0.0)


def test_both_views_are_whole_exports_without_parts(tmp_path: Path) -> None:
    for folder, names in zip(
        make(tmp_path / "x"), (sorted(THORACIC + LUMBAR), list(CERVICAL)), strict=True
    ):
        source = read_folder(folder)
        assert list(source.films[0].names.values()) == names
        assert [film.part for film in source.films] == [None] * 5 and not source.orphans
        assert all(film.outlines for film in read_films(folder, "all"))
        assert "ynthetic" in (folder / "README.dataset.txt").read_text()


def test_a_write_that_is_stopped_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(view: str, *settings: object) -> Film:
        if view == "lateral":
            raise KeyboardInterrupt
        return render_film("frontal", 64, 1)

    monkeypatch.setattr(export, "render_film", stopped)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_write_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".x.999999999.part" / "frontal").mkdir(parents=True)
    make(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size_px": 8}, "at least 64 px"),
        ({"difficulty": 2.0}, "difficulty 2.0"),
    ],
)
def test_settings_that_make_no_films_are_refused(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        make(tmp_path / "x", **changes)
    assert list(tmp_path.iterdir()) == []
