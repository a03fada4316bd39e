"""Write docs/benchmarks.md from what the benchmarks of bookkeeping measured last.

python benchmarks/page.py    # reads mlruns/bench/*.json; `make bench` runs them first
"""

from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path("mlruns/bench")
PAGE = Path("docs/benchmarks.md")
HEAD = """# Benchmarks

What a study costs beside its trainings. `make bench` measures again and writes this page; each
figure is of the machine and the day named with it. Ratios travel to other machines; seconds do not.
The trainings are fake but for those against `yolo`; processes, databases and servers are real.
"""
TITLES = {
    "faults": "Killed at random",
    "faults_real": "Killed at random, really trained",
    "bookkeeping": "CPU of the driver, for each training",
    "trials_per_hour": "Trainings an hour at several slots",
    "hung_mlflow": "Beside an MLflow server that never answers",
    "restart": "Training again after `kill -9`",
    "large_study": "Commands on large studies",
    "against_yolo": "Against bare `yolo segment train`, half a minute of training",
    "against_yolo_long": "Against bare `yolo segment train`, minutes of training",
}
COMMANDS = {name: f"python benchmarks/{name}.py" for name in TITLES} | {
    "faults_real": "python benchmarks/faults.py --real",
    "against_yolo": "python benchmarks/against_yolo.py --ours child study",
    "against_yolo_long": "python benchmarks/against_yolo.py --length long",
}


def page(results: Path) -> str:
    """Return the page; of what was not measured it says so."""
    parts = [HEAD]
    for name, title in TITLES.items():
        parts.append(f"## {title}\n")
        file = results / f"{name}.json"
        if not file.exists():
            parts.append(f"Not measured yet: `{COMMANDS[name]}`.\n")
            continue
        told = json.loads(file.read_text())
        parts.append(f"`{COMMANDS[name]}`, {told['date']}, {told['machine']}.\n")
        rows = [f"| {key} | {value} |" for key, value in told["figures"].items()]
        parts.append("\n".join(["| | |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(RESULTS))
    print(PAGE)


if __name__ == "__main__":
    main()
