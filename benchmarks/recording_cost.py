"""Time what recording one training in MLflow costs: this tree against another checkout, in turns.

git worktree add /tmp/other COMMIT
python benchmarks/recording_cost.py /tmp/other [--rounds 5] [--server]   # about 3 minutes
python benchmarks/recording_cost.py --cpu                                # this tree; a minute

Made-up trainings of 60 epochs, with the figures, checkpoints and pictures of real ones, are carried
over event by event, as while they run, into a fresh SQLite store, or with `--server` to an MLflow
server on this machine. Told are the seconds of one training, the study's note included where a tree
writes one; the first training of a process, which warms up, is left out. Each tree is imported in a
process of its own; a round is one process of each, and which one is first changes.

With `--cpu`: what a training of 250 epochs costs this tree's process, in seconds of its processors,
its epochs carried one by one, eight at a time (as a carrier does it) and all at once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.data.manifest import Manifest
from spineseg.events import Epoch, Event, Finished, Started
from spineseg.job import Job
from spineseg.metrics import METRICS
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.tracking import tracked_runs
from spineseg.tracking.projection import RunProjection
from spineseg.tracking.store import open_store

HERE = Path(__file__).parents[1]
EPOCHS, RUNS = 60, 6
LONG, AT_ONCE = 250, (1, 8, 250)
ID = "0" * 32
COUNTS = ("films", "instances", "missed", "invented", "doubled", "mean_dice", "mean_boundary_px")
LATER_FIELDS = {"commit", "user", "pictures_missed"}  # An older tree does not know them.


def events(epochs: int) -> list[Event]:
    """Return the log of a made-up training, with as many figures as a real one has."""
    views = ("", "frontal/", "lateral/")
    names = [metric.name for metric in METRICS] + list(COUNTS)
    scores = {f"{p}/{v}{n}": 0.5 for p in ("best", "argmax") for v in views for n in names}
    parts = [f"{p}/{n}_loss" for p in ("train", "valid") for n in ("box", "seg", "cls", "dfl")]
    for kind in ("mask", "box"):
        parts += [f"valid/{kind}_{n}" for n in ("precision", "recall", "map50", "map50_95")]
    parts += [f"lr/pg{group}" for group in range(3)]
    resolved = {f"setting_{number}": number for number in range(100)} | {"batch": 16}
    facts = dict.fromkeys(("python", "platform", "code", "processor", "torch", "numpy"), "1.0")
    found: list[Event] = [
        Started(run=ID, pid=1, device="CPU", parameters=5, resolved=resolved, environment=facts)
    ]
    for number in range(1, epochs + 1):
        found.append(
            Epoch(
                run=ID,
                epoch=number,
                metrics=dict.fromkeys(parts, 0.1 + number / 100),
                system={f"system/{n}": 1.0 for n in ("cpu", "memory", "share", "process")},
                epoch_seconds=9.0,
                validation_seconds=1.0,
            )
        )
    found.append(
        Finished(
            run=ID,
            outcome="completed",
            epochs=epochs,
            best_epoch=epochs,
            batch=16,
            optimizer="AdamW",
            trainer_metrics={
                f"trainer/{kind}_{n}": 0.5 for kind in ("mask", "box") for n in "abcd"
            },
            metrics=scores,
            train_seconds=540.0,
            best_weights="train/weights/best.pt",
            last_weights="train/weights/last.pt",
        )
    )
    return found


def write_template(folder: Path, epochs: int = EPOCHS) -> None:
    """Write a run's folder, all but its place in a study: `job.json`, `log`, files."""
    job = Job(
        id=ID,
        study="bench",
        number=0,
        kind="search",
        name="run",
        arm="run",
        changes={},
        config=TrainConfig(epochs=epochs),
        objective=METRICS[0].name,
        data_fingerprint="d" * 64,
        synthetic=True,
        dataset=Path("/data"),
        weights=None,
        weights_sha256=None,
        numbering=NumberingModel(),
        code_version="0.1.0",
    )
    weights = folder / "train" / "weights"
    weights.mkdir(parents=True)
    (folder / "job.json").write_text(job.model_dump_json(exclude=LATER_FIELDS))
    (folder / "log").write_text(
        "".join(json.dumps(e.model_dump(exclude=LATER_FIELDS)) + "\n" for e in events(epochs))
    )
    for name in ("best.pt", "last.pt"):
        (weights / name).write_bytes(os.urandom(6_000_000))
    for number in range(20):
        (folder / "train" / f"picture-{number}.png").write_bytes(os.urandom(100_000))
    for name in ("valid-scores-argmax.json", "valid-scores-sequence.json", "train.log"):
        (folder / name).write_bytes(b" " * 50_000)


def record(
    template: Path,
    root: Path,
    uri: str | None,
    study: str,
    clock: Callable[[], float] = time.perf_counter,
    at_once: int = 1,
) -> list[float]:
    """Carry RUNS trainings over, so many epochs at once; return the time of each but the first."""
    config = StudyConfig.model_validate(
        {"name": study, "data": {"sources": [{"kind": "local", "path": "x"}]}, "baseline": {}}
    )
    manifest = Manifest(fingerprint="d" * 64, synthetic=True, sources=(), entries=())
    store = open_store(root, uri)
    parent = tracked_runs.open_study_run(store, config, manifest)
    write_note = getattr(tracked_runs, "write_study_note", None)
    seconds = []
    for number in range(RUNS):
        name = "baseline" if number == 0 else f"run-{number}"
        kind, own = ("baseline" if number == 0 else "search"), f"{number:032x}"
        folder = root / "studies" / study / f"{number:03d}-{name}"
        shutil.copytree(template, folder, ignore=shutil.ignore_patterns("log"))
        told = json.loads((template / "job.json").read_text())
        told |= {"id": own, "number": number, "name": name, "arm": name, "kind": kind}
        (folder / "job.json").write_text(json.dumps(told | {"study": study}))
        projection = RunProjection(store, lambda: parent, folder, Job.read(folder))
        spent = 0.0
        first, *epochs, last = (template / "log").read_text().replace(ID, own).splitlines()
        parts = ("\n".join(epochs[at : at + at_once]) for at in range(0, len(epochs), at_once))
        for lines in (first, *parts, last):
            with (folder / "events.jsonl").open("a") as log:
                log.write(lines + "\n")
            start = clock()
            if hasattr(projection, "carry"):
                projection.carry()
            elif not projection.sync(force=True):  # As an older tree has it.
                raise SystemExit("MLflow did not take the run")
            spent += clock() - start
        start = clock()
        if write_note is not None:
            write_note(store, parent, "So far. " * 100, running=True)
        seconds.append(spent + clock() - start)
    return seconds[1:]


def in_process(tree: Path, *words: object) -> float:
    """Return the median seconds of a training, recorded by `tree` in a process of its own."""
    environment = os.environ | {"PYTHONPATH": f"{tree}:{tree / 'src'}"}
    done = subprocess.run(
        [sys.executable, __file__, "--record", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{tree}: {done.stderr.strip()[-1000:]}")
    return statistics.median(json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run an MLflow server over a store in `folder`; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}"]
    words += ["--artifacts-destination", str(folder / "served")]
    running = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        start_new_session=True,
    )
    uri = f"http://127.0.0.1:{port}"
    try:
        for _ in range(900):
            try:
                with urllib.request.urlopen(f"{uri}/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        yield uri
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait()


def main() -> None:
    """Print the seconds of one training by each tree, round by round, and how they compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, nargs="?", help="the other checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", action="store_true", help="record to an MLflow server")
    parser.add_argument("--cpu", action="store_true", help="seconds of the processors, this tree")
    parser.add_argument("--record", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.record:
        template, root, uri, study = given.record
        print(json.dumps(record(Path(template), Path(root), uri or None, study)))
        return
    if given.cpu:
        cpu_seconds()
        return
    if given.other is None:
        parser.error("name the other checkout")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_template(folder / "template")
        (folder / "empty").mkdir()
        open_store(folder / "empty", None)
        if not given.server:
            compare(folder, given.other, given.rounds, "")
            return
        shutil.copy(folder / "empty" / "mlflow.db", folder / "server.db")
        with server(folder) as uri:
            compare(folder, given.other, given.rounds, uri)


def cpu_seconds() -> None:
    """Print what a long training costs the process that carries it."""
    for at_once in AT_ONCE:
        with tempfile.TemporaryDirectory() as name:
            write_template(Path(name, "template"), LONG)
            took = record(
                *(Path(name, "template"), Path(name, "root"), None, "bench"),
                clock=time.process_time,
                at_once=at_once,
            )
        print(
            f"{LONG} epochs, {at_once} at once: {statistics.median(took):.2f} s of CPU a training "
            f"(of {len(took)}, {min(took):.2f} to {max(took):.2f})",
            flush=True,
        )


def compare(folder: Path, other: Path, rounds: int, uri: str) -> None:
    """Record by both trees in turns and print what it took."""
    took: dict[str, list[float]] = {"this": [], "other": []}
    trees = {"this": HERE, "other": other.resolve()}
    for number in range(rounds):
        for which in ("this", "other") if number % 2 else ("other", "this"):
            root = folder / f"{which}-{number}"
            root.mkdir()
            shutil.copy(folder / "empty" / "mlflow.db", root / "mlflow.db")
            study = f"bench-{which}-{number}"
            took[which].append(in_process(trees[which], folder / "template", root, uri, study))
            shutil.rmtree(root)
        print(f"round {number + 1}: " + ", ".join(f"{k} {v[-1]:.3f} s" for k, v in took.items()))
    ratios = sorted(a / b for a, b in zip(took["this"], took["other"], strict=True))
    medians = {which: statistics.median(seconds) for which, seconds in took.items()}
    print(
        f"one training of {EPOCHS} epochs{' over HTTP' if uri else ''}: this tree "
        f"{medians['this']:.3f} s, the other {medians['other']:.3f} s; this/other "
        f"{statistics.median(ratios):.2f} (paired, {ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
