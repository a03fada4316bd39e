"""Show how much of the gap to right numbering the decoding of whole columns closes.

python benchmarks/numbering_gap.py RUN_FOLDER [RUN_FOLDER ...] [--part valid]

RUN_FOLDER is a run of a study, as mlruns/work/studies/NAME/000-baseline. Nothing is predicted:
the run's records of single films are numbered anew. The bound is that every vertebra that is
found has its right level; the gap is what plain numbering lacks to it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from spineseg.data.labelled import read_films
from spineseg.evaluation.evaluate import matches_file
from spineseg.evaluation.records import ImageRecord, load_matches
from spineseg.evaluation.renumber import numbered_records
from spineseg.evaluation.result import Evaluation
from spineseg.evaluation.scores import score
from spineseg.job import Job
from spineseg.levels import view_of
from spineseg.prediction.numbering.model import NumberingModel, learnt_from

SHOWN = (
    ("right_level_rate", "right"),
    ("found_rate", "found"),
    ("off_by_one_rate", "off by 1"),
    ("whole_column_right_rate", "columns"),
    ("mask_map50", "mask50"),
    ("mask_map50_95", "mask50-95"),
    ("box_map50", "box50"),
    ("box_map50_95", "box50-95"),
    ("mask_best_f1", "F1"),
    ("mask_map50_any", "any50"),
    ("missed", "missed"),
    ("invented", "invented"),
    ("doubled", "doubled"),
)


def by_view(records: list[ImageRecord]) -> dict[str, list[ImageRecord]]:
    """Return the records of each view that has labels, and of all."""
    views: dict[str, list[ImageRecord]] = {"all": records}
    for record in records:
        if record.truths:
            views.setdefault(view_of([t.level for t in record.truths]), []).append(record)
    return views if len(views) > 2 else {name: views[name] for name in list(views)[1:]}


def row(name: str, e: Evaluation) -> str:
    """Return one line of the table."""
    values = [float(getattr(e, key)) for key, _ in SHOWN]
    cells = "".join(f"{v:10.3f}" if v < 1.5 else f"{v:10.0f}" for v in values)
    return f"  {name:<24}{cells}"


def main() -> None:
    """Print a table for each run and view."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--part", default="valid")
    options = parser.parse_args()
    for folder in options.runs:
        learnt = learnt_from(read_films(Job.read(folder).dataset, "train"))
        ways = {
            "plain": NumberingModel(),
            "columns, nothing learnt": NumberingModel(numbering="sequence"),
            "columns": NumberingModel(numbering="sequence", **learnt),
        }
        for view, records in by_view(load_matches(matches_file(folder, options.part))).items():
            print(f"{folder.name}, {view}: {len(records)} films; columns {learnt['spans']}")
            print(" " * 26 + "".join(f"{name:>10}" for _, name in SHOWN))
            plain = None
            for name, model in ways.items():
                start = time.perf_counter()
                numbered = numbered_records(records, model)
                ms = (time.perf_counter() - start) / len(records) * 1000
                e = score(numbered)
                plain = plain or e
                gap = plain.found_rate - plain.right_level_rate
                closed = (e.right_level_rate - plain.right_level_rate) / gap if gap > 0 else 0.0
                print(
                    row(name, e) + ("" if e is plain else f"  gap closed {closed:.0%}, {ms:.0f} ms")
                )


if __name__ == "__main__":
    main()
