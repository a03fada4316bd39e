"""Columns that are labelled one level off from what a model reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from film_cases import record
from merged_data import prepare
from reviewed import one_lower, phantom_export, relabelled
from run_folders import make_job, write_finished

from spineseg.chosen_model import Asked, Chosen, chosen_model
from spineseg.levels import THORACIC
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.segmenter import Segmenter
from spineseg.review.columns import column_check, column_shift, compared_columns, trained_on
from spineseg.training.weights import bundled_weights

LABELS = list(THORACIC)


def read_as(levels: list[str], labels: list[str] = LABELS) -> Any:
    return record(labels, [(level, 0.9, place) for place, level in enumerate(levels)])


@pytest.mark.parametrize(
    ("levels", "shift"),
    [
        (LABELS, 0),
        ([*LABELS[1:], "L1"], 1),
        (["C7", *LABELS[:-1]], -1),
        ([*LABELS[1:], "T12"], 1),  # Eleven of twelve are nearly all.
        ([*LABELS[1:6], *LABELS[5:-1], "L1"], None),
        ([*LABELS[2:], "L1", "L2"], None),
        ([*LABELS[1:-2], "T13", "T13", "L6"], None),  # No level: neither lower nor the same.
        (LABELS[1:6], None),  # Five of twelve labels met say too little.
    ],
)
def test_a_column_is_shifted_where_nearly_all_go_one_way(
    levels: list[str], shift: int | None
) -> None:
    assert column_shift(read_as(levels)) == shift


def test_few_labels_tell_of_no_column() -> None:
    assert column_shift(read_as(["C2", "C3", "C4"], ["C1", "C2", "C3"])) is None


def test_what_is_found_names_direction_labels_and_films() -> None:
    films = [read_as(LABELS)] * 8 + [read_as(["C7", *LABELS[:-1]]), read_as(LABELS[:3])]
    check = column_check(films, weights="w", trained_on_these=True, test_films=3, trained_films=7)
    (finding,) = check.findings
    assert finding.kind == "column-shifted" and finding.severity == "doubt"
    assert finding.detail == (
        "the model reads 12 of the 12 labels that it meets one level higher, as T1 as C7"
    )
    assert finding.labels == tuple(range(12)) and finding.films == ("x.png",)
    text = "\n".join(check.lines())
    assert (
        "10 films: the model agrees on 8; whole columns off by one level: 1 (1 one higher); "
        "otherwise apart: 0; too few labels met: 1" in text
    )
    assert "3 films of the sealed test part were not compared with the model" in text
    assert "trained on these very labels of 7 of the films, the training part" in text


def test_many_shifted_columns_throw_doubt_on_the_model() -> None:
    off = [read_as([*LABELS[1:], "L1"])]
    few = column_check(
        [read_as(LABELS)] * 9 + off, weights="w", trained_on_these=None, test_films=0
    )
    many = column_check(
        [read_as(LABELS)] * 8 + off, weights="w", trained_on_these=None, test_films=0
    )
    assert "the model itself may number so" not in "\n".join(few.lines())
    assert "1 of 9 columns off by one are many" in "\n".join(many.lines())
    assert "not known what the model was trained on" in "\n".join(few.lines())
    assert "sealed" not in "\n".join(few.lines())


def test_a_planted_shift_is_found_and_the_test_part_is_never_shown_to_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = phantom_export(tmp_path / "x", "train", "valid", "valid", "test")
    relabelled(export / "valid" / "images" / "film-1.png", one_lower())
    dataset = prepare(tmp_path, export)
    seen: list[str] = []
    really = Segmenter.predict_many

    def watched(self: Segmenter, paths: Any, batch: int = 16) -> Any:
        paths = list(paths)
        seen.extend(path.name for path in paths)
        return really(self, paths, batch)

    monkeypatch.setattr(Segmenter, "predict_many", watched)
    chosen = chosen_model(Asked(weights=bundled_weights()))
    check = compared_columns(dataset, chosen, device="cpu", say=lambda text: None)
    assert [finding.films for finding in check.findings] == [("film-1.png",)]
    assert "one level higher" in check.findings[0].detail
    assert (check.compared, check.agreed, check.test_films) == (3, 2, 1)
    assert sorted(seen) == ["film-0.png", "film-1.png", "film-2.png"]
    assert check.trained_on_these is None


def test_weights_of_a_run_say_what_they_were_trained_on(
    tmp_path: Path,
) -> None:
    job = make_job()
    weights = write_finished(tmp_path, job) / "train" / "weights" / "best.pt"
    chosen = Chosen(weights, "0", 224, NumberingModel(), {"file": str(weights)})
    assert trained_on(chosen, job.data_fingerprint) is True
    assert trained_on(chosen, "f" * 64) is False
    registered = Chosen(weights, "0", 224, NumberingModel(), {"model": "m", "version": "1"})
    assert trained_on(registered, job.data_fingerprint) is None
