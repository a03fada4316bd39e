"""A training's end: its best weights scored with both yardsticks, curves and films drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from spineseg.events import Epoch, Finished, Phase, Started, append_event, read_events
from spineseg.job import Job
from spineseg.training.control import RESUME_FILE, TRAINER_FOLDER

if TYPE_CHECKING:
    from spineseg.config.numbering import Numbering
    from spineseg.evaluation.records import FilmRecord
    from spineseg.evaluation.result import Evaluation
    from spineseg.training.drawing import Drawing

_FILMS_AT_A_TIME = 16  # As `evaluate_weights` by itself.


class Draws(Protocol):
    """What draws the shown films of a run, and counts those that it could not."""

    missed: int

    def draw_best(self, records: Sequence[FilmRecord], epoch: int) -> None:
        """Draw the films with the best weights, which are of `epoch`, by their own records."""


def finish(
    run_folder: Path,
    job: Job,
    settings: dict[str, Any],
    weights: Path,
    epochs: dict[int, Epoch],
    outcome: str,
    pictures: Draws,
    drawing: Drawing,
    split: int = 1,
) -> None:
    """Score the best weights with both yardsticks, draw the curves, and say that all is done.

    `epochs` are those trained, `split` the parts of a batch, as memory was scarce; `drawing` draws
    Ultralytics' own plots meanwhile, and is waited for before the end is said.
    """
    from spineseg.data.labelled import read_films
    from spineseg.evaluation.evaluate import evaluate_weights
    from spineseg.evaluation.stored import save_evaluation
    from spineseg.training.plots import draw_results
    from spineseg.training.stripped import strip
    from spineseg.training.validation import validate_weights

    best, last = weights / "best.pt", weights / "last.pt"
    append_event(run_folder, Phase(run=job.id, name="scoring"))
    draw_results(drawing, run_folder / TRAINER_FOLDER / "results.csv")
    trainer_metrics = validate_weights(best, settings, run_folder / TRAINER_FOLDER, split, drawing)
    evaluated = evaluate_weights(
        best,
        read_films(job.dataset, "valid"),
        image_size_px=job.config.image_size_px,
        device=settings["device"],
        numbering=job.numbering,
        batch=max(1, _FILMS_AT_A_TIME // split),
    )
    append_event(run_folder, Phase(run=job.id, name="pictures"))
    pictures.draw_best(evaluated.records[job.numbering.numbering], best_epoch(epochs))
    append_event(run_folder, Phase(run=job.id, name="recording"))
    strip(last)
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
    """Return the epoch of best.pt: highest sum of box and mask mAP50-95, the last of equals."""

    def fitness(epoch: int) -> float:
        metrics = epochs[epoch].metrics
        return metrics["valid/box_map50_95"] + metrics["valid/mask_map50_95"]

    return max(epochs, key=lambda epoch: (fitness(epoch), epoch))
