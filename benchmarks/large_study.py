"""Time what commands cost on large studies: CPU seconds and memory, by the number of trials.

python benchmarks/large_study.py [--trials 10 100 300] [--tree OTHER] [--compare] [--keep FOLDER]

Made-up studies of 250 epochs a trial are written (tests/support/many_runs.py) and each command is
run on them in a process of its own, by this tree and by another checkout in turns. CPU seconds, not
wall: a machine has other work. `--compare` adds `compare`, which first fills MLflow, minutes long;
told is the second one, with everything there. `restart` is what `run` does until a training starts:
record, data, checks, progress, and the study that says what is next.
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

HERE = Path(__file__).parents[1]
RESTART = """
import sys
from pathlib import Path
from spineseg.config.yaml_files import load_study
from spineseg.data.audit import load_audit
from spineseg.data.merge import prepare_dataset
from spineseg.places import StudyPlaces
from spineseg.progress import Progress
from spineseg.runs import read_runs
from spineseg.study_status import finished_text
from spineseg.trials import confirmations, refuse_another
from study import driver
from study.checks import check_study, check_weights
from study.optuna_store import in_memory
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
driver._numbering(config, dataset)
confirmations(runs, config)
in_memory(config, runs)
Progress(config, runs).begin()
"""


def cost(tree: Path, words: list[str], study: Path) -> tuple[float, int]:
    """Return CPU seconds and the most memory, in MB, of a command of `tree` on a study."""
    called = ["-c", RESTART, str(study)] if words == ["restart"] else ["-m", "study.cli", *words]
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True)\n"
        "if done.returncode: sys.exit(done.stderr[-1000:])\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *called],
        env=os.environ | {"PYTHONPATH": f"{tree}:{tree / 'src'}"},
        cwd=study.parent,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{tree}: {' '.join(words)}: {done.stderr.strip()}")
    seconds, memory = done.stdout.split()
    return float(seconds), int(memory)


def main() -> None:
    """Print a line for each command, study and tree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[10, 100, 300])
    parser.add_argument("--tree", type=Path, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--keep", type=Path, help="where the studies are written, or lie already")
    asked = parser.parse_args()
    trees = {"this": HERE} | ({"other": asked.tree.resolve()} if asked.tree else {})
    with tempfile.TemporaryDirectory() as made:
        home = asked.keep or Path(made)
        for trials in asked.trials:
            ended, going = home / f"ended-{trials}", home / f"going-{trials}"
            for folder in (ended, going):
                if not folder.is_dir():
                    write_many(folder, trials, going=folder is going)
            root = str(ended / "mlruns")
            commands = {
                "status": (["status", "large.yaml"], ended),
                "studies": (["studies", "--root", root], ended),
                "restart": (["restart"], going),
            }
            if asked.compare:
                commands["compare"] = (["compare", "large.yaml"], ended)
                cost(HERE, ["compare", "large.yaml"], ended / "large.yaml")
            for name, (words, folder) in commands.items():
                for which, tree in trees.items():
                    found = [cost(tree, words, folder / "large.yaml") for _ in range(asked.rounds)]
                    seconds, memory = min(s for s, _ in found), max(m for _, m in found)
                    print(
                        f"{trials:>5} trials  {name:<8} {which:<6} {seconds:7.2f} s of CPU, "
                        f"{memory} MB",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
