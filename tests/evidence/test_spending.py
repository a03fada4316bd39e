"""Looks at a test part share one chance of a false alarm."""

from __future__ import annotations

from itertools import pairwise

import pytest
from evidence_factory import sealed_test

from spineseg.evidence.effects import SURE
from spineseg.evidence.spending import error_of, judged_at


def test_all_looks_have_five_percent_together_and_each_later_one_less() -> None:
    errors = [error_of(number) for number in range(1, 60)]
    assert errors[:3] == pytest.approx([0.05, 0.025, 0.0125])
    assert all(after < before for before, after in pairwise(errors))
    assert sum(errors) / 2 <= SURE  # Of a two-sided p, one side is promoted.
    with pytest.raises(ValueError, match="counted from 1"):
        error_of(0)


def test_what_was_sure_on_the_first_look_need_not_be_on_the_second() -> None:
    arms = sealed_test().arms
    (effect, *_) = next(arm for arm in arms if arm.name == "no-flips").effects
    surer = effect.model_copy(update={"p": 0.03, "p_holm": 0.03, "low": 0.01, "high": 0.03})
    gained = [arms[1].model_copy(update={"effects": [surer]})]
    verdicts = [judged_at(gained, error_of(n))[0].effects[0].verdict for n in (1, 2)]
    assert verdicts == ["better", "not told apart"]
