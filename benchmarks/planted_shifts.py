"""How many columns labelled one level off does a review find? Planted on a merged dataset.

python benchmarks/planted_shifts.py mlruns/work/data/merged-... WEIGHTS

All labels of each film outside the test part are moved by one level, up and down; a label that
would leave the 24 levels is taken away. As labelled: what is doubted without any planting.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spineseg.chosen_model import Asked, chosen_model
from spineseg.data.labelled import read_merged_film
from spineseg.data.manifest import Dataset, load_manifest
from spineseg.evaluation.matching import record_film
from spineseg.evaluation.records import FilmRecord, matched_record
from spineseg.evaluation.renumber import numbered_record
from spineseg.levels import ANATOMICAL_ORDER, RANK
from spineseg.prediction.segmenter import load_segmenter
from spineseg.review.columns import column_shift
from spineseg.training.devices import chosen_devices


def relabelled(record: FilmRecord, by: int) -> FilmRecord:
    """Return a film's record with all its labels `by` levels lower, matched anew."""
    kept = [i for i, t in enumerate(record.truths) if 0 <= RANK[t.level] + by <= RANK["L5"]]
    return matched_record(
        name=record.name,
        height=record.height,
        width=record.width,
        seconds=record.seconds,
        truths=[
            record.truths[i].model_copy(
                update={"level": ANATOMICAL_ORDER[RANK[record.truths[i].level] + by]}
            )
            for i in kept
        ],
        found=record.found,
        box_iou=[[row[i] for i in kept] for row in record.box_iou],
        mask_iou=[[row[i] for i in kept] for row in record.mask_iou],
    )


def main() -> None:
    """Print, for the training and the validation part, what is found and what is doubted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path)
    asked = parser.parse_args()
    dataset = Dataset(asked.folder, load_manifest(asked.folder))
    chosen = chosen_model(Asked(weights=asked.weights))
    device = chosen_devices("auto")[0].name
    segmenter = load_segmenter(chosen.path, image_size_px=chosen.image_size_px, device=device)
    print(chosen.text())
    for part in ("train", "valid"):
        films = [
            read_merged_film(asked.folder / part / "images" / entry.name)
            for entry in dataset.manifest.entries
            if entry.part == part and entry.levels and not entry.augmented
        ]
        records = [
            numbered_record(record_film(film, prediction), chosen.numbering)
            for film, prediction in zip(
                films, segmenter.predict_many(film.path for film in films), strict=True
            )
        ]
        doubted = sum(column_shift(record) in (-1, 1) for record in records)
        print(f"{part}: {len(records)} films; doubted as labelled {doubted}")
        for by, word in ((1, "lower"), (-1, "higher")):
            found = sum(column_shift(relabelled(record, by)) == -by for record in records)
            print(f"  labels one level {word}: found {found} ({found / len(records):.0%})")


if __name__ == "__main__":
    main()
