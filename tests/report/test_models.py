"""Networks of several families side by side, and the original's words against what was measured."""

from __future__ import annotations

import math

import pytest
from report_factory import run, study

from spineseg.evidence.results import RunSummary
from spineseg.footprint import Footprint
from spineseg.report.model_table import (
    as_markdown,
    entries,
    measured_table,
    spread,
    verdict,
    words_table,
)
from spineseg.report.sections import models


def network(name: str, model: str, score: float, seconds: float, mb: float, **more) -> RunSummary:
    taken = Footprint(
        seconds=[seconds, seconds * 1.5],
        peak_mb=mb / 2,
        device="CPU",
        threads=1,
        machine="a machine",
        weights_bytes=1,
        time=0,
    )
    facts = {"model": model, "footprint": taken, "peak_mb": mb, "weights": "random"}
    facts |= {"films_seen": 100, "fitting_seconds": 50.0, "weights_bytes": 6_000_000}
    return run(name, score, **facts | more)


BASE = network("baseline", "yolo11n-seg", 0.3, 0.02, 900, kind="baseline", changes={})
TWO_STAGES = network("two-stages", "maskrcnn-resnet18", 0.25, 0.4, 1800)
QUERIES = network("queries", "mask2former-small", 0.1, 0.2, 1500)
LATER = network("two-stages-seed-1", "maskrcnn-resnet18", 0.27, 0.4, 1900, kind="confirm", seed=9)


def summary(*runs: RunSummary):
    return study().model_copy(update={"runs": list(runs), "best": "baseline"})


def test_there_is_a_table_only_where_there_are_several_families() -> None:
    assert models.content(study()) is None
    sizes = [BASE, network("larger", "yolo11s-seg", 0.4, 0.05, 1200)]
    assert models.content(summary(*sizes)) is None
    assert models.content(summary(BASE, TWO_STAGES)) is not None


def test_each_network_is_its_best_configuration_with_its_fresh_seeds() -> None:
    worse = network("slow", "maskrcnn-resnet18", 0.2, 0.4, 1800)
    failed = network("broken", "sam-small", None, 0.1, 100, outcome="failed")
    found = entries(summary(worse, QUERIES, BASE, TWO_STAGES, LATER, failed))
    assert [entry.model for entry in found] == [
        "yolo11n-seg",
        "maskrcnn-resnet18",
        "mask2former-small",
    ]
    assert [each.name for each in found[1].runs] == ["two-stages", "two-stages-seed-1"]
    table = measured_table(found)
    assert table.head[1:] == [entry.model for entry in found]
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["run"][1] == "two-stages" and rows["trainings"] == ["1", "2", "1"]
    assert rows["mask mAP50-95"][1] == "0.260 (0.250 to 0.270)"
    assert rows["s a film, alone"][0] == "0.025 (0.020 to 0.030)"
    assert rows["films a s in training"] == ["2.0"] * 3 and rows["MB on disk"][0] == "6.0"
    assert rows["MB in training"][1] == "1850 (1800 to 1900)"
    assert rows["minutes trained"] == ["1.6"] * 3
    assert as_markdown(table).splitlines()[1].startswith("| --- | ---: |")


def test_a_score_of_one_training_has_its_interval_over_patients() -> None:
    known = {"mask_map50": (0.2, 0.4), "right_among_found": (0.5, 1.0)}
    alone = network("two-stages", "maskrcnn-resnet18", 0.25, 0.4, 1800, intervals=known)
    for runs, cell in (([alone], "0.450 [0.200, 0.400]"), ([alone, LATER], "0.460 (0.450 to 0.47")):
        table = measured_table(entries(summary(BASE, *runs)))
        rows = {row[0]: row[1:] for row in table.rows}
        assert rows["mask mAP50"][1].startswith(cell), rows["mask mAP50"]
        assert "[" not in rows["mask mAP50"][0]


@pytest.mark.parametrize(
    ("measured", "word"),
    [
        ({"yolo": 3.0, "mask_rcnn": 2.0, "sam": 1.0}, "holds"),
        ({"yolo": 1.5, "mask_rcnn": 2.0, "sam": 1.0}, "partly"),
        ({"yolo": 0.5, "mask_rcnn": 2.0, "sam": 1.0}, "fails"),
        ({"yolo": math.nan, "mask_rcnn": 2.0, "sam": 1.0}, "not measured"),
        ({"yolo": 1.0, "mask_rcnn": math.nan, "sam": math.nan}, "nothing to compare"),
    ],
)
def test_a_word_holds_where_the_families_stand_to_each_other_so(measured: dict, word: str) -> None:
    assert verdict("yolo", {"yolo": 4, "mask_rcnn": 2, "sam": 1}, measured) == word


def test_the_originals_words_stand_beside_what_was_measured() -> None:
    table = words_table(entries(summary(BASE, TWO_STAGES, QUERIES)), "mask_map50_95")
    rows = {row[0]: row[1:] for row in table.rows}
    # Mask2Former was called better than both and is worse; YOLO very fast and light, and is.
    assert rows["Mask2Former"] == [
        *("mask2former-small", "state of the art", "fails"),
        *("medium to slow", "holds", "rather heavy", "holds"),
    ]
    assert rows["YOLO"][2] == "fails" and rows["YOLO"][4] == "holds" and rows["YOLO"][6] == "holds"
    assert rows["Mask R-CNN"][1:5:3] == ["high", "holds"]


def test_a_spread_is_told_where_figures_differ_as_they_are_written() -> None:
    assert spread([0.1, 0.1001], "{:.2f}".format) == "0.10"
    assert spread([0.1, math.nan, 0.3], "{:.1f}".format) == "0.2 (0.1 to 0.3)"
    assert spread([], "{:.1f}".format) == "–"
