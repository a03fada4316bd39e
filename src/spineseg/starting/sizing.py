"""Sizes a study to its films, this machine and a budget of hours; each choice with its reason."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from pydantic import Field

from spineseg.config.model import Model
from spineseg.config.training import TrainConfig
from spineseg.run_times import duration
from spineseg.training.steps import Steps, steps_of
from spineseg.workers import cores

CPU_HOURS, GPU_HOURS = 2.0, 24.0
"""Budgets where none is named: an afternoon, and a day."""
TIMED_PX = {False: 256, True: 640}
"""Sides of the input at which a CPU and a GPU are timed."""
_SIDES = {False: (320, 288, 256, 224, 192, 160, 128), True: (640, 512, 448, 384, 320, 256, 224)}
_MOST_EPOCHS = {False: 100, True: 250}
_BATCHES = (
    16,
    8,
    4,
)  # Batch normalisation takes several films.
_STEPS_AN_EPOCH = 20  # Below it an epoch is so coarse that its scores jump.
_GOOD_UPDATES, _LEAST_UPDATES = 200, 60  # Of the weights: enough to leave the start, and to move.
_GOOD_EPOCHS, _LEAST_EPOCHS = 12, 5
_NOMINAL = 64  # Ultralytics' own.
_LR0 = 0.002  # Of AdamW at 64 films an update, what local studies were measured with.
LEAST_BODY_PX = 8.0
"""Of a body's shorter side: two cells of the network's masks."""
_AROUND_SECONDS = 15.0  # Of each training: its start, pictures and scoring, on two cores.
_CPU_FILMS, _GPU_FILMS = 5.0, 60.0  # A second and core at 256 px, and at 640 px: where not timed.


class Pace(NamedTuple):
    """Seconds that one film takes in an epoch, and the side of the input they were taken at."""

    train_seconds: float
    valid_seconds: float
    at_px: int
    is_timed: bool = True


class Scheme(NamedTuple):
    """How much a study tries."""

    variants: tuple[str, ...]
    trials: int
    top: int
    seeds: int

    @property
    def trainings(self) -> int:
        """How many trainings it takes."""
        return 1 + len(self.variants) + self.trials + (self.top + 1) * self.seeds


_ALL = ("random-start", "no-flips", "no-mosaic", "upright")
_SCHEMES = {
    False: (
        Scheme(_ALL, 4, 1, 5),
        Scheme(("no-mosaic", "upright"), 2, 1, 4),
        Scheme(("upright",), 0, 1, 4),
    ),
    True: (Scheme(_ALL, 20, 2, 5), Scheme(_ALL, 4, 1, 5), Scheme(("upright",), 0, 1, 4)),
}


class Sized(Model):
    """What a study on these films and this machine is made of."""

    image_size_px: int
    batch: int
    nominal_batch: int
    epochs: int
    warmup_epochs: float
    close_mosaic_epochs: int
    lr0: float
    variants: tuple[str, ...]
    trials: int
    top: int
    seeds: int
    trainings: int
    steps: Steps
    hours: float = Field(description="Estimate of all trainings, none pruned.")
    budget_hours: float
    body_px: float | None = Field(description="A body's shorter side at the network's input.")
    timed: bool

    @property
    def over_budget(self) -> bool:
        """Whether even the smallest study takes longer than was allowed."""
        return self.hours > 1.05 * self.budget_hours


def batch_for(films: int) -> int:
    """Return the largest batch that leaves an epoch of so many films steps enough."""
    return next((b for b in _BATCHES if films / b >= _STEPS_AN_EPOCH), _BATCHES[-1])


def assumed_pace(on_gpu: bool) -> Pace:
    """Return a pace that nobody measured here: of two cores of an EPYC, and of one large GPU."""
    films = _GPU_FILMS if on_gpu else _CPU_FILMS * cores()
    return Pace(1 / films, 0.5 / films, TIMED_PX[on_gpu], is_timed=False)


def sized(
    train_films: int,
    valid_films: int,
    *,
    longest_px: int,
    body_share: float | None,
    pace: Pace,
    on_gpu: bool,
    devices: int,
    hours: float,
) -> Sized:
    """Return the largest study that fits into `hours` on so many devices.

    First its scheme, then its image size are lowered until a training has epochs enough; where not
    even the smallest fits, that one is returned. `longest_px` is the films' longer side.
    """
    batch = batch_for(train_films)
    steps = ceil(train_films / batch)
    sides = _sides(longest_px, body_share, on_gpu)
    chosen: tuple[Scheme, int, int] | None = None
    for updates, epochs in ((_GOOD_UPDATES, _GOOD_EPOCHS), (_LEAST_UPDATES, _LEAST_EPOCHS)):
        wanted = min(max(epochs, ceil(updates / steps)), _MOST_EPOCHS[on_gpu])
        for scheme in _SCHEMES[on_gpu]:
            for side in sides:
                each = 3600 * hours * devices / scheme.trainings - _AROUND_SECONDS
                fit = int(each / _epoch_seconds(train_films, valid_films, pace, side))
                if fit >= wanted and chosen is None:
                    chosen = scheme, side, min(fit, max(wanted, _MOST_EPOCHS[on_gpu]))
    scheme, side, epochs = chosen or (_SCHEMES[on_gpu][-1], sides[-1], wanted)
    training = _training(train_films, batch, epochs)
    seconds = epochs * _epoch_seconds(train_films, valid_films, pace, side) + _AROUND_SECONDS
    return Sized(
        image_size_px=side,
        batch=batch,
        nominal_batch=training.nominal_batch,
        epochs=epochs,
        warmup_epochs=training.warmup_epochs,
        close_mosaic_epochs=training.close_mosaic_epochs,
        lr0=training.lr0,
        variants=scheme.variants,
        trials=scheme.trials,
        top=scheme.top,
        seeds=scheme.seeds,
        trainings=scheme.trainings,
        steps=steps_of(training, train_films),
        hours=scheme.trainings * seconds / 3600 / devices,
        budget_hours=hours,
        body_px=None if body_share is None else body_share * side,
        timed=pace.is_timed,
    )


def _sides(longest_px: int, body_share: float | None, on_gpu: bool) -> list[int]:
    """Return the sides worth trying, largest first: none beyond the films, none of lost bodies."""
    most = max(64, 32 * ceil(longest_px / 32))
    sides = [side for side in _SIDES[on_gpu] if side <= most] or [most]
    legible = [side for side in sides if body_share is None or body_share * side >= LEAST_BODY_PX]
    return legible or sides[:1]


def _epoch_seconds(train_films: int, valid_films: int, pace: Pace, side: int) -> float:
    """Return seconds of an epoch, by the pixels of the network's input."""
    at_pace = train_films * pace.train_seconds + valid_films * pace.valid_seconds
    return at_pace * (side / pace.at_px) ** 2


def _training(films: int, batch: int, epochs: int) -> TrainConfig:
    """Return the schedule of a training: gradients of few films at a time where there are few.

    The rate falls with the root of the films an update (Malladi et al. 2022, for Adam).
    """
    warmup = min(3.0, max(0.5, round(epochs / 5) / 2))
    for nominal in (_NOMINAL, 32, 16, 8, 4):
        training = TrainConfig(
            batch=batch,
            nominal_batch=nominal,
            epochs=epochs,
            warmup_epochs=warmup,
            close_mosaic_epochs=max(1, epochs // 10),
            lr0=round(_LR0 * (nominal / _NOMINAL) ** 0.5, 5),
        )
        if nominal <= batch or steps_of(training, films).updates >= _GOOD_UPDATES:
            return training
    return training


def hours_text(sized: Sized, device: str) -> str:
    """Return the estimate as a person reads it."""
    basis = "" if sized.timed else " (not timed: of a usual pace)"
    return f"about {duration(3600 * sized.hours)} on {device}{basis}"
