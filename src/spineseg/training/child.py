"""One training, start to end, in its own process: `job.json` in, `events.jsonl` out."""

from __future__ import annotations

import os
import signal
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from spineseg.data.known import refuse_unwhole
from spineseg.errors import RecordError
from spineseg.events import (
    Epoch,
    Failed,
    Finished,
    Lost,
    Started,
    append_event,
    end_last_line,
    read_events,
)
from spineseg.files import locked
from spineseg.job import Job
from spineseg.lasting import print_into
from spineseg.places import LOCK_FILE
from spineseg.training.control import (
    LOG_FILE,
    NO_SPACE,
    RESUME_FILE,
    TRAINER_FOLDER,
    stop_asked,
    wait_until_judged,
)
from spineseg.training.drawing import Drawing
from spineseg.training.failures import disk_is_full, failure_kind, lost_kind
from spineseg.training.finish import finish
from spineseg.training.machine import machine_facts, system_readings, use_cores
from spineseg.training.orders import Orders
from spineseg.training.pending import settle
from spineseg.training.pictures import FilmPictures

if TYPE_CHECKING:
    from spineseg.training.families.protocol import Asked, Training


def run_job(run_folder: Path, device: str, cache: Path, orders: Orders) -> None:
    """Train, evaluate and report into the run folder; entry point of a child process.

    `device` is 'cpu' or the number of one CUDA device, `orders` what this attempt may use. Takes
    an interrupted job up again from its last whole epoch. Every ending is an event: of the run, or,
    where memory did not do, of the attempt alone. But for a full disk, which ends the process with
    exit code NO_SPACE and leaves the run to be taken up again.
    """
    from spineseg.process_setup import prepare_environment

    prepare_environment(cache)
    for number in (signal.SIGINT, signal.SIGTERM):  # These reach all; the driver ends its own.
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # So does the end of the driver's terminal.
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if device == "cpu" else device
    try:
        job = Job.read(run_folder)
    except RecordError as error:  # Moved away since it was started: whoever started it says more.
        raise SystemExit(f"spineseg: {error}") from None
    try:
        with locked(run_folder / LOCK_FILE) as alone:
            if alone:
                print_into(run_folder / LOG_FILE)
                _run(run_folder, job, "cpu" if device == "cpu" else "0", orders)
    except Exception as error:
        if not disk_is_full(error):
            raise
        raise SystemExit(NO_SPACE) from None  # No verdict on the run: it goes on later.


def _run(run_folder: Path, job: Job, device: str, orders: Orders) -> None:
    """Train and evaluate, and give whatever ends that its word. Raises where the disk is full."""
    try:
        _train_and_evaluate(run_folder, job, device, orders)
    except Exception as error:
        print(traceback.format_exc(), flush=True)
        if disk_is_full(error):
            raise
        message = f"{type(error).__name__}: {str(error).strip() or 'no message'}"[:2000]
        lost, told = lost_kind(error), traceback.format_exc()
        append_event(
            run_folder,
            Lost(run=job.id, attempt=orders.attempt, kind=lost, message=message)
            if lost
            else Failed(run=job.id, kind=failure_kind(error), message=message, traceback=told),
        )


def _train_and_evaluate(run_folder: Path, job: Job, device: str, orders: Orders) -> None:
    from spineseg.data.labelled import read_merged_film
    from spineseg.training.families.protocol import Asked

    end_last_line(run_folder)
    events = read_events(run_folder, job.id)
    if any(isinstance(event, Finished | Failed) for event in events):
        (run_folder / TRAINER_FOLDER / "weights" / RESUME_FILE).unlink(missing_ok=True)
        return  # It ended while it was being started once more.
    refuse_unwhole(job.dataset)
    with Drawing(run_folder / TRAINER_FOLDER) as drawing:  # Before torch has threads.
        use_cores(orders)
        epochs = {event.epoch: event for event in events if isinstance(event, Epoch)}
        asked = Asked(job, run_folder / TRAINER_FOLDER, device, orders, drawing)
        pictures = FilmPictures(run_folder, job, read_merged_film)
        outcome = _train(run_folder, asked, epochs, pictures)
        finish(run_folder, asked, epochs, outcome, pictures)


def _train(run_folder: Path, asked: Asked, epochs: dict[int, Epoch], pictures: FilmPictures) -> str:
    """Train what is left to train, filling `epochs`; return 'completed' or 'pruned'."""
    from spineseg.training.families.protocol import Hooks, StopRequested, trainings_of
    from spineseg.training.saved import saved
    from spineseg.training.whole_weights import weights_are_whole

    job, weights = asked.job, asked.weights
    trainings = trainings_of(job.config.family)
    last = saved(weights / RESUME_FILE, job.id)
    done = last.epoch if last else 0
    settle(weights, done)
    is_over = bool(last and (last.over or done >= job.config.epochs))
    is_pruned = bool(last and not is_over and stop_asked(run_folder, done))
    if last and not weights_are_whole(weights, trainings.SUFFIX, with_last=is_over or is_pruned):
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

    def on_start(trainer: Training) -> None:
        append_event(run_folder, _started(trainer, asked, resumed_from_epoch=done))
        pictures.missed += len(lacking - {done})
        if done in lacking:  # Killed while it drew; the weights are those again.
            pictures.draw_epoch(trainer, done)

    def on_epoch(trainer: Training, metrics: dict[str, float]) -> None:
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

    def may_end_epoch(trainer: Training) -> None:
        if job.kind == "search" and trainer.epoch:
            # Only so is a run pruned at the same epoch however fast its driver looks.
            if not wait_until_judged(run_folder, trainer.epoch):
                raise SystemExit(0)
            if stop_asked(run_folder, trainer.epoch):
                raise StopRequested

    hooks = Hooks(
        on_start=on_start,
        on_epoch=on_epoch,
        stop_asked=lambda: stop_asked(run_folder, len(epochs)),
        may_end_epoch=may_end_epoch,
    )
    try:
        trainings.train(asked, last, hooks)
    except StopRequested:
        return "pruned"
    return "completed"


def _started(trainer: Training, asked: Asked, *, resumed_from_epoch: int) -> Started:
    facts = trainer.facts()
    return Started(
        run=asked.job.id,
        pid=os.getpid(),
        device=facts.device_name,
        resumed_from_epoch=resumed_from_epoch,
        attempt=asked.orders.attempt,
        split=asked.orders.split,
        parameters=facts.parameters,
        resolved=facts.settings,
        environment=machine_facts(),
    )
