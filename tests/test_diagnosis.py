"""What failures say together: the same one three times, the baseline's, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from told_runs import job, study

from spineseg.diagnosis import alike, of_baseline, own_frame, repeated
from spineseg.events import Again, Failed, FailureKind
from spineseg.job import Job
from spineseg.remedies import REMEDIES
from spineseg.runs import Run

TRACEBACK = """Traceback (most recent call last):
  File "/srv/x/src/spineseg/training/child.py", line 101, in run_job
    train(job)
  File "/srv/x/src/spineseg/training/trainer.py", line 12, in train
    raise self.film(path)
  File "/usr/lib/python3.11/site-packages/torch/nn.py", line 3, in forward
    return x
ValueError: tensor 3 at 0x7f00deadbeef
"""


def failure(number: int, message: str, kind: FailureKind = "bug") -> tuple[Job, Failed]:
    asked = job(number, f"search-{number:03d}")
    return asked, Failed(run=asked.id, kind=kind, message=message, traceback=TRACEBACK)


def told(*failures: tuple[Job, Failed]) -> str | None:
    """Return what is said of failures on record, in their order, when the last has come."""
    runs = [Run(Path(asked.folder_name), asked, (failed,)) for asked, failed in failures]
    return repeated(runs[-1], runs, study())


MESSAGES = (
    "ValueError: tensor 3 at 0x7f00deadbeef in /a/b-c/7.pt of 3f2a91bc04de",
    "ValueError: tensor 17.5 at 0x01 in /other/place/12.pt of 00aa91bc04de99",
    "ValueError: tensor 1e-3 at 0xAB in C:\\films\\x.pt of 0123456789abcdef",
)


def test_the_same_failure_three_times_is_told_with_where_and_what_to_do() -> None:
    found = [failure(n, text) for n, text in enumerate(MESSAGES, start=4)]
    assert told(*found[:2]) is None
    said = told(found[0], failure(9, "other"), *found[1:]) or ""
    assert said.startswith("study 'small' is stopped: 3 trainings failed in the same way")
    assert "in: 004-search-004, 005-search-005, 006-search-006" in said
    assert "009-search-009" not in said
    assert 'trainer.py", line 12, in train\n' in said and "raise self.film(path)" in said
    assert "torch/nn.py" not in said and "run_job" not in said
    assert "spineseg retry --all small` and `" in said and "spineseg run small`" in said
    assert "006-search-006/train.log" in said


def test_who_goes_on_all_the_same_is_told_again_after_as_many_more() -> None:
    found = [failure(n, "the same") for n in range(1, 7)]
    assert [bool(told(*found[:n])) for n in range(1, 7)] == [False, False, True] * 2


def test_a_failure_that_was_asked_for_again_counts_no_more() -> None:
    asked, failed = failure(1, "the same")
    once_more = Run(Path(asked.folder_name), asked, (failed, Again(run=asked.id)))
    others = [Run(Path(j.folder_name), j, (f,)) for j, f in (failure(2, "the same"),
              failure(3, "the same"))]  # fmt: skip
    assert repeated(others[-1], [once_more, *others], study()) is None
    assert repeated(others[-1], [Run(Path(), asked, (failed,)), *others], study())


def test_failures_that_differ_are_not_taken_for_one() -> None:
    three = [failure(1, "no film a"), failure(2, "no film b"), failure(3, "no film c")]
    assert told(*three) is None
    after = [
        failure(n, f"cannot read /a/{n}.jpg: {why}") for n, why in enumerate(("no", "ye", "x"))
    ]
    assert told(*after) is None
    kinds = [failure(n, "x", kind) for n, kind in enumerate(("bug", "nan_loss", "killed"))]
    assert told(*kinds) is None
    assert told(*(failure(n, "x", "nan_loss") for n in range(3))) is None  # A search may well try.


@pytest.mark.parametrize("text", MESSAGES[1:])
def test_numbers_paths_digits_and_addresses_make_no_other_failure(text: str) -> None:
    assert alike(failure(1, text)[1]) == alike(failure(2, MESSAGES[0])[1])


def test_words_that_only_look_like_hexadecimal_stay() -> None:
    assert "deadbeefs" in alike(failure(1, "deadbeefs of facade")[1])
    assert "facadefeed" in alike(failure(1, "facadefeed")[1])


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_every_kind_of_failure_has_something_to_do_about_it(kind: FailureKind) -> None:
    said = of_baseline(*failure(0, "as told", kind), study())
    assert "its baseline failed, and without it nothing can be compared" in said
    assert f"{kind}: as told" in said and "spineseg retry small/search-000`" in said
    assert kind in REMEDIES
    if kind == "bad_data":
        assert "spineseg data small` audits the films" in said


def test_a_study_elsewhere_is_named_with_where_it_is() -> None:
    config = study(store={"root": "/srv/records"})
    said = of_baseline(*failure(0, "x"), config)
    assert "retry small/search-000 --set store.root=/srv/records`" in said


def test_a_traceback_without_a_frame_of_ours_tells_its_last_line() -> None:
    assert own_frame("") == [] and own_frame("a\nKeyError: 3\n") == ["KeyError: 3"]
