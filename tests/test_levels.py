import pytest

from spineseg.levels import (
    ANATOMICAL_ORDER,
    CLASS_INDEX,
    CLASS_NAMES,
    CLASS_RANK,
    colour,
    contrast,
    levels_apart,
)

ORIGINAL = "L1 L2 L3 L4 L5 T1 T10 T11 T12 T2 T3 T4 T5 T6 T7 T8 T9 C1 C2 C3 C4 C5 C6 C7"


def test_class_order_is_the_original_works() -> None:
    assert " ".join(CLASS_NAMES) == ORIGINAL


def test_anatomical_order_runs_from_head_to_pelvis() -> None:
    assert ANATOMICAL_ORDER[0] == "C1" and ANATOMICAL_ORDER[-1] == "L5"
    assert levels_apart("C7", "T1") == 1
    assert levels_apart("L1", "T12") == -1
    assert CLASS_RANK[CLASS_INDEX["L5"]] == 23


def test_every_level_has_a_colour_of_its_own() -> None:
    assert len({colour(level) for level in ANATOMICAL_ORDER}) == 24


def test_every_level_stands_out_on_a_dark_film() -> None:
    shares = [[c / 255 for c in colour(level)] for level in ANATOMICAL_ORDER]
    assert min(contrast(share, (0, 0, 0)) for share in shares) >= 3
    assert contrast((1, 1, 1), (0, 0, 0)) == pytest.approx(21)


def test_extra_levels_have_a_colour_of_their_own() -> None:
    assert colour("T13") not in {colour("T12")} and colour("L6") != colour("L5")
    with pytest.raises(KeyError):
        colour("T14")
