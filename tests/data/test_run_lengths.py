"""COCO's packed counts are those of pycocotools; what does not fill the film is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from spineseg.data.layouts.run_lengths import traced, unpacked


@pytest.mark.parametrize("seed", range(20))
def test_packed_counts_are_those_that_pycocotools_packed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(1, 300, 2))
    pixels = np.asfortranarray(rng.random((height, width)) < rng.random(), dtype=np.uint8)
    runs = unpacked(coco_mask.encode(pixels)["counts"].decode())
    drawn = np.repeat(np.arange(len(runs)) % 2, runs).reshape(width, height).T
    assert np.array_equal(drawn, pixels)


@pytest.mark.parametrize("cut", [1, 3, 6, 10])
def test_a_packed_mask_that_lacks_its_end_is_refused(cut: int) -> None:
    pixels = np.zeros((60, 80), np.uint8, order="F")
    pixels[10:30, 20:40] = 1
    text = coco_mask.encode(pixels)["counts"].decode()
    shape = {"size": [60, 80], "counts": text}
    assert len(traced(shape, (80, 60))) == 1
    with pytest.raises(ValueError, match=r"do not fill the film|cut short"):
        traced({**shape, "counts": text[:-cut]}, (80, 60))


def test_a_huge_count_is_refused_and_takes_no_memory() -> None:
    with pytest.raises(ValueError, match="do not fill the film"):
        traced({"size": [60, 80], "counts": [0, 10**15]}, (80, 60))
    with pytest.raises(ValueError, match="damaged"):
        unpacked("o" * 50)
