"""Runs of one name: what stands, what is asked for anew, of itself and by hand, what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from run_folders import epoch, make_job, write_finished
from told_runs import job, on_fresh_seed, study, whole

from spineseg.beside_baseline import live_beside
from spineseg.chosen_run import named_run
from spineseg.config.study import StudyConfig
from spineseg.errors import RecordError
from spineseg.events import Again, Event, Failed, FailureKind, Lost, Started, append_event
from spineseg.evidence.standing import Standing
from spineseg.evidence.study_difference import Asked
from spineseg.evidence.summary import run_summary
from spineseg.job import Job
from spineseg.places import StudyPlaces
from spineseg.retry import ask_again
from spineseg.run_times import spent
from spineseg.runs import Run, first_baseline, read_run, read_runs
from spineseg.standing import called, standing
from spineseg.study_record import StudyRecord
from spineseg.trials import MOST_TRIES, again, asked_again, to_come
from spineseg.tries import attempts, losses_in_words, split, tried_again

BASELINE = whole(job(0, "baseline"))


def failed(asked: Job, kind: FailureKind = "killed", *more: Event) -> Run:
    """Return a run that failed after an epoch."""
    log = [epoch(asked, 1), Failed(run=asked.id, kind=kind, message="as told"), *more]
    return Run(Path(asked.folder_name), asked, tuple(log))


def asked_for(run: Run) -> Run:
    return Run(run.folder, run.job, (*run.log, Again(run=run.job.id, reason="why")))


def write(folder: Path, run: Run) -> None:
    run.job.write(folder / run.job.folder_name)
    for event in run.log:
        append_event(folder / run.job.folder_name, event)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a study whose variant failed, and was tried again under another number."""
    folder = StudyPlaces(tmp_path, "small").folder
    write_finished(folder, make_job(number=0))
    write(folder, asked_for(failed(make_job(number=1, name="slow"))))
    write_finished(folder, make_job(number=12, name="slow"))
    return folder


def test_the_last_of_a_name_stands_and_all_are_read(folder: Path, tmp_path: Path) -> None:
    runs = read_runs(folder)
    assert [run.folder.name for run in runs] == ["000-baseline", "001-slow", "012-slow"]
    assert [run.job.number for run in standing(runs)] == [0, 12]
    assert tried_again(runs) == {runs[1].job.id: runs[2]}
    assert [called(runs, word).job.number for word in ("slow", "001-slow", "1", "12")] == [  # type: ignore[union-attr]
        12,
        1,
        1,
        12,
    ]
    assert named_run(tmp_path, "small/slow")[0].job.number == 12
    with pytest.raises(RecordError, match="has not finished"):
        named_run(tmp_path, "small/001-slow")


@pytest.mark.parametrize("end", ["completed", "pruned"])
def test_a_second_run_of_a_name_that_did_not_fail_is_refused(tmp_path: Path, end: str) -> None:
    study = tmp_path / "small"
    write_finished(study, make_job(number=1, name="slow"), end=end)
    write_finished(study, make_job(number=4, name="slow"))
    with pytest.raises(RecordError, match=r"004-slow: has the name of 001-slow; move one of the"):
        read_runs(study)


def test_a_second_run_that_is_another_training_is_refused(tmp_path: Path) -> None:
    study = tmp_path / "small"
    write_finished(study, make_job(number=1, name="slow"), end="failed")
    write_finished(study, make_job(number=4, name="slow", arm="other"))
    with pytest.raises(RecordError, match="has the name of 001-slow and is not that training"):
        read_runs(study)


def test_a_log_that_asks_again_and_tells_of_no_failure_is_refused(folder: Path) -> None:
    run = read_runs(folder)[0]
    append_event(run.folder, Again(run=run.job.id))
    with pytest.raises(RecordError, match="asks for the run again, and does not say that it fai"):
        read_runs(folder)


def test_two_who_ask_at_once_ask_once(folder: Path) -> None:
    run = failed(make_job(number=20, name="late"))
    write(folder, run)
    found = called(read_runs(folder), "late")
    assert found is not None
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda why: ask_again(found, why), ["a", "b", "c", "d"]))
    assert sum(isinstance(event, Again) for event in read_run(found.folder).log) == 1
    assert {each.asked_again for each in told} == {read_run(found.folder).asked_again}


def test_the_baseline_is_the_one_that_stands_beyond_three_digits_too(tmp_path: Path) -> None:
    study = tmp_path / "small"
    write_finished(study, make_job(number=0), end="failed")
    write_finished(study, make_job(number=1000))
    found = first_baseline(study)
    assert found is not None and found.job.number == 1000


def test_what_is_asked_for_comes_until_it_has_begun_the_baseline_first() -> None:
    lost = on_fresh_seed(9, "no-flips", 1001)
    runs = [asked_for(failed(lost)), asked_for(failed(job(10, "baseline")))]
    assert [spec.name for spec in asked_again(runs)] == ["baseline", lost.name]
    later = job(11, "baseline")
    begun = [*runs, Run(Path(later.folder_name), later, ())]
    assert [spec.name for spec in asked_again(begun)] == [lost.name]
    spec = asked_again(begun)[0]
    assert (spec.kind, spec.arm, spec.changes) == ("confirm", "no-flips", lost.changes)
    assert [spec.name for spec in asked_again([failed(lost)])] == []


def test_what_is_to_come_counts_names_and_not_runs() -> None:
    config = study()
    bad = job(3, "search-001", kind="search")
    runs = [BASELINE, whole(job(1, "no-flips")), whole(job(2, "large")), failed(bad)]
    ahead = [spec.name for spec in to_come(config, runs)]
    assert "search-001" not in ahead and len(ahead) == 4  # On fresh seeds.
    asked = [*runs[:3], asked_for(runs[3])]
    assert next(spec.name for spec in to_come(config, asked)) == "search-001"
    tried = [*asked, whole(job(4, "search-001", kind="search"))]
    assert [spec.name for spec in to_come(config, tried)] == ahead


@pytest.mark.parametrize("kind", ["killed", "out_of_memory", "stalled"])
def test_a_passing_failure_of_what_the_study_needs_is_tried_again_of_itself(
    kind: FailureKind,
) -> None:
    config, lost = study(), failed(job(0, "baseline"), kind)
    assert again([lost], config) == [lost]
    assert again([asked_for(lost)], config) == []
    several = [failed(job(number, "baseline"), kind) for number in range(MOST_TRIES - 1)]
    assert again(several, config) == several[-1:]
    assert again([*several, failed(job(9, "baseline"), kind)], config) == []


@pytest.mark.parametrize("kind", ["bug", "nan_loss", "bad_data"])
def test_other_failures_and_what_nothing_hangs_on_wait_for_a_person(kind: FailureKind) -> None:
    assert again([failed(job(0, "baseline"), kind)], study()) == []
    assert again([BASELINE, failed(job(1, "no-flips"))], study()) == []


def test_a_fresh_seed_is_tried_again_while_the_study_asks_for_it() -> None:
    config = study(search={"trials": 0}, variants=study().variants[:1])
    lost = failed(job(2, "baseline-seed-1", kind="confirm", arm="baseline", config=config.baseline))
    runs = [BASELINE, whole(job(1, "no-flips")), lost]
    assert again(runs, config) == [lost]
    assert again(runs, config.model_copy(update={"confirm": None})) == []


def test_a_baseline_that_failed_stands_beside_nothing_once_it_was_tried_again() -> None:
    bad = failed(job(0, "baseline"))
    good = whole(job(5, "baseline"), live=0.6)
    beside = live_beside(job(1, "no-flips"), 1, [bad, good])
    assert beside is not None and beside.value == pytest.approx(0.2)  # And not the first's 0.1.


def test_a_study_beside_another_counts_what_stands() -> None:
    config: StudyConfig = study(search={"trials": 0}, variants=[], confirm=None)
    asked = asked_for(failed(job(0, "baseline")))
    places = StudyPlaces(Path(), "small")

    def told(*runs: Run) -> Standing:
        record = StudyRecord(places, list(runs), None, None)  # type: ignore[arg-type]
        return Standing.of(Asked("small", config, record))

    assert told(failed(job(0, "baseline"))) == Standing(ended=1, expected=1, failed=1)
    assert told(asked) == Standing(ended=0, expected=1, failed=0)
    assert told(asked, whole(job(1, "baseline"))) == Standing(ended=1, expected=1, failed=0)


def test_attempts_losses_and_batches_in_parts_are_told_of_a_run() -> None:
    asked = job(0, "baseline")
    log: list[Event] = []
    for attempt, parts in ((1, 1), (2, 1), (3, 2)):
        log.append(_started(asked, attempt, parts))
        log += [epoch(asked, 2)] if attempt == 2 else []
        kind = "killed" if attempt == 1 else "out_of_memory"
        log += [Lost(run=asked.id, attempt=attempt, kind=kind, message="x\ny")] * (attempt < 3)
    run = Run(Path(asked.folder_name), asked, tuple(log))
    assert (attempts(run), split(run)) == (3, 2)
    assert losses_in_words(run) == [
        "attempt 1 was killed (x y) before its first epoch ended",
        "attempt 2 ran out of memory (x y) after epoch 2",
    ]
    said = run_summary(run, 8)
    assert (said.attempts, said.split, said.note) == (3, 2, "batch in 2 parts")
    assert attempts(BASELINE) == split(BASELINE) == 1 and losses_in_words(BASELINE) == []


def test_the_time_between_a_loss_and_the_next_attempt_is_nobodys() -> None:
    asked = job(0, "baseline")
    at = asked.created
    first = _started(asked, 1, 1).model_copy(update={"time": at + 2})
    lost = Lost(run=asked.id, time=at + 20, attempt=1, kind="killed", message="")
    second = _started(asked, 2, 1).model_copy(update={"time": at + 500, "resumed_from_epoch": 1})
    one = epoch(asked, 1).model_copy(update={"time": at + 12})
    two = epoch(asked, 2).model_copy(update={"time": at + 510})
    found = spent(at, [first, one, lost, second, two])
    assert found.seconds["training"] == 20 and found.epochs == 2


def _started(asked: Job, attempt: int, parts: int) -> Started:
    return Started(
        run=asked.id, pid=1, device="CPU", attempt=attempt, split=parts, parameters=5,
        resolved={}, environment={},
    )  # fmt: skip
