"""What a training draws at random, as a function of seed, epoch and film alone.

So an epoch is the same whether or not the process has trained the epochs before, and however many
processes load its films.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import Sampler

_ORDER, FILM = 1, 2
"""Of one seed, the order of an epoch and the films in it draw differently."""


def seed_of(*numbers: int) -> int:
    """Return a seed of 32 bits that hangs on all of `numbers`."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def seed_all(*numbers: int) -> None:
    """Let everything that is drawn next in this process hang on `numbers` alone."""
    seed = seed_of(*numbers)
    random.seed(seed)
    np.random.seed(seed)
    torch.random.default_generator.manual_seed(seed)
    if torch.cuda.is_available():  # Points, boxes and prompts are drawn where the network is.
        torch.cuda.manual_seed_all(seed)


class EpochOrder(Sampler[int]):
    """The order of the films, pass by pass: each pass's keys are shuffled by seed and pass.

    A key is a film's index plus its pass times the number of films. `next_pass` is the pass that
    the next iteration gives; loaders that fetch ahead iterate early.
    """

    def __init__(self, films: int, seed: int) -> None:
        self.next_pass = 0
        self._films = films
        self._seed = seed

    def __len__(self) -> int:
        return self._films

    def __iter__(self) -> Iterator[int]:
        number, self.next_pass = self.next_pass, self.next_pass + 1
        dice = torch.Generator().manual_seed(seed_of(self._seed, _ORDER, number))
        for index in torch.randperm(self._films, generator=dice).tolist():
            yield number * self._films + index
