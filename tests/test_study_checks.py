"""What a study starts from is looked at before anything trains, networks of every family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spineseg.config.study import StudyConfig
from spineseg.errors import ConfigError, SpinesegError, WeightsError
from spineseg.levels import CLASS_NAMES
from spineseg.prediction.built import named
from spineseg.prediction.extra import has_models
from spineseg.prediction.network_file import write_built
from spineseg.study_checks import check_study, check_weights

needs_extra = pytest.mark.skipif(not has_models(), reason="make setup EXTRA=models")
PHANTOMS = {"kind": "phantom", "seed": 1, "frontal_films": 4, "lateral_films": 4}
RATES = {"low": 0.001, "high": 0.01}


def study(root: Path, baseline: dict[str, Any], fixed: dict[str, Any] | None = None) -> StudyConfig:
    search = {"trials": 1, "fixed": fixed, "space": {"lr0": RATES}} if fixed else {"trials": 0}
    content = {
        "name": "small",
        "data": {"sources": [PHANTOMS]},
        "baseline": {"weights": "random", "optimizer": "AdamW", "lr0": 0.001} | baseline,
        "search": search,
        "confirm": None,
        "store": {"root": str(root)},
    }
    return StudyConfig.model_validate(content)


def refused(config: StudyConfig) -> str:
    """Return in which line a study is refused."""
    with pytest.raises(SpinesegError) as caught:
        check_study(config, Path("study.yaml"))
        check_weights(config)
    assert isinstance(caught.value, ConfigError | WeightsError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


MASK_RCNN = {"model": "maskrcnn-resnet18"}


@pytest.mark.parametrize(
    ("baseline", "fixed", "words"),
    [
        (MASK_RCNN, {"model": "sam-small"}, "is to be prompted by the baseline"),
        ({}, MASK_RCNN | {"weights": "coco"}, "no weights of maskrcnn-resnet18 are published"),
        ({"weights": "bundled"}, MASK_RCNN, "'bundled' fits yolo11n-seg only"),
    ],
)
def test_what_the_search_fixes_is_looked_at_too(
    tmp_path: Path, baseline: dict, fixed: dict, words: str
) -> None:
    assert words in refused(study(tmp_path, baseline, fixed))


@needs_extra
def test_a_sam_starts_from_weights_of_its_own_size_of_film(tmp_path: Path) -> None:
    file = tmp_path / "sam.safetensors"
    write_built(named("sam-small", CLASS_NAMES, image_size_px=96), file, 96)
    asked = {"model": "sam-small", "weights": str(file), "prompts": "bundled"}
    check_weights(study(tmp_path, asked | {"image_size_px": 96}))
    assert "takes films of 96 px and no other, and image_size_px is 128" in refused(
        study(tmp_path, asked | {"image_size_px": 128})
    )


@needs_extra
def test_a_network_of_other_classes_prompts_no_sam(tmp_path: Path) -> None:
    file = tmp_path / "three.safetensors"
    write_built(named("yolo11n-seg", ["C1", "C2", "C3"]), file, 96)
    asked = {"model": "sam-small", "prompts": str(file), "image_size_px": 96}
    assert "knows other classes than the 24 levels" in refused(study(tmp_path, asked))
    (tmp_path / "two").mkdir()
    two = named("maskrcnn-resnet18", CLASS_NAMES)
    write_built(two, tmp_path / "two" / "stages.safetensors", 96)
    asked["prompts"] = str(tmp_path / "two" / "stages.safetensors")
    assert "holds no YOLO network" in refused(study(tmp_path, asked))
