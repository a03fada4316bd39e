"""The worst films: chosen, counted, drawn and captioned by one match, the one that was stored."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from made_up_films import column, column_record, film_record
from page_words import is_whole, page_of, words_of
from report_factory import confirmed_study, study

from spineseg.evaluation.counts import count_film
from spineseg.evaluation.records import FilmRecord
from spineseg.films import LabelledFilm, Outline
from spineseg.report import worst_films
from spineseg.report.comparison import FilmComparison
from spineseg.report.mistakes import (
    INVENTED,
    MISSED,
    WRONG,
    draw_mistakes,
    mistake_shapes,
    mistakes_text,
)
from spineseg.report.sections import films
from spineseg.report.worst_films import ranked

TRUTHS = column()


def caption_total(text: str) -> int:
    """Return the mistakes that a caption counts: every figure but the first, the right ones."""
    return sum(int(part.split()[0]) for part in text.split(", ")[1:])


def drawn_as(record: FilmRecord, truths: Sequence[Outline] = TRUTHS) -> Counter[str]:
    kinds = {WRONG: "wrong", MISSED: "missed", INVENTED: "invented"}
    return Counter(kinds.get(shape.colour, "right") for shape in mistake_shapes(truths, record))


def overlapping() -> FilmRecord:
    """Return a film whose outlines overlap otherwise than its masks did.

    The polygon of the first detection lies on the second label, as one drawn by hand of a broken
    mask may; the masks at full resolution met the first label. One detection is too uncertain to
    count.
    """
    found = [
        (Outline("T1", TRUTHS[1].points, 0.9), [0.7, 0.2, 0.0]),
        (Outline("T2", TRUTHS[1].points, 0.8), [0.1, 0.49, 0.0]),
        (Outline("T3", TRUTHS[2].points, 0.24), [0.0, 0.0, 0.95]),
    ]
    return film_record("overlapping.png", TRUTHS[:3], found)


def test_the_caption_counts_by_the_stored_match_and_not_by_the_outlines() -> None:
    record = overlapping()
    # T1 met its label; T2, below IoU 0.5, met none; T3, below confidence 0.25, does not count.
    assert mistakes_text(record) == "1 right, 2 missed, 1 invented"
    assert drawn_as(record, TRUTHS[:3]) == {"right": 1, "missed": 2, "invented": 1}


def random_record(seed: int) -> FilmRecord:
    draw = random.Random(seed)
    found = []
    for _ in range(draw.randint(0, 20)):
        overlaps = [draw.choice([0.0, 0.0, 0.3, 0.5, 0.8]) for _ in TRUTHS]
        body, confidence = draw.choice(TRUTHS), draw.choice([0.05, 0.2, 0.24, 0.25, 0.6, 0.9])
        found.append((Outline(draw.choice(TRUTHS).level, body.points, confidence), overlaps))
    found.sort(key=lambda pair: -(pair[0].confidence or 0))
    return film_record(f"film-{seed:02d}.png", TRUTHS, found)


def test_rank_captions_and_drawings_agree_on_every_film() -> None:
    baseline = [*(random_record(seed) for seed in range(30)), overlapping()]
    best = [*(column_record(r.name, missed=i % 3) for i, r in enumerate(baseline[:-1]))]
    best.append(overlapping())
    pairs = ranked(baseline, best)
    totals = [sum(caption_total(mistakes_text(r)) for r in pair.records) for pair in pairs]
    assert totals == sorted(totals, reverse=True) and len(set(totals)) > 5
    for pair, total in zip(pairs, totals, strict=True):
        assert pair.mistakes == total
        for record in pair.records:
            counts, drawn = count_film(record), drawn_as(record)
            assert [drawn[kind] for kind in ("right", "wrong", "missed", "invented")] == [
                counts.right, counts.wrong, counts.missed, counts.invented
            ]  # fmt: skip


def test_a_wrong_level_names_both_and_a_second_detection_is_invented() -> None:
    overlaps = [1.0] + [0.0] * 16
    found = [
        (Outline("T2", TRUTHS[0].points, 0.9), overlaps),
        (Outline("T1", TRUTHS[0].points, 0.4), overlaps),
    ]
    shapes = mistake_shapes(TRUTHS, film_record("x.png", TRUTHS, found))
    assert [shape.text for shape in shapes[:3]] == ["T1→T2", "T1 invented", "T2 missed"]


def test_a_detection_without_an_outline_is_counted_and_not_drawn() -> None:
    nothing = Outline("T1", np.zeros((0, 2)), 0.9)
    record = film_record("x.png", TRUTHS[:1], [(nothing, [0.0])])
    assert mistakes_text(record) == "0 right, 1 missed, 1 invented"
    drawn = draw_mistakes(np.zeros((300, 300, 3), np.uint8), TRUTHS[:1], record)
    assert drawn.any()


def test_only_films_that_both_runs_were_scored_on_are_compared() -> None:
    baseline = [column_record("a.png", missed=1), column_record("b.png")]
    best = [column_record("b.png", wrong=2), column_record("c.png")]
    assert [(pair.name, pair.mistakes) for pair in ranked(baseline, best)] == [("b.png", 2)]
    assert [pair.name for pair in ranked(baseline, None)] == ["a.png", "b.png"]


def kept_study(folder: Path | None, missed: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a study of 20 films on disk, of which the runs miss so many vertebrae."""
    names = [f"film-{i}.png" for i in range(20)]

    def kept(worse: int) -> Any:
        records = [column_record(name, missed=worse * missed.get(name, 0)) for name in names]
        return SimpleNamespace(is_evaluated=lambda _: True, records=lambda _: records)

    runs = {"baseline": kept(1), "no-flips": kept(2), "upright": kept(0)}
    if folder:
        for name in names:
            cv2.imwrite(str(folder / name), np.full((90, 60), 90, np.uint8))
        found = [LabelledFilm(folder / name, column()) for name in names]
        monkeypatch.setattr(worst_films, "read_films", lambda *_: found)
    return SimpleNamespace(run=runs.get, data_folder=lambda: folder)


MISSED_FILMS = {"film-3.png": 5, "film-11.png": 3, "film-17.png": 1}


def test_the_worst_films_are_shown_and_not_evenly_spaced_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = kept_study(tmp_path, MISSED_FILMS, monkeypatch)
    found = worst_films.worst_films(kept, confirmed_study(best="upright"))
    assert [each.name for each in found[:3]] == ["film-3.png", "film-11.png", "film-17.png"]
    assert len(found) == 6 and [each.mistakes for each in found] == [15, 9, 3, 0, 0, 0]
    assert all(each.film and each.best for each in found)
    captions = [[drawn.caption for drawn in films.picture(each, "x").columns] for each in found]
    assert captions[0] == ["", "12 right, 5 missed", "7 right, 10 missed"]


def test_where_the_baseline_leads_it_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = kept_study(tmp_path, MISSED_FILMS, monkeypatch)
    found = worst_films.worst_films(kept, study(best="baseline"))
    assert found[0].best is None and found[0].mistakes == 5
    columns = films.picture(found[0], None).columns
    assert [drawn.who for drawn in columns] == ["labels", "baseline"]
    assert columns[1].alt == (
        "film-3.png as the baseline sees it: 12 right, 5 missed, of 17 labelled vertebrae, T1 to L5"
    )


@pytest.mark.usefixtures("few_figures")
def test_films_on_another_machine_are_named_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = worst_films.worst_films(kept_study(None, MISSED_FILMS, monkeypatch), confirmed_study())
    html = page_of(confirmed_study(), tmp_path, found)
    text = words_of(html)
    assert "6 of these films are not on this machine" in text and "<img" not in html
    assert "film-3.png: baseline 12 right, 5 missed · no-flips 7 right, 10 missed" in text
    assert is_whole(html)


@pytest.mark.usefixtures("few_figures")
def test_a_film_that_is_gone_damaged_or_relabelled_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    kept = kept_study(folder, MISSED_FILMS, monkeypatch)
    (folder / "film-3.png").unlink()
    (folder / "film-11.png").write_bytes(b"no film")
    read = worst_films.read_films(folder, "valid")
    relabelled = [
        LabelledFilm(f.path, f.outlines[:-1]) if f.path.name == "film-17.png" else f for f in read
    ]
    monkeypatch.setattr(worst_films, "read_films", lambda *_: relabelled)
    html = page_of(confirmed_study(), tmp_path, worst_films.worst_films(kept, confirmed_study()))
    text = words_of(html)
    assert "3 of these films are not on this machine" in text
    assert "film-3.png, film-11.png and film-17.png" in text and html.count("<img") == 9


def test_data_that_lack_their_films_are_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = kept_study(None, MISSED_FILMS, monkeypatch)
    shutil.rmtree(tmp_path)
    kept.data_folder = lambda: tmp_path
    found = worst_films.worst_films(kept, confirmed_study())
    assert len(found) == 6 and not any(each.film for each in found)


def test_without_records_there_is_no_section(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = kept_study(None, {}, monkeypatch)
    empty = SimpleNamespace(is_evaluated=lambda _: False)
    kept.run = {"baseline": empty, "no-flips": empty}.get
    assert worst_films.worst_films(kept, confirmed_study()) == []
    assert films.content(confirmed_study(), []) is None
    assert FilmComparison(None, overlapping(), None).records == [overlapping()]
