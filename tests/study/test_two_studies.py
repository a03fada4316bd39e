"""`compare STUDY OTHER`: paired where the films agree, refused where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from evidence_factory import effect
from small_study import Ended, flips_hurt
from twin_study import asked, twin_study

from spineseg.data.manifest import ManifestEntry
from spineseg.errors import ConfigError, DataError, SpinesegError
from spineseg.evidence.two_studies import TwoStudies, compare_studies
from spineseg.report.two_studies import answer, two_studies_text
from study.compare import compare_with

Entries = list[ManifestEntry]


def valid_changed(entries: Entries, count: int, **changes: str) -> Entries:
    """Return the entries, the first `count` validation films changed."""
    chosen = [e.name for e in entries if e.part == "valid"][:count]
    return [e.model_copy(update=changes) if e.name in chosen else e for e in entries]


@pytest.fixture(scope="module")
def better(ended: Ended, tmp_path_factory: pytest.TempPathFactory) -> TwoStudies:
    """A study beside one whose best is worse by 0.3, on one validation film less."""

    def films(entries: Entries) -> Entries:
        return valid_changed(entries, 1, labels_sha256="f" * 64)

    root = tmp_path_factory.mktemp("twin") / "mlruns"
    other = twin_study(
        ended.config, root, score_of=lambda c: flips_hurt(c) - 0.3 * (not c.fliplr), films=films
    )
    other = other.model_copy(
        update={"baseline": other.baseline.with_(lr0=0.002), "variants": other.variants[:1]}
    )
    return compare_studies(asked(ended.config), asked(other))


def test_baselines_and_the_best_confirmed_are_compared_over_the_films_that_agree(
    better: TwoStudies,
) -> None:
    assert [pair.what for pair in better.pairs] == ["baselines", "best"]
    assert better.agreement.films == 3 and better.agreement.relabelled == 1
    assert better.agreement.validation == (4, 4) and not better.agreement.whole
    base, best = (
        next(e for e in pair.effects if e.metric == "mask_map50_95") for pair in better.pairs
    )
    assert base.difference == pytest.approx(0, abs=1e-9) and base.p == 1
    assert best.difference == pytest.approx(-0.3, abs=0.03) and best.high < -0.1
    assert (best.baseline_runs, best.runs) == (3, 3) and (base.baseline_runs, base.runs) == (4, 4)
    assert all(pair.confirmed for pair in better.pairs)
    assert best.p_holm == min(1, 2 * best.p)


def test_the_text_says_what_agrees_what_differs_and_what_the_intervals_cover(
    better: TwoStudies,
) -> None:
    text = " ".join(two_studies_text(better).split())
    for words in (
        "3 of 4 of small (75%) and 3 of 4 of twin (75%) agree in content and labels",
        "1 film of both with other labels left out",
        "small: no-flips: fliplr 0 (3 trainings, best of 1 finalist)",
        "no-flips of twin and no-flips of small are not told apart: mask mAP50-95",
        "over patients, the same in both studies, and over the seeds",
        "baseline: lr0 0.003 against 0.002",
        "variants: slow (lr0 0.001) against nothing",
        "sealed test parts were not looked at",
    ):
        assert words in text, words
    assert "ynthetic" not in text


@pytest.mark.parametrize(
    ("gain", "p", "words"),
    [
        (0.3, 0.01, "Yes, no-flips of twin is better than no-flips of small"),
        (-0.3, 0.01, "No, no-flips of twin is worse than no-flips of small"),
        (0.3, 0.06, "no-flips of twin and no-flips of small are not told apart"),
    ],
)
def test_a_pair_is_judged_by_the_one_rule(
    better: TwoStudies, gain: float, p: float, words: str
) -> None:
    made = effect("twin", gain, p=p, p_holm=p)
    pair = better.pairs[1].model_copy(update={"effects": (made,)})
    assert answer(pair, better).startswith(f"{words}: mask mAP50-95 {0.3 + gain:.3f} against 0.300")


def test_chance_alone_is_said_of_two_finished_studies_only(better: TwoStudies) -> None:
    alike = better.model_copy(update={"differences": {}})
    assert all(said.finished for said in better.standing) and better.standing[0].ended == 9
    assert "were asked for alike: they differ by chance alone." in two_studies_text(alike)
    assert "not finished" not in two_studies_text(alike)
    for changes, words in (
        ({"ended": 5, "failed": 1}, "twin is not finished: 5 of 9 trainings have ended (1 train"),
        ({"failed": 2}, "Of the 9 trainings of twin, 2 failed."),
    ):
        other = better.standing[1].model_copy(update=changes)
        cut = alike.model_copy(update={"standing": (better.standing[0], other)})
        assert words in two_studies_text(cut) and "by chance alone" not in two_studies_text(cut)


def test_synthetic_is_said_of_the_study_that_is(better: TwoStudies) -> None:
    both = better.model_copy(update={"synthetic": (True, True)})
    assert "Synthetic X-rays: they say nothing of patients." in two_studies_text(both)
    one = better.model_copy(update={"synthetic": (False, True)})
    assert "Only twin holds any." in two_studies_text(one)


@pytest.mark.wide
def test_without_confirmation_the_best_runs_are_beside_each_other_and_no_claim_is_made(
    ended: Ended, tmp_path: Path
) -> None:
    other = twin_study(ended.config, tmp_path)
    whole, cut = asked(ended.config), asked(other)
    runs = [run for run in cut.study.runs if run.job.kind != "confirm"]
    object.__setattr__(cut.study, "runs", runs)
    found = compare_studies(whole, cut)
    baselines, best = found.pairs
    assert [side.trainings for side in best.sides] == [3, 1] and not best.confirmed
    assert [side.trainings for side in baselines.sides] == [4, 1] and not baselines.confirmed
    assert (found.standing[0].ended, found.standing[1].ended) == (9, 3)
    text = " ".join(two_studies_text(found).split())
    assert "twin is not finished: 3 of 9 trainings have ended, and what it shows may" in text
    assert "small is not finished" not in text
    assert "small and twin were asked for alike." in text and "by chance alone" not in text
    assert "Not confirmed, so no claim: no-flips of twin beside no-flips of small" in text
    assert "over seeds as far as the 3 trainings of one study tell" in text
    assert "not told apart:" not in text and "no claim" in text


def test_a_study_and_itself_or_its_copy_are_refused(ended: Ended, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'small' is to be compared with itself"):
        compare_with(ended.config, ended.config)
    copy = twin_study(ended.config, tmp_path, keep_ids=True)
    with pytest.raises(ConfigError, match="share 9 trainings, as baseline: one is a copy"):
        compare_with(ended.config, copy)


def test_studies_of_one_name_in_two_stores_are_told_apart_by_their_roots(
    ended: Ended, tmp_path: Path
) -> None:
    same = twin_study(ended.config, tmp_path / "there", "small", films=_others)
    with pytest.raises(DataError, match=rf"small \({tmp_path / 'there'}\) on 4 of eeeeeeeeeeee"):
        compare_with(ended.config, same)


def _others(entries: Entries) -> Entries:
    return [e.model_copy(update={"content_sha256": e.name}) for e in entries]


def _relabelled(entries: Entries) -> Entries:
    return valid_changed(entries, 3, labels_sha256="f" * 64)


@pytest.mark.parametrize(
    ("films", "words"),
    [
        (_others, "small validates on 4 films of the data .*: 0 films are the same, 0 agree"),
        (_relabelled, "4 films are the same, 3 of them with other labels; 1 agree, and 50%"),
    ],
)
def test_other_films_and_other_labels_are_refused_with_both_values(
    ended: Ended, tmp_path: Path, films: object, words: str
) -> None:
    other = twin_study(ended.config, tmp_path, films=films)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=words) as caught:
        compare_with(ended.config, other)
    assert "eeeeeeeeeeee" in str(caught.value) and "run both on one data config" in str(
        caught.value
    )


def test_another_objective_is_refused_with_both(ended: Ended, tmp_path: Path) -> None:
    other = twin_study(ended.config, tmp_path).model_copy(update={"objective": "box_map50"})
    with pytest.raises(SpinesegError, match=r'mask_map50_95", now "box_map50"'):
        compare_with(ended.config, other)  # Its own record says otherwise.
    with pytest.raises(ConfigError, match=r"was run for mask_map50_95, twin for box_map50"):
        compare_studies(asked(ended.config), asked(other))


@pytest.mark.wide
def test_films_of_one_patient_by_either_study_go_together(ended: Ended, tmp_path: Path) -> None:
    other = twin_study(ended.config, tmp_path, films=lambda e: valid_changed(e, 2, group="0:one"))
    found = compare_studies(asked(ended.config), asked(other))
    assert (found.agreement.films, found.agreement.patients) == (4, 3)
