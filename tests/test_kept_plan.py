"""The plan that a study begins with stays on record, and the page holds it against what it took."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_factory import study as shown
from told_runs import EACH, WHOLE, job, study, whole

from spineseg.errors import RecordError
from spineseg.evidence.planned import plan_audit
from spineseg.kept_plan import keep_plan, kept_plan, planned_now
from spineseg.places import StudyPlaces
from spineseg.report.planned import planned_lines
from spineseg.report.sections.cost import content
from spineseg.run_times import Rates
from spineseg.runs import Run

BASELINE = job(0, "baseline")
TIMED = Rates(study().baseline, epoch=EACH)
UNTIMED = Rates(study().baseline)
ALONE = {"variants": [], "confirm": None, "search": {"trials": 3}}


@pytest.fixture
def here(tmp_path: Path) -> StudyPlaces:
    return StudyPlaces(tmp_path, "small")


def on_record(number: int) -> list[Run]:
    """Return the runs of a study of a baseline and three searched trials, so far."""
    found = [whole(BASELINE)]
    found += [whole(job(n, f"search-{n:03d}", kind="search")) for n in range(1, number)]
    return found


def test_the_timed_plan_of_before_stays_when_the_study_begins_and_goes_on(
    here: StudyPlaces,
) -> None:
    keep_plan(here, planned_now(study(), TIMED, "timed"), [])
    keep_plan(here, planned_now(study(), UNTIMED, "no timing"), [])
    keep_plan(here, planned_now(study(), TIMED, "later"), [whole(BASELINE)])
    plan = kept_plan(here)
    assert plan is not None and plan.basis == "timed"
    assert [(t.name, t.count) for t in plan.trainings] == [
        ("baseline", 1),
        ("no-flips", 1),
        ("large", 1),
        ("search", 1),
        ("confirm", 4),
    ]
    assert plan.hours == pytest.approx((7 * 3 * EACH + 3.4 * 3 * EACH) / 3600)


def test_the_timed_plan_of_another_config_does_not_stay(here: StudyPlaces) -> None:
    keep_plan(here, planned_now(study(), TIMED, "timed"), [])
    keep_plan(here, planned_now(study(variants=[]), UNTIMED, "no timing"), [])
    plan = kept_plan(here)
    assert plan is not None and plan.hours is None and plan.basis == "no timing"


def test_a_plan_is_written_whole_and_a_damaged_one_is_named(here: StudyPlaces) -> None:
    assert kept_plan(here) is None
    keep_plan(here, planned_now(study(), TIMED, "timed"), [])
    assert [file.name for file in here.folder.iterdir()] == ["plan.json"]
    here.plan.write_text(here.plan.read_text()[:40])
    with pytest.raises(RecordError, match=r"plan\.json: cannot be read"):
        kept_plan(here)


def test_what_was_planned_estimated_and_taken_stands_side_by_side(here: StudyPlaces) -> None:
    config = study(**ALONE)
    keep_plan(here, planned_now(config, TIMED, "timed"), [])
    found = plan_audit(config, here, on_record(4))
    assert found is not None and found.ended and found.begun == 4
    first, second = found.trainings[:2]
    assert first.planned == pytest.approx(3 * EACH / 3600) and first.expected is None
    assert first.actual == pytest.approx(WHOLE / 3600)
    assert second.expected == pytest.approx(WHOLE / 3600)
    assert found.actual_hours == pytest.approx(4 * WHOLE / 3600)
    text = " ".join(planned_lines(found))
    assert "4 trainings were planned to take 2 min together, none pruned (timed)" in text
    assert "4 trainings took 3 min, 150% of that." in text
    assert "Of 3 completed trainings, the median took" in text


def test_without_a_timing_the_page_says_how_to_have_one(here: StudyPlaces) -> None:
    assert plan_audit(study(), here, []) is None and planned_lines(None) == []
    found = plan_audit(study(), here, on_record(2))
    assert found is not None and not found.ended and found.planned_hours is None
    assert "`spineseg plan` estimates them before" in planned_lines(found)[0]


def test_after_the_third_training_the_time_left_is_within_fifteen_per_cent(
    here: StudyPlaces,
) -> None:
    config = study(**ALONE | {"search": {"trials": 6, "pruner": None}})
    found = plan_audit(config, here, on_record(7))
    assert found is not None and found.foreseen is not None
    expected, took = found.foreseen
    assert expected == pytest.approx(took, rel=0.15)
    line = next(line for line in planned_lines(found) if "third training" in line)
    assert "were expected still; it took" in line


def test_the_page_has_a_row_for_each_completed_training(here: StudyPlaces) -> None:
    audit = plan_audit(study(**ALONE), here, on_record(4))
    told = content(shown(planned=audit))
    assert [row.name for row in told["plan_rows"]][:2] == ["baseline", "search-001"]
    assert {row.planned for row in told["plan_rows"]} == {"–"}
