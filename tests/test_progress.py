"""What a person sees of a study: phases, both scores under two names, the baseline beside them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from told_runs import job, on_fresh_seed, story, study, whole

from spineseg.config.study import StudyConfig
from spineseg.events import Again, Event, Failed, Lost
from spineseg.job import Job
from spineseg.live_line import LiveLine
from spineseg.progress import Progress
from spineseg.runs import Run

BASELINE, NO_FLIPS = job(0, "baseline"), job(1, "no-flips")


class Watched:
    """A study's progress, and what it says, at moments set by hand."""

    def __init__(self, runs: Sequence[Run] = (), config: StudyConfig | None = None) -> None:
        self.now = 0.0
        self.out = io.StringIO()
        line = LiveLine(self.out)
        self.progress = Progress(config or study(), runs, line=line, now=lambda: self.now)

    def begin(self, asked: Job, resumed: bool = False, at_work: bool = False) -> Watched:
        self.now = asked.created
        self.progress.trial_begins(asked, resumed, at_work)
        return self

    def tell(self, asked: Job, log: Sequence[Event]) -> Watched:
        for event in log:
            self.now = event.time
            self.progress.trial_event(asked, event)
        return self

    def last(self) -> str:
        return self.out.getvalue().strip().splitlines()[-1]


def test_every_phase_is_named_and_ticks() -> None:
    watched = Watched().begin(BASELINE)
    watched.now += 1
    assert watched.progress.lines()[0] == "[1/8] baseline: starting 1 s"
    log, shown = story(BASELINE), []
    for event in log:
        watched.tell(BASELINE, [event])
        shown.append(watched.progress.lines()[0].split(";")[0].removeprefix("[1/8] baseline: "))
    assert shown == [
        "training, epoch 1 of 3 0 s",
        "training, epoch 2 of 3 0 s",
        "training, epoch 3 of 3 0 s",
        "training, epoch 3 of 3 0 s",
        "scoring 0 s",
        "pictures 0 s",
        "recording 0 s",
        "recording 0 s",
    ]


def test_the_time_left_says_what_it_does_not_count_and_then_counts_it() -> None:
    watched = Watched().begin(BASELINE).tell(BASELINE, story(BASELINE)[:2])
    assert "pictures and scoring not counted yet" in watched.progress.lines()[1]
    watched.tell(BASELINE, story(BASELINE)[2:])
    watched.progress.trial_ended(Run(Path("000-baseline"), BASELINE, story(BASELINE)))
    watched.begin(NO_FLIPS)  # 15 s after the end: what the driver needed counts as well.
    assert "60 s left" in watched.progress.lines()[0]
    told = watched.progress.lines()[1]
    assert told.startswith("study small: 1 of at most 8 trainings ended; about")
    assert ", at most " in told
    assert "not counted" not in watched.progress.lines()[1]


def test_a_study_taken_up_again_has_an_estimate_and_the_baseline_in_its_first_lines() -> None:
    watched = Watched([whole(BASELINE, live=0.3, scored=0.5)])
    watched.progress.begin()
    assert " left, at most " in watched.out.getvalue().splitlines()[0]
    watched.begin(NO_FLIPS).tell(NO_FLIPS, story(NO_FLIPS, live=0.6, scored=0.45)[:2])
    assert "live 0.200 (baseline 0.100, +0.100)" in watched.progress.lines()[0]
    watched.tell(NO_FLIPS, story(NO_FLIPS, scored=0.45)[2:])
    assert "scored mask mAP50-95 0.450 (baseline 0.500, -0.050)" in watched.last()


def test_beyond_the_baselines_epochs_its_last_stands_beside() -> None:
    longer = job(1, "longer", config=study().baseline.with_(epochs=5))
    watched = Watched([whole(BASELINE, live=0.3)])
    watched.begin(longer).tell(longer, story(longer, live=0.5)[:6])
    assert "live 0.500 (baseline 0.300, +0.200)" in watched.progress.lines()[0]


@pytest.mark.parametrize(
    ("on_record", "said"),
    [
        ([(4, "baseline", 1001, 0.52), (5, "baseline", 1002, 0.58)], "(baseline on this seed 0.58"),
        ([(4, "baseline", 1001, 0.52)], "(baseline's mean of 2 0.51"),
        ([], "(baseline's first 0.50"),
    ],
)
def test_a_fresh_seed_stands_beside_the_baselines_same_seed_or_its_mean_so_far(
    on_record: list[tuple[int, str, int, float]], said: str
) -> None:
    runs = [whole(BASELINE, scored=0.5)]
    runs += [whole(on_fresh_seed(n, arm, seed), scored=score) for n, arm, seed, score in on_record]
    again = on_fresh_seed(7, "no-flips", 1002)
    watched = Watched(runs).begin(again).tell(again, story(again, scored=0.6))
    assert said in watched.last()


def test_trainings_are_counted_and_not_their_numbers() -> None:
    later = job(7, "no-flips")  # Its trial has number 7: some were cut off before they had a name.
    watched = Watched([whole(BASELINE)]).begin(later)
    assert watched.last().startswith("[2/8] no-flips")


def test_what_an_earlier_attempt_said_is_not_what_it_does_now() -> None:
    early = story(NO_FLIPS)[:3]
    watched = Watched([whole(BASELINE)])
    watched.now = NO_FLIPS.created + 5000
    watched.progress.trial_begins(NO_FLIPS, resumed=True)
    for event in early:
        watched.progress.trial_event(NO_FLIPS, event)
    assert "no-flips: starting 0 s; live" in watched.progress.lines()[0]
    adopted = Watched([whole(BASELINE)])
    adopted.now = NO_FLIPS.created + 25
    adopted.progress.trial_begins(NO_FLIPS, resumed=True, at_work=True)
    for event in early:
        adopted.progress.trial_event(NO_FLIPS, event)
    assert "no-flips: training, epoch 3 of 3 3 s" in adopted.progress.lines()[0]


def test_an_interruption_says_what_it_leaves() -> None:
    watched = Watched([whole(BASELINE)]).begin(NO_FLIPS).tell(NO_FLIPS, story(NO_FLIPS)[:2])
    watched.progress.stopped()
    assert watched.last() == (
        "stopped: 1 of at most 8 trainings have ended; left to be taken up again: no-flips "
        "(training, epoch 2 of 3)"
    )


def test_a_study_that_was_asked_to_stop_says_so_at_once() -> None:
    progress = Progress(study(), [], line=LiveLine(io.StringIO()), stopping=lambda: True)
    progress.trial_begins(BASELINE, resumed=False)
    assert progress.lines()[1] == "study small: stopping; 0 of at most 8 trainings ended"


def test_a_line_for_each_slot_and_one_for_the_study() -> None:
    watched = Watched([whole(BASELINE)]).begin(NO_FLIPS).begin(job(2, "large"))
    assert [line.split(":")[0] for line in watched.progress.lines()] == [
        "[2/8] no-flips",
        "[3/8] large",
        "study small",
    ]


def test_without_a_terminal_there_are_no_escape_codes_and_epochs_are_few() -> None:
    longer = job(1, "longer", config=study().baseline.with_(epochs=200))
    watched = Watched([whole(BASELINE)]).begin(longer).tell(longer, story(longer))
    said = watched.out.getvalue()
    assert "\x1b" not in said and "\r" not in said
    assert len(said.splitlines()) == 2  # Its begin and its end, said within the same moment.


def lost(kind: str, attempt: int, at: float) -> Lost:
    told = {"run": BASELINE.id, "time": at, "attempt": attempt, "kind": kind, "message": "SIGKILL"}
    return Lost.model_validate(told)


def test_a_lost_attempt_and_how_it_goes_on_are_told_once_and_as_they_happen() -> None:
    log = story(BASELINE)
    watched = Watched().begin(BASELINE).tell(BASELINE, log[:3])
    watched.tell(BASELINE, [lost("killed", 1, watched.now + 1)])
    assert watched.last() == "[1/8] baseline: attempt 1 was killed (SIGKILL) after epoch 2"
    again = {"time": watched.now + 2, "attempt": 2, "resumed_from_epoch": 2, "split": 2}
    watched.tell(BASELINE, [log[0].model_copy(update=again)])
    assert watched.last() == (
        "[1/8] baseline: goes on with attempt 2 after epoch 2, batch in 2 parts"
    )
    resumed = Watched()
    resumed.now = BASELINE.created + 9000
    resumed.progress.trial_begins(BASELINE, resumed=True)
    for event in [*log[:3], lost("killed", 1, BASELINE.created + 50)]:
        resumed.progress.trial_event(BASELINE, event)
    assert "attempt 1" not in resumed.out.getvalue()  # It was told by whoever ran it then.


def test_a_failed_training_that_is_tried_again_is_told_and_counted() -> None:
    failure = Failed(run=BASELINE.id, kind="killed", message="no word")
    asked = Again(run=BASELINE.id, reason="of itself")
    config = study(variants=[], search={"trials": 0}, confirm=None)
    before = Run(Path(BASELINE.folder_name), BASELINE, (failure,))
    watched = Watched([before], config)
    assert watched.progress._total == 1
    watched.progress.asked_again(Run(before.folder, BASELINE, (failure, asked)))
    assert watched.last() == (
        "[1/2] baseline failed before (killed, no word): is tried again; of itself"
    )
    later = job(1, "baseline")
    watched.begin(later)
    assert watched.last().startswith("[2/2] baseline (once more, after 000 failed): as configured")
    watched.tell(later, story(later))
    watched.progress.trial_ended(Run(Path("001-baseline"), later, story(later)))
    assert "[2/2] baseline completed" in watched.last()
    assert watched.progress.lines() == []
