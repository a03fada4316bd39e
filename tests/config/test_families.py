"""Keys of a training by its network's family: which there are, what is refused, what is carried."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from spineseg.config.networks import FAMILIES, MODELS, NETWORKS, family_of
from spineseg.config.problems import checked
from spineseg.config.search import SearchConfig
from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig, key_families
from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError
from spineseg.search_rules import check_space, check_variants, place_in_space
from spineseg.trials import to_come, train_config

MASK_RCNN = {"model": "maskrcnn-resnet18", "optimizer": "AdamW", "lr0": 0.001}
PHANTOMS = {"kind": "phantom", "seed": 1, "frontal_films": 4, "lateral_films": 4}
BASE = TrainConfig(optimizer="AdamW", mosaic=0.5, epochs=7)


def test_every_family_has_networks_and_keys_of_its_own() -> None:
    assert {facts.family for facts in NETWORKS.values()} == set(FAMILIES)
    owned = {family for owners in key_families().values() for family in owners}
    assert owned == set(FAMILIES)
    assert {family_of(model) for model in MODELS} == set(FAMILIES) and family_of("resnet") is None


def test_another_family_keeps_what_all_share_and_leaves_the_rest_behind() -> None:
    other = BASE.with_(**MASK_RCNN)
    assert (other.family, other.epochs, other.lr0) == ("mask_rcnn", 7, 0.001)
    kept = other.model_dump()
    assert "mosaic" not in kept and "sampled_boxes" in kept and kept["fliplr"] == BASE.fliplr
    assert BASE.difference(other) == {"model": "maskrcnn-resnet18", "lr0": 0.001}
    assert TrainConfig.model_validate_json(other.model_dump_json()) == other
    assert "sampled_boxes" not in BASE.model_dump()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (MASK_RCNN | {"mosaic": 0.0}, "mosaic is a key of yolo, and maskrcnn-resnet18 is of"),
        ({"points": 100}, "points is a key of mask2former, and yolo11n-seg is of yolo"),
        (MASK_RCNN | {"prompts": "bundled"}, "prompts is a key of sam"),
        ({"model": "maskrcnn-resnet18"}, "optimizer 'auto' is Ultralytics' choice"),
        (MASK_RCNN | {"batch": 1}, "batch 1 leaves maskrcnn-resnet18 nothing to normalise over"),
        (
            MASK_RCNN | {"model": "sam-vit-b", "image_size_px": 640},
            "sam-vit-b takes 1024 px and no other",
        ),
        ({"model": "maskrcnn"}, "model: must be one of yolo11n-seg"),
    ],
)
def test_what_a_family_does_not_know_is_refused_in_a_line(content: dict, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        checked(TrainConfig, content, "study.yaml")
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_a_variant_may_change_the_family_and_not_mix_two() -> None:
    two_stages = {"model": "maskrcnn-resnet18", "lr0": 0.001}
    configs = check_variants(BASE, {"two-stages": two_stages}, "study.yaml")
    assert configs["two-stages"].family == "mask_rcnn"
    mixed = two_stages | {"mixup": 0.1}
    with pytest.raises(ConfigError, match=r"variants\.two-stages\.changes: mixup is a key of yolo"):
        check_variants(BASE, {"two-stages": mixed}, "study.yaml")


def test_a_search_may_choose_among_families_by_keys_that_all_know() -> None:
    models = {"choices": ["yolo11n-seg", "maskrcnn-resnet18"]}
    rates = {"low": 0.001, "high": 0.01}
    fine = SearchConfig.model_validate({"trials": 2, "space": {"model": models, "lr0": rates}})
    check_space(fine, BASE, "study.yaml")
    mixed = {"trials": 2, "space": {"model": models, "mosaic": {"low": 0.0, "high": 1.0}}}
    with pytest.raises(ConfigError, match=r"space\.mosaic: mosaic is a key of yolo"):
        check_space(SearchConfig.model_validate(mixed), BASE, "study.yaml")
    auto = SearchConfig.model_validate({"trials": 2, "space": {"model": models}})
    with pytest.raises(ConfigError, match="optimizer 'auto'"):
        check_space(auto, TrainConfig(), "study.yaml")
    told = {"optimizer": {"choices": ["AdamW", "SGD"]}, "model": models}
    check_space(SearchConfig.model_validate({"trials": 2, "space": told}), TrainConfig(), "s.yaml")


MODELS_AXIS = {"choices": ["maskrcnn-resnet18", "mask2former-small"]}
RATES = {"low": 0.001, "high": 0.01}


@pytest.mark.parametrize(
    "fixed",
    [
        {"model": "maskrcnn-resnet18", "sampled_boxes": 64},
        {"model": "sam-vit-b", "image_size_px": 1024},
        {"model": "sam-small", "train_encoder": True},
    ],
)
def test_what_is_fixed_is_taken_together(fixed: dict) -> None:
    asked = {"trials": 2, "fixed": fixed, "space": {"lr0": RATES}}
    check_space(SearchConfig.model_validate(asked), BASE, "study.yaml")


@pytest.mark.parametrize(
    ("fixed", "models", "words"),
    [
        ({"mosaic": 0.0}, MODELS_AXIS, "search.fixed.mosaic: mosaic is a key of yolo"),
        ({"batch": 1}, MODELS_AXIS, "search.fixed.batch: batch 1 leaves maskrcnn-resnet18"),
        (
            {"image_size_px": 512},
            {"choices": ["yolo11n-seg", "sam-vit-b"]},
            "search.space.model: image_size_px 512: sam-vit-b takes 1024 px",
        ),
    ],
)
def test_what_is_fixed_suits_every_network_of_the_search(
    fixed: dict, models: dict, words: str
) -> None:
    asked = {"trials": 2, "fixed": fixed, "space": {"model": models, "lr0": RATES}}
    with pytest.raises(ConfigError) as refused:
        check_space(SearchConfig.model_validate(asked), BASE, "study.yaml")
    assert words in str(refused.value)


def test_a_variant_may_say_what_only_its_own_family_knows() -> None:
    changes = {"model": "maskrcnn-resnet18", "sampled_boxes": 128}  # The default, and not YOLO's.
    assert check_variants(BASE, {"v": changes}, "s.yaml")["v"].sampled_boxes == 128
    with pytest.raises(ConfigError, match=r"changes\.epochs: equals the baseline's 7"):
        check_variants(BASE, {"v": changes | {"epochs": 7}}, "s.yaml")


SIZES_AXIS = {"choices": ["yolo11n-seg", "yolo11s-seg"]}


@pytest.mark.parametrize(
    ("baseline", "changes", "space"),
    [
        ({}, MASK_RCNN, {"model": SIZES_AXIS, "mosaic": {"low": 0.0, "high": 1.0}}),
        ({}, {"model": "sam-vit-b", "image_size_px": 1024}, {"model": SIZES_AXIS}),
        ({"optimizer": "auto"}, MASK_RCNN, {"model": SIZES_AXIS}),
    ],
)
def test_a_variant_of_another_family_is_no_point_of_a_search_without_it(
    baseline: dict, changes: dict, space: dict
) -> None:
    base = BASE.with_(**baseline)
    search = SearchConfig.model_validate({"trials": 2, "space": space})
    check_space(search, base, "study.yaml")
    assert place_in_space(base.with_(**changes), base, search) is None
    assert place_in_space(base, base, search) is not None


@pytest.mark.parametrize(
    ("baseline", "variants"),
    [
        ({"optimizer": "auto"}, [MASK_RCNN]),
        ({}, [{"model": "sam-vit-b", "image_size_px": 1024}, {"image_size_px": 1280}]),
        ({"batch": 1}, [{"model": "maskrcnn-resnet18", "batch": 2}]),
    ],
)
def test_what_is_to_come_is_made_of_trainings_that_there_can_be(
    baseline: dict, variants: list[dict]
) -> None:
    content = {
        "name": "s",
        "data": {"sources": [PHANTOMS]},
        "baseline": BASE.model_dump() | baseline,
        "variants": [
            {"name": f"v{n}", "hypothesis": "h", "changes": v} for n, v in enumerate(variants)
        ],
        "search": {"trials": 2, "space": {"scale": {"low": 0.0, "high": 0.5}}},
        "confirm": {"top": 1, "seeds": 2},
    }
    config = StudyConfig.model_validate(content)
    coming = [train_config(config, spec) for spec in to_come(config, [])]
    assert len(coming) == 1 + len(variants) + 2 + 4
    assert coming[-1].model == variants[0]["model"]  # The finalist, as large as it can become.
    assert coming[1 + len(variants)].model == "yolo11n-seg"  # A searched one cannot.


def test_a_file_that_extends_another_may_take_another_family(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("optimizer: AdamW\nmosaic: 0.3\nepochs: 9\n")
    study = {
        "name": "other",
        "data": {"sources": [PHANTOMS]},
        "baseline": {"extends": "base.yaml", "model": "mask2former-small"},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    baseline = load_study(tmp_path / "study.yaml").baseline
    assert (baseline.family, baseline.epochs, baseline.points) == ("mask2former", 9, 3136)
