"""Write docs/model-table.md: networks side by side, by studies that lie on record here.

python benchmarks/model_table.py configs/studies/models-small.yaml [CONFIG ...]
    [--set KEY=VALUE] [--note TEXT]

Each config is a study that was run (`make study CONFIG=...`); its tables are those of its page, and
take the place of what the page had of it. Other studies' stay: they may lie on record elsewhere.
What is synthetic and what is real stand in tables of their own.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.evidence.results import StudySummary
from spineseg.places import Caches
from spineseg.process_setup import prepare_environment
from spineseg.report.model_table import as_markdown, entries, measured_table, words_table
from study.compare import summarised

PAGE = Path(__file__).parents[1] / "docs" / "model-table.md"
HEAD = """# Networks side by side

Written by `python benchmarks/model_table.py`, from studies on record; their pages have the same
tables under "Networks side by side". A figure of several trainings, or of several films, is the
mean and, in round brackets, the least and the greatest; in square ones, of one training, the 95 %
interval over patients. Small members of the families, on two CPU cores
and from random weights, since published ones could not be reached where this was measured: what
large members reach with published weights is for `configs/studies/models.yaml` on a GPU to say.
"""


def sections(page: str) -> dict[str, str]:
    """Return a page's parts by their studies' names, each with its heading."""
    parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]
    return {part[3:].partition(":")[0]: part.rstrip("\n") for part in parts}


def as_many_films(summary: StudySummary) -> StudySummary:
    """Return a study with those of its trainings alone that saw as many films as the baseline."""
    seen = next(run.films_seen for run in summary.runs if run.kind == "baseline")
    alike = [run for run in summary.runs if run.films_seen == seen]
    return summary.model_copy(update={"runs": alike})


def told(config: StudyConfig, summary: StudySummary, note: str) -> str:
    """Return a study's tables, with what they were measured on, and a note of whoever ran it."""
    found = entries(as_many_films(summary))
    if not found:
        raise SystemExit(f"{config.name}: has finished networks of one family alone")
    kind = "synthetic X-rays" if summary.synthetic else "real radiographs"
    films = summary.data["films"]
    lines = [
        f"## {config.name}: {kind}",
        "",
        f"{config.description} {films['train']} films to train on, {films['valid']} to validate on "
        f"(the figures are theirs), {config.baseline.image_size_px} px. On {summary.machine}, "
        f"{time.strftime('%Y-%m-%d')}.{f' {note}' if note else ''}",
        "",
        as_markdown(measured_table(found)),
        "What the original said of each family, and whether the families stand to each other so:",
        "",
        as_markdown(words_table(found, summary.objective)),
    ]
    absent = [f"{run.name} ({run.outcome})" for run in summary.runs if run.evaluation is None]
    if absent:
        lines.insert(3, f"Not in the table, having no scores: {', '.join(absent)}.\n")
    if (best := entries(summary)) != found:
        lines += [
            "### Each network's best configuration, whatever it took",
            "",
            as_markdown(measured_table(best)),
            as_markdown(words_table(best, summary.objective)),
        ]
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="+", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--note", default="", help="What else is to be known of these studies.")
    asked = parser.parse_args()
    kept = sections(PAGE.read_text()) if PAGE.exists() else {}
    for path in asked.configs:
        config = load_study(path, asked.sets)
        prepare_environment(Caches(config.store.root).trainer)
        _, summary = summarised(config)
        kept[config.name] = told(config, summary, asked.note).rstrip("\n")
    PAGE.write_text("\n\n".join([HEAD.rstrip("\n"), *kept.values()]) + "\n")
    print(PAGE)


if __name__ == "__main__":
    main()
