"""Ultralytics' training films, with order and augmentation that hang on seed, epoch and film alone.

Ultralytics draws from generators that run on from film to film, and mixes a film with what its
process happened to load last.
"""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset
from ultralytics.data import build_dataloader
from ultralytics.data.augment import Mosaic

from spineseg.training.seeded import FILM, EpochOrder, seed_all


class SeededFilms(Dataset[Any]):
    """Ultralytics' training films, each augmented by dice of its own in each pass."""

    def __init__(self, films: Any, seed: int) -> None:
        self.labels = films.labels
        self.collate_fn = films.collate_fn
        self._films = films
        self._seed = seed
        for transform in films.transforms.transforms[0].transforms:
            if isinstance(transform, Mosaic):  # Mixes with any film, not with those loaded last.
                transform.buffer_enabled = False

    def __len__(self) -> int:
        return len(self._films)

    def __getitem__(self, key: int) -> Any:
        number, index = divmod(key, len(self))
        seed_all(self._seed, FILM, number, index)
        return self._films[index]

    def close_mosaic(self, hyp: Any) -> None:
        """Mix no films from here on."""
        self._films.close_mosaic(hyp)


def seeded_loader(films: Any, seed: int, **options: Any) -> tuple[Any, EpochOrder]:
    """Return Ultralytics' loader of training films, with seeded order and films, and the order."""
    order = EpochOrder(len(films), seed)
    loader = build_dataloader(SeededFilms(films, seed), shuffle=True, **options)
    loader.batch_sampler.sampler.sampler = order  # Within its repetition and its batches.
    return loader, order
