"""A training's end: its best weights scored with both yardsticks, curves and films drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from spineseg.events import Epoch, Finished, Phase, Started, append_event, read_events
from spineseg.training.control import RESUME_FILE
from spineseg.training.pending import BEST, LAST

if TYPE_CHECKING:
    from spineseg.config.numbering import Numbering
    from spineseg.evaluation.records import FilmRecord
    from spineseg.evaluation.result import Evaluation
    from spineseg.training.families.protocol import Asked

_FILMS_AT_A_TIME = 16  # As `evaluate_weights` by itself.


class Draws(Protocol):
    """What draws the shown films of a run, and counts those that it could not."""

    missed: int

    def draw_best(self, records: Sequence[FilmRecord], epoch: int) -> None:
        """Draw the films with the best weights, which are of `epoch`, by their own records."""


def finish(
    run_folder: Path, asked: Asked, epochs: dict[int, Epoch], outcome: str, pictures: Draws
) -> None:
    """Score the best weights with both yardsticks, draw the curves, and say that all is done.

    `epochs` are those trained; what the trainer draws itself is drawn meanwhile, and waited for
    before the end is said.
    """
    from spineseg.data.labelled import read_films
    from spineseg.evaluation.evaluate import evaluate_weights
    from spineseg.evaluation.stored import save_evaluation
    from spineseg.training.families.protocol import trainings_of

    job, weights, drawing = asked.job, asked.weights, asked.drawing
    trainings = trainings_of(job.config.family)
    best, last = (weights / f"{name}{trainings.SUFFIX}" for name in (BEST, LAST))
    append_event(run_folder, Phase(run=job.id, name="scoring"))
    trainer_metrics = trainings.own_scores(asked, best)
    evaluated = evaluate_weights(
        best,
        read_films(job.dataset, "valid"),
        image_size_px=job.config.image_size_px,
        device=asked.device,
        numbering=job.numbering,
        batch=max(1, _FILMS_AT_A_TIME // asked.orders.split),
    )
    append_event(run_folder, Phase(run=job.id, name="pictures"))
    pictures.draw_best(evaluated.records[job.numbering.numbering], best_epoch(epochs))
    append_event(run_folder, Phase(run=job.id, name="recording"))
    trainings.stripped(last)
    save_evaluation(run_folder, evaluated, "valid")
    drawing.finish()
    started = [e for e in read_events(run_folder, job.id) if isinstance(e, Started)]
    append_event(
        run_folder,
        Finished(
            run=job.id,
            outcome="pruned" if outcome == "pruned" else "completed",
            epochs=len(epochs),
            best_epoch=best_epoch(epochs),
            batch=started[-1].resolved["batch"],
            optimizer=started[-1].resolved["optimizer_used"],
            trainer_metrics=trainer_metrics,
            metrics=_tracked(evaluated.scores, job.numbering.numbering),
            train_seconds=sum(event.epoch_seconds for event in epochs.values()),
            best_weights=str(best.relative_to(run_folder)),
            last_weights=str(last.relative_to(run_folder)),
            pictures_missed=pictures.missed + drawing.missed,
        ),
    )
    (weights / RESUME_FILE).unlink(missing_ok=True)


def _tracked(scores: dict[Numbering, Evaluation], chosen: Numbering) -> dict[str, float]:
    """Return the scores under their tracking names: `best/...` as the model numbers, then else."""
    return {
        key: value
        for way, evaluation in scores.items()
        for key, value in evaluation.metrics("best" if way == chosen else way).items()
    }


def best_epoch(epochs: dict[int, Epoch]) -> int:
    """Return the best weights' epoch: highest sum of box and mask mAP50-95, the last of equals."""

    def fitness(epoch: int) -> float:
        metrics = epochs[epoch].metrics
        return metrics["valid/box_map50_95"] + metrics["valid/mask_map50_95"]

    return max(epochs, key=lambda epoch: (fitness(epoch), epoch))
