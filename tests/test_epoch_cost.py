"""What an epoch takes: as measured for its kind, by a line through the kinds for another."""

from __future__ import annotations

import pytest

from spineseg.config.training import TrainConfig
from spineseg.epoch_cost import epoch_cost, relative_work

BASE = TrainConfig(epochs=3)


def affine(config: TrainConfig) -> float:
    """Return 4 s that hang on no multiply-add, and 6 s for the baseline's."""
    return 4 + 6 * relative_work(config, BASE)


def test_one_kind_alone_grows_with_the_multiply_adds() -> None:
    cost = epoch_cost(BASE, [(BASE, 10.0), (BASE, 12.0), (BASE, 50.0)])
    assert cost is not None and cost.seconds(BASE) == 12
    assert cost.seconds(BASE.with_(image_size_px=1280)) == pytest.approx(48)


def test_two_kinds_tell_what_is_fixed_and_foretell_a_third() -> None:
    known = [BASE, BASE.with_(model="yolo11s-seg"), BASE.with_(model="yolo11m-seg")]
    cost = epoch_cost(BASE, [(each, affine(each)) for each in known])
    wide = BASE.with_(image_size_px=960)
    assert cost is not None and cost.seconds(wide) == pytest.approx(affine(wide))
    assert (cost.fixed, cost.each) == (pytest.approx(4), pytest.approx(6))


def test_a_kind_that_was_measured_is_believed_whatever_the_line_says() -> None:
    small = BASE.with_(batch=2)
    cost = epoch_cost(BASE, [(BASE, 10.0), (small, 25.0)])
    assert cost is not None
    assert (cost.seconds(BASE), cost.seconds(small)) == (10.0, 25.0)


def test_a_line_never_falls_below_nothing() -> None:
    large = BASE.with_(model="yolo11m-seg")
    for seconds in (1.0, 1000.0):
        cost = epoch_cost(BASE, [(BASE, 10.0), (large, seconds)])
        assert cost is not None and cost.fixed >= 0 and cost.each >= 0
    assert epoch_cost(BASE, []) is None
