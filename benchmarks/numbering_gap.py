"""Show how much of the gap to right numbering the decoding of whole columns closes.

python benchmarks/numbering_gap.py RUN_FOLDER [RUN_FOLDER ...] [--part valid]

RUN_FOLDER is a run of a study, as mlruns/work/studies/NAME/000-baseline. Nothing is predicted:
the run's records of single films are numbered anew, by what its job knows of columns. The bound is
that every vertebra that is found has its right level; the gap is what plain numbering lacks to it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from spineseg.evaluation.records import FilmRecord
from spineseg.evaluation.renumber import numbered_records
from spineseg.evaluation.result import Evaluation
from spineseg.evaluation.scores import score
from spineseg.evaluation.stored import stored_records
from spineseg.levels import view_of
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.runs import read_run

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
    ("missed", "missed"),
    ("invented", "invented"),
    ("doubled", "doubled"),
)


def by_view(records: list[FilmRecord]) -> dict[str, list[FilmRecord]]:
    """Return the records of each view that has labels, and of all."""
    views: dict[str, list[FilmRecord]] = {"all": records}
    for record in records:
        if record.truths:
            views.setdefault(view_of([t.level for t in record.truths]), []).append(record)
    return views if len(views) > 2 else {name: views[name] for name in list(views)[1:]}


def row(name: str, e: Evaluation) -> str:
    """Return one line of the table."""
    values = [*(e.value(key) for key, _ in SHOWN), e.any_level["mask_map50"]]
    cells = "".join(f"{v:10.3f}" if v < 1.5 else f"{v:10.0f}" for v in values)
    return f"  {name:<24}{cells}"


def main() -> None:
    """Print a table for each run and view."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--part", default="valid", choices=["valid", "test"])
    options = parser.parse_args()
    for folder in options.runs:
        columns = read_run(folder).job.numbering.columns
        ways = {
            "plain": NumberingModel(),
            "columns, nothing learnt": NumberingModel(numbering="sequence"),
            "columns": NumberingModel(numbering="sequence", columns=columns),
        }
        for view, records in by_view(stored_records(folder, options.part, "argmax")).items():
            print(f"{folder.name}, {view}: {len(records)} films; columns {columns.spans}")
            print(" " * 26 + "".join(f"{name:>10}" for name in (*dict(SHOWN).values(), "any50")))
            plain = None
            for name, model in ways.items():
                start = time.perf_counter()
                numbered = numbered_records(records, model)
                ms = (time.perf_counter() - start) / len(records) * 1000
                e = score(numbered)
                plain = plain or e
                right = plain.value("right_level_rate")
                gap = plain.value("found_rate") - right
                closed = (e.value("right_level_rate") - right) / gap if gap > 0 else 0.0
                print(
                    row(name, e) + ("" if e is plain else f"  gap closed {closed:.0%}, {ms:.0f} ms")
                )


if __name__ == "__main__":
    main()
