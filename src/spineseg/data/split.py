"""Divides radiographs into training, validation and test, patients kept together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import ConfigError, DataError

_ROBOFLOW_COPY = re.compile(r"^(?P<stem>.+?)(_(jpe?g|png|bmp|tiff?|webp))?\.rf\.[0-9a-zA-Z]+$")


def source_stem(image: Path) -> str:
    """Return the radiograph that an exported image was made from: `STEM_jpg.rf.HASH` -> `STEM`."""
    match = _ROBOFLOW_COPY.match(image.stem)
    return match["stem"] if match else image.stem


def patient_of(image: Path, pattern: str | None) -> str:
    """Return the patient of an image: the pattern's first group, else the radiograph itself.

    Raises ConfigError for a pattern that is no regular expression with a group.
    """
    stem = source_stem(image)
    if pattern is None:
        return stem
    try:
        match = re.search(pattern, stem)
        return match[1] if match else stem
    except (re.error, IndexError) as error:
        raise ConfigError(
            f"data.patient_pattern: {pattern!r} is no regular expression with a group ({error})"
        ) from None


def assign_parts(
    images: Iterable[Path],
    *,
    pattern: str | None,
    val_fraction: float,
    test_fraction: float,
    seed: int,
) -> dict[Path, str]:
    """Return the part of each image: `train`, `valid` or `test`.

    A patient's part depends on the seed and the patient alone, so adding images moves nobody.
    Raises DataError where a part that is wanted would be empty.
    """
    parts = {}
    for image in images:
        patient = patient_of(image, pattern)
        digest = hashlib.sha256(f"{seed}:{patient}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        if place < val_fraction:
            parts[image] = "valid"
        elif place < val_fraction + test_fraction:
            parts[image] = "test"
        else:
            parts[image] = "train"
    wanted = {"train", "valid"} | ({"test"} if test_fraction else set())
    missing = wanted - set(parts.values())
    if missing:
        raise DataError(
            f"{len(parts)} images are too few to set {', '.join(sorted(missing))} apart; "
            "add images or change data.val_fraction, data.test_fraction or data.split_seed"
        )
    return parts
