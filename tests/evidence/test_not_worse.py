"""A better model must not be worse where it matters: each guarded figure holds its bound."""

from __future__ import annotations

import numpy as np
from fake_trainer import records_scoring

from spineseg.config.study import NotWorse
from spineseg.evaluation.records import FilmRecord
from spineseg.evidence.not_worse import guarded

FILMS = [f"film-{n:02d}" for n in range(40)]
BOUNDS = NotWorse()


def run(share: float, seed: int, *, wrong: str = "", invented: float = 0.0) -> list[FilmRecord]:
    """Return records in which a level is named one too low, or bodies are invented, by chance."""
    rng, films = np.random.default_rng(seed), []
    for record in records_scoring(share, FILMS):
        found = list(record.found)
        if wrong and rng.random() < 0.9:
            below = f"T{int(wrong[1:]) + 1}"
            renamed = {wrong: below, below: wrong}
            found = [f.model_copy(update={"level": renamed.get(f.level, f.level)}) for f in found]
        box, mask = list(record.box_iou), list(record.mask_iou)
        if rng.random() < invented:
            found.append(found[0].model_copy(update={"confidence": 0.5}))
            box.append(tuple(0.0 for _ in box[0]))
            mask.append(tuple(0.0 for _ in mask[0]))
        films.append(record.changed(found=found, box_iou=box, mask_iou=mask))
    return films


def fallen(after: list[list[FilmRecord]], bounds: NotWorse = BOUNDS) -> set[str]:
    before = [run(0.8, seed, invented=0.1) for seed in range(4)]
    return {one.name for one in guarded(before, after, FILMS, bounds) if not one.holds}


def test_a_model_as_good_holds_every_bound() -> None:
    before = [run(0.8, seed, invented=0.1) for seed in range(4)]
    names = [one.name for one in guarded(before, before, FILMS, BOUNDS)]
    assert names[:4] == ["right level", "found", "not invented", "right level, frontal"]
    assert "right level, T4" in names and "right level, lateral" not in names
    assert not fallen([run(0.8, seed, invented=0.1) for seed in range(10, 14)])
    assert not fallen([run(0.9, seed) for seed in range(10, 14)])


def test_a_level_that_falls_from_all_to_a_tenth_is_seen_though_the_rest_gains() -> None:
    """A gate that asked for one hit alone would let it pass."""
    worse = [run(1.0, seed, wrong="T4") for seed in range(10, 14)]
    assert {"right level, T4", "right level, T5"} <= fallen(worse)
    assert "found" not in fallen(worse)


def test_less_found_and_more_invented_are_seen() -> None:
    assert {"found", "right level", "right level, frontal"} <= fallen([run(0.6, 1)] * 4)
    assert "not invented" in fallen([run(0.8, s, invented=0.95) for s in range(10, 14)])


def test_what_is_on_few_films_is_not_asked() -> None:
    worse = [run(1.0, seed, wrong="T4") for seed in range(10, 14)]
    few = NotWorse(least_films=41)
    assert not any("T4" in name or "frontal" in name for name in fallen(worse, few))
    assert "right level" not in fallen(worse, NotWorse(least_films=41, right_level=1.0))


def test_of_few_films_the_differences_are_asked_and_not_their_intervals() -> None:
    """A baseline that invents much, and by chance, is no reason against what invents less."""
    before = [run(0.8, seed, invented=share) for seed, share in enumerate((0.0, 1.0, 0.0, 1.0))]
    after = [run(0.8, seed) for seed in range(10, 14)]
    few = NotWorse(least_films=41)
    assert all(one.holds for one in guarded(before, after, FILMS, few))
    assert fallen([run(0.6, 1)] * 4, few)
