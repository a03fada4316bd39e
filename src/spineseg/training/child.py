"""One training, start to end, in its own process: `job.json` in, `events.jsonl` out."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spineseg.data.known import refuse_unwhole
from spineseg.errors import RecordError
from spineseg.events import Epoch, Failed, Finished, Phase, Started, append_event, read_events
from spineseg.files import locked
from spineseg.job import Job
from spineseg.places import LOCK_FILE
from spineseg.training.control import (
    LOG_FILE,
    NO_SPACE,
    TRAINER_FOLDER,
    stop_asked,
    wait_until_judged,
)
from spineseg.training.failures import disk_is_full, failure_kind
from spineseg.training.film_cache import film_cache
from spineseg.training.machine import machine_facts, system_readings
from spineseg.training.orders import Orders
from spineseg.training.pictures import FilmPictures
from spineseg.training.settings import ultralytics_settings

if TYPE_CHECKING:
    from spineseg.config.numbering import Numbering
    from spineseg.evaluation.result import Evaluation
    from spineseg.training.trainer import QuietTraining


def run_job(run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    """Train, evaluate and report into the run folder; entry point of a child process.

    `device` is 'cpu' or the number of one CUDA device, `orders` what this attempt may use. Takes
    an interrupted job up again from its last whole epoch. Every ending is an event, but for a full
    disk, which ends the process with exit code NO_SPACE and leaves the run to be taken up again.
    """
    from spineseg.process_setup import prepare_environment

    prepare_environment(cache)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the driver ends its own.
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if device == "cpu" else device
    try:
        job = Job.read(run_folder)
    except RecordError as error:  # Moved away since it was started: whoever started it says more.
        raise SystemExit(f"spineseg: {error}") from None
    with locked(run_folder / LOCK_FILE) as alone:
        if not alone:
            return
        _redirect_output(run_folder / LOG_FILE)
        try:
            _train_and_evaluate(run_folder, job, "cpu" if device == "cpu" else "0", orders)
        except Exception as error:
            print(traceback.format_exc(), flush=True)
            if disk_is_full(error):
                raise SystemExit(NO_SPACE) from None  # No verdict on the run: it goes on later.
            append_event(
                run_folder,
                Failed(
                    run=job.id,
                    kind=failure_kind(error),
                    message=f"{type(error).__name__}: {str(error).strip() or 'no message'}"[:2000],
                    traceback=traceback.format_exc(),
                ),
            )


def _redirect_output(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _train_and_evaluate(run_folder: Path, job: Job, device: str, orders: Orders) -> None:
    from spineseg.data.labelled import read_merged_film

    refuse_unwhole(job.dataset)
    earlier = [e for e in read_events(run_folder, job.id) if isinstance(e, Epoch)]
    epochs = {event.epoch: event for event in earlier}
    settings = _settings(run_folder, job, device, orders)
    weights = run_folder / TRAINER_FOLDER / "weights"
    pictures = FilmPictures(run_folder, job, read_merged_film)
    outcome = _train(run_folder, job, settings, epochs, pictures)
    _finish(run_folder, job, settings, weights, epochs, outcome, pictures)


def _settings(run_folder: Path, job: Job, device: str, orders: Orders) -> dict[str, Any]:
    return {
        **ultralytics_settings(job.config),
        "model": f"{job.config.model.removesuffix('-seg')}-seg.yaml",
        "pretrained": str(job.weights) if job.weights else False,
        "data": str(job.dataset / "data.yaml"),
        "project": str(run_folder.resolve()),
        "name": TRAINER_FOLDER,
        "exist_ok": True,
        "device": device,
        "workers": 0 if device == "cpu" else min(8, orders.share_of_cores()),
        "plots": True,
        "cache": film_cache(job, orders.neighbours),
        "fraction": job.fraction,
    }


def _train(
    run_folder: Path,
    job: Job,
    settings: dict[str, Any],
    epochs: dict[int, Epoch],
    pictures: FilmPictures,
) -> str:
    """Train what is left to train, filling `epochs`; return 'completed' or 'pruned'."""
    from spineseg.training.resume import RESUME_FILE, saved
    from spineseg.training.trainer import StopRequested, train
    from spineseg.training.whole_weights import weights_are_whole

    weights = run_folder / TRAINER_FOLDER / "weights"
    last = saved(weights / RESUME_FILE, job.id)
    done = last.epoch if last else 0
    is_over = bool(last and (last.over or done >= job.config.epochs))
    is_pruned = bool(last and not is_over and stop_asked(run_folder, done))
    if (is_over or is_pruned) and not weights_are_whole(weights):
        last, done, is_over, is_pruned = None, 0, False, False
        (weights / RESUME_FILE).unlink()
    for epoch in [epoch for epoch in epochs if epoch > done]:
        del epochs[epoch]  # Reported, and its weights cannot be taken up: trained again.

    def say(event: Epoch) -> None:
        epochs[event.epoch] = event
        append_event(run_folder, event)

    if last and done not in epochs:  # Killed between the two.
        say(Epoch.model_validate(last.said))
    lacking = pictures.lacking(done)
    if is_over or is_pruned:
        pictures.missed += len(lacking)
        return "completed" if is_over else "pruned"

    def on_start(trainer: QuietTraining) -> None:
        append_event(run_folder, _started(trainer, job, resumed_from_epoch=done))
        pictures.missed += len(lacking - {done})
        if done in lacking:  # Killed while it drew; the weights are those again.
            pictures.draw_epoch(trainer, done)

    def on_epoch(trainer: QuietTraining, metrics: dict[str, float]) -> None:
        event = Epoch(
            run=job.id,
            epoch=trainer.epoch + 1,
            metrics=metrics,
            system=system_readings(),
            epoch_seconds=trainer.epoch_time,
            validation_seconds=trainer.validation_seconds,
        )
        trainer.keep(
            event.model_dump()
        )  # Before it is said: what is on record can be gone on from.
        say(event)
        pictures.draw_epoch(trainer, event.epoch)

    def may_end_epoch(trainer: QuietTraining) -> None:
        if job.kind == "search" and trainer.epoch:
            # Only so is a run pruned at the same epoch however fast its driver looks.
            if not wait_until_judged(run_folder, trainer.epoch):
                raise SystemExit(0)
            if stop_asked(run_folder, trainer.epoch):
                raise StopRequested

    try:
        train(
            settings,
            job.id,
            last,
            on_start=on_start,
            on_epoch=on_epoch,
            stop_asked=lambda: stop_asked(run_folder, len(epochs)),
            may_end_epoch=may_end_epoch,
        )
    except StopRequested:
        return "pruned"
    return "completed"


def _finish(
    run_folder: Path,
    job: Job,
    settings: dict[str, Any],
    weights: Path,
    epochs: dict[int, Epoch],
    outcome: str,
    pictures: FilmPictures,
) -> None:
    """Score the best weights with both yardsticks, draw the curves, and say that all is done."""
    from ultralytics.utils.plotting import plot_results

    from spineseg.data.labelled import read_films
    from spineseg.evaluation.evaluate import evaluate_weights
    from spineseg.evaluation.stored import save_evaluation
    from spineseg.training.resume import RESUME_FILE
    from spineseg.training.stripped import strip
    from spineseg.training.trainer import validate_weights

    best, last = weights / "best.pt", weights / "last.pt"
    append_event(run_folder, Phase(run=job.id, name="scoring"))
    trainer_metrics = validate_weights(best, settings, run_folder / TRAINER_FOLDER)
    evaluated = evaluate_weights(
        best,
        read_films(job.dataset, "valid"),
        image_size_px=job.config.image_size_px,
        device=settings["device"],
        numbering=job.numbering,
    )
    append_event(run_folder, Phase(run=job.id, name="pictures"))
    plot_results(file=run_folder / TRAINER_FOLDER / "results.csv")
    pictures.draw_best(evaluated.records[job.numbering.numbering], _best_epoch(epochs))
    append_event(run_folder, Phase(run=job.id, name="recording"))
    strip(last)
    save_evaluation(run_folder, evaluated, "valid")
    started = [e for e in read_events(run_folder, job.id) if isinstance(e, Started)]
    append_event(
        run_folder,
        Finished(
            run=job.id,
            outcome="pruned" if outcome == "pruned" else "completed",
            epochs=len(epochs),
            best_epoch=_best_epoch(epochs),
            batch=started[-1].resolved["batch"],
            optimizer=started[-1].resolved["optimizer_used"],
            trainer_metrics=trainer_metrics,
            metrics=_tracked(evaluated.scores, job.numbering.numbering),
            train_seconds=sum(event.epoch_seconds for event in epochs.values()),
            best_weights=str(best.relative_to(run_folder)),
            last_weights=str(last.relative_to(run_folder)),
            pictures_missed=pictures.missed,
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


def _best_epoch(epochs: dict[int, Epoch]) -> int:
    """Return the epoch of best.pt: highest sum of box and mask mAP50-95, the last of equals."""

    def fitness(epoch: int) -> float:
        metrics = epochs[epoch].metrics
        return metrics["valid/box_map50_95"] + metrics["valid/mask_map50_95"]

    return max(epochs, key=lambda epoch: (fitness(epoch), epoch))


def _started(trainer: QuietTraining, job: Job, *, resumed_from_epoch: int) -> Started:
    import torch

    resolved = {
        key: value
        for key, value in vars(trainer.args).items()
        if isinstance(value, (str, int, float, bool)) and key not in {"project", "name", "save_dir"}
    }
    group = trainer.optimizer.param_groups[-1]
    resolved["optimizer_used"] = type(trainer.optimizer).__name__
    resolved["lr0_used"] = float(group.get("initial_lr", group["lr"]))
    resolved["batch"] = int(trainer.batch_size)
    resolved["amp_used"] = bool(trainer.amp)
    on_cuda = trainer.device.type == "cuda"
    return Started(
        run=job.id,
        pid=os.getpid(),
        device=torch.cuda.get_device_name(trainer.device) if on_cuda else "CPU",
        resumed_from_epoch=resumed_from_epoch,
        parameters=sum(p.numel() for p in trainer.model.parameters()),
        resolved=resolved,
        environment=machine_facts(),
    )
