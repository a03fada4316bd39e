"""Time what commands cost on large studies: seconds, seconds of CPU and memory, by trials.

python benchmarks/large_study.py [--trials 1000 --commands status studies] [--tree OTHER] [--save]

Made-up studies of 250 epochs a trial, with the records of 65 films of 24 levels and 74 detections
each, are written (tests/support/many_runs.py) and each command is run on them in a process of its
own, by this tree and by another checkout in turns. CPU seconds are told beside wall seconds: a
machine has other work. Told is the fastest round. `compare` first fills MLflow, minutes long, and
told is the next one, with everything there. `restart` is what `run` does until a training starts:
record, data, checks, progress, and the study that says what is next; benchmarks/restart.py kills
and starts a real driver. With `--save` the figures are kept for docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from many_runs import write_many
from measured import save

HERE = Path(__file__).parents[1]
MARKS = {("status", 1000): 1.0, ("compare", 300): 10.0, ("restart", 300): 8.0}
"""Wall seconds that a command may take at most, by its trials; told beside the figures."""
DEFAULT = {"status": 1000, "studies": 1000, "compare": 300, "restart": 300}
RESTART = """
import sys
from pathlib import Path
from spineseg.config.yaml_files import load_study
from spineseg.data.audit import load_audit
from spineseg.data.merge import prepare_dataset
from spineseg.places import StudyPlaces
from spineseg.progress import Progress
from spineseg.runs import read_runs
from spineseg.study_checks import check_study, check_weights
from spineseg.study_status import finished_text
from spineseg.trials import confirmations_known, refuse_another
from study import driver
from study.memory import Memory
from study.optuna_store import first_free_number
path = Path(sys.argv[1])
config = load_study(path)
places = StudyPlaces(config.store.root, config.name)
finished_text(config)
check_study(config, path)
runs = read_runs(places.folder)
dataset = prepare_dataset(config.data, places.data)
load_audit(dataset).refuse_leaks(config.data.accept_leaks)
refuse_another(config, runs, dataset.fingerprint)
check_weights(config)
driver.numbering_learnt(config, dataset)
confirmations_known(runs, config)
Memory(config, runs, first_free_number(config, runs, print))
Progress(config, runs).begin()
"""
TIMED = """
import resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True)
took = time.perf_counter() - began
if done.returncode: sys.exit(done.stderr[-1000:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(took, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)
"""


def cost(tree: Path, command: str, study: Path) -> tuple[float, float, int]:
    """Return wall and CPU seconds, and the most memory, in MB, of a command of `tree`."""
    words = {
        "restart": ["-c", RESTART, str(study)],
        "studies": ["-m", "study.cli", "studies", "--root", str(study.parent / "mlruns")],
    }.get(command, ["-m", "study.cli", command, str(study)])
    done = subprocess.run(
        [sys.executable, "-c", TIMED, *words],
        env=os.environ | {"PYTHONPATH": f"{tree}:{tree / 'src'}"},
        cwd=study.parent,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{tree}: {command}: {done.stderr.strip()}")
    wall, cpu, memory = done.stdout.split()
    return float(wall), float(cpu), int(memory)


def _study(home: Path, command: str, trials: int) -> Path:
    """Return the study that a command is timed on: written, unless it lies there already."""
    going = command == "restart"
    folder = home / f"{'going' if going else 'ended'}-{trials}"
    if not folder.is_dir():
        write_many(folder, trials, films=65, going=going, doubtful=50)
    path = folder / "large.yaml"
    if command == "compare":
        cost(HERE, command, path)
    return path


def main() -> None:
    """Print a line for each command, study and tree, and keep those of this tree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", help="default: as the marks have them")
    parser.add_argument("--commands", nargs="+", choices=DEFAULT, default=list(DEFAULT))
    parser.add_argument("--tree", type=Path, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="where the studies are written, or lie already")
    parser.add_argument("--save", action="store_true", help="for docs/benchmarks.md")
    asked = parser.parse_args()
    trees = {"this": HERE} | ({"other": asked.tree.resolve()} if asked.tree else {})
    figures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as made:
        home = (asked.keep or Path(made)).resolve()
        for command in asked.commands:
            for trials in asked.trials or [DEFAULT[command]]:
                study = _study(home, command, trials)
                for which, tree in trees.items():
                    found = [cost(tree, command, study) for _ in range(asked.rounds)]
                    wall, cpu, memory = (min(each) for each in zip(*found, strict=True))
                    mark = MARKS.get((command, trials))
                    text = f"{wall:.2f} s, of CPU {cpu:.2f} s, {memory} MB"
                    text += f" (mark: {mark:g} s)" if mark else ""
                    print(f"{trials:>5} trials  {command:<8} {which:<6} {text}", flush=True)
                    if which == "this":
                        figures[f"`{command}` of {trials} trainings"] = text
    if asked.save:
        save("large_study", figures)


if __name__ == "__main__":
    main()
