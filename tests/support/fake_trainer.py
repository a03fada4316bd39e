"""A trainer that learns nothing and takes no time: it speaks the same events as the real child."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from spineseg.config.training import TrainConfig
from spineseg.evaluation.evaluate import evaluated_records
from spineseg.evaluation.records import FilmRecord, Found, Truth, matched_record
from spineseg.evaluation.stored import Evaluated, save_evaluation
from spineseg.events import Epoch, Failed, Finished, Lost, Started, append_event, read_events
from spineseg.job import JOB_FILE, Job
from spineseg.levels import CLASS_NAMES
from spineseg.metrics import OBJECTIVES
from spineseg.training.control import is_judged, stop_asked
from spineseg.training.devices import CPU
from spineseg.training.orders import Orders
from spineseg.training.slot import Slot

Score = Callable[[TrainConfig], float]


def baseline_is_a_half(config: TrainConfig) -> float:
    """Return 0.5 for the baseline, more for a learning rate near 0.003, nothing random."""
    return 0.5 + (0.2 if config.fliplr == 0 else 0) - min(0.4, abs(config.lr0 - 0.003) * 40)


class FakeChild:
    """Stands in for a training process: dies, fails or finishes as told."""

    def __init__(self, run: Callable[[], None], steps: threading.Semaphore) -> None:
        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        self.killed = threading.Event()
        self._steps = steps

    found_no_space = lost = is_waiting_for_its_place = False
    ended_by = "SIGKILL"

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def let_go_on(self, epochs: int) -> None:
        """Be told what lies in the run's folder already."""

    def ask_to_stop(self, epochs: int) -> None:
        """Be told what lies in the run's folder already."""

    def kill(self) -> None:
        self.killed.set()
        self._steps.release(1000)
        self._thread.join(10)


class FakeLauncher:
    """An executor of this process, with fake children.

    `dies_at` and `fails` map a run's name to epochs or a failure kind.
    """

    def __init__(
        self,
        score_of: Score = baseline_is_a_half,
        dies_at: dict[str, list[int]] | None = None,
        fails: dict[str, str] | None = None,
        holds_at: tuple[str, int, threading.Event] | None = None,
        on_start: Callable[[str], None] = lambda name: None,
        forgets: int = 0,
        short_at: dict[str, int] | None = None,
    ) -> None:
        self.score_of = score_of
        self.dies_at = dies_at or {}
        self.fails = fails or {}
        self.holds_at = holds_at
        self.on_start = on_start
        self.short_at = dict(short_at or {})  # Times that a run finds too little memory.
        self.let_go = threading.Event()  # Lets go of the run that `holds_at` holds.
        self.forgets = forgets  # Epochs that were reported, and whose weights are lost.
        self.started: list[str] = []
        self.count = 1  # Slots.

    def slots(self) -> list[Slot]:
        return [Slot(f"slot {number}", CPU) for number in range(1, self.count + 1)]

    def learn(self, job: Job, epoch: Epoch) -> str:
        return ""

    def may_share(self, slot: Slot, wanted: TrainConfig, at_work: Sequence[TrainConfig]) -> bool:
        return True

    def at_work(self, run_folder: Path) -> Slot | None:
        return None

    def close(self) -> None:
        """Have nothing to let go of."""

    def start(self, run_folder: Path, orders: Orders, slot: Slot) -> FakeChild:
        self.started.append(run_folder.name[4:])
        self.on_start(run_folder.name[4:])
        steps = threading.Semaphore(0)
        child: list[FakeChild] = []

        def run() -> None:
            if not (run_folder / JOB_FILE).exists():
                return  # Moved away: a real child ends without a word, too.
            self._train(run_folder, orders, lambda: bool(child) and child[0].killed.is_set(), steps)

        child.append(FakeChild(run, steps))
        return child[0]

    def _train(
        self, folder: Path, orders: Orders, killed: Callable[[], bool], steps: threading.Semaphore
    ) -> None:
        job = Job.read(folder)
        name, config, run = job.name, job.config, job.id
        done = sum(isinstance(event, Epoch) for event in read_events(folder, run)) - self.forgets
        append_event(
            folder,
            Started(
                run=run,
                pid=1,
                device="CPU",
                attempt=orders.attempt,
                split=orders.split,
                resumed_from_epoch=done,
                parameters=2_800_000,
                resolved={"batch": config.batch, "imgsz": config.image_size_px},
                environment={"processor": "none", "cores": "1"},
            ),
        )
        if self.short_at.get(name, 0):
            self.short_at[name] -= 1
            told = {"attempt": orders.attempt, "kind": "out_of_memory", "message": "CUDA: as told"}
            append_event(folder, Lost.model_validate({"run": run, **told}))
            return
        if name in self.fails:
            append_event(folder, Failed(run=run, kind=self.fails[name], message="as told"))  # type: ignore[arg-type]
            return
        if self._dies(name, 0):
            return
        final = self.score_of(config)
        outcome = "completed"
        for epoch in range(done + 1, config.epochs + 1):
            while job.kind == "search" and not (killed() or is_judged(folder, epoch - 1)):
                time.sleep(0.005)
            if killed():
                return
            if stop_asked(folder, epoch - 1):
                outcome = "pruned"
                break
            value = final * epoch / (config.epochs + self.forgets)
            metrics = {
                f"valid/{kind}_{m}": value
                for kind in ("box", "mask")
                for m in ("map50", "map50_95")
            }
            append_event(
                folder,
                Epoch(
                    run=run,
                    epoch=epoch,
                    metrics=metrics,
                    epoch_seconds=0.5,
                    validation_seconds=0.1,
                ),
            )
            if self._dies(name, epoch):
                return
            if self.holds_at and self.holds_at[:2] == (name, epoch):
                self.holds_at[2].set()
                while not (self.let_go.wait(0.02) or killed()):
                    pass
            if killed():
                return
            steps.acquire(timeout=0.01)
        self._finish(folder, job, final, outcome)

    def _dies(self, name: str, epoch: int) -> bool:
        if self.dies_at.get(name, [-1])[:1] != [epoch]:
            return False
        self.dies_at[name].pop(0)
        return True

    def _finish(self, folder: Path, job: Job, final: float, outcome: str) -> None:
        weights = folder / "train" / "weights"
        weights.mkdir(parents=True, exist_ok=True)
        for name in ("best.pt", "last.pt"):
            # As real ones, they hang on what was trained, and on what.
            learnt = f"{job.config.model_dump_json()} {job.data_fingerprint}"
            (weights / name).write_text(f"weights of {folder.name}: {learnt}")
        (folder / "train" / "results.csv").write_text("epoch\n1\n")
        records = records_scoring(final, films_of(job.dataset))
        told = dict.fromkeys(OBJECTIVES, final)
        found = evaluated_records(records, job.numbering)
        scores = {
            way: score.model_copy(update={"scores": score.scores | told})
            for way, score in found.scores.items()
        }
        save_evaluation(folder, Evaluated(scores, found.records), "valid")
        evaluation = scores["sequence"]
        epochs = len({e.epoch for e in read_events(folder, job.id) if isinstance(e, Epoch)})
        append_event(
            folder,
            Finished(
                run=job.id,
                outcome=outcome,
                epochs=epochs,
                best_epoch=epochs,
                batch=job.config.batch,  # type: ignore[arg-type]
                optimizer=job.config.optimizer,
                trainer_metrics={"trainer/mask_map50": final},
                metrics=evaluation.metrics(),
                train_seconds=epochs * 0.5,
                best_weights="train/weights/best.pt",
                last_weights="train/weights/last.pt",
            ),
        )


def films_of(dataset: Path, part: str = "valid") -> list[str]:
    """Return the names of a part's films."""
    return sorted(path.name for path in (dataset / part / "images").iterdir())


def records_scoring(share: float, films: Sequence[str]) -> list[FilmRecord]:
    """Return records of films with ten vertebrae each, of which about `share` are found."""
    levels = [f"T{i}" for i in range(1, 11)]
    found = levels[: round(10 * share)]
    overlap = [[0.95 if level == other else 0.0 for other in levels] for level in found]
    boxes = {level: (10.0, 10.0 + 20 * i, 50.0, 26.0 + 20 * i) for i, level in enumerate(levels)}
    return [
        matched_record(
            name=name,
            height=220,
            width=100,
            seconds=0.01,
            truths=[Truth(level=level, box=boxes[level]) for level in levels],
            found=[
                Found(
                    level=level,
                    confidence=0.9,
                    level_scores=tuple(0.9 * (level == name) for name in CLASS_NAMES),
                    box=boxes[level],
                    polygon=((0.1, 0.1), (0.5, 0.1), (0.5, 0.5)),
                )
                for level in found
            ],
            box_iou=overlap,
            mask_iou=overlap,
        )
        for name in films
    ]
