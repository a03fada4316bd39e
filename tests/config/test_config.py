"""Config files: what is accepted, and the one line for what is not."""

from pathlib import Path

import pytest

from spineseg.config.problems import checked
from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import load_study, read_mapping
from spineseg.errors import ConfigError
from spineseg.study_checks import check_study

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "configs" / "studies").glob("*.yaml"))
SMALL = """
name: small
data: {sources: [{kind: local, path: somewhere}]}
baseline: {epochs: 3, optimizer: AdamW}
variants:
  - {name: no-flips, hypothesis: Flips hurt., changes: {fliplr: 0.0}}
search:
  trials: 2
  space: {lr0: {low: 0.001, high: 0.01, log: true}}
"""


def small(tmp_path: Path, text: str = SMALL) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(text)
    return path


def problem(path: Path, *sets: str) -> str:
    """Return the one line that loading and checking the study ends in."""
    with pytest.raises(ConfigError) as caught:
        check_study(load_study(path, sets), path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_that_comes_with_the_project_is_valid(path: Path) -> None:
    check_study(load_study(path), path)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda p: p.name)
def test_every_config_opens_with_what_to_expect(path: Path) -> None:
    head = path.read_text().split("\n\n")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert "Expect" in head


# What differs from Ultralytics' defaults: with any other value here it is another study.
FAMILIES = {
    "weights": "random",
    "batch": 4,
    "nominal_batch": 4,
    "optimizer": "AdamW",
    "lr0": 0.002,
    "momentum": 0.9,
    "warmup_epochs": 1.0,
    "warmup_bias_lr": 0.0,
    "translate": 0.05,
    "scale": 0.2,
    "fliplr": 0.0,
    "mosaic": 0.0,
}
TRAININGS = {
    "spine": {"optimizer": "AdamW", "lr0": 0.000357, "momentum": 0.9, "warmup_bias_lr": 0.0},
    "phantom": {
        "weights": "bundled",
        "image_size_px": 192,
        "epochs": 3,
        "warmup_epochs": 0.5,
        "close_mosaic_epochs": 1,
        "optimizer": "AdamW",
        "lr0": 0.001,
        "momentum": 0.9,
    },
    "local": {
        "weights": "bundled",
        "image_size_px": 224,
        "epochs": 5,
        "warmup_epochs": 0.5,
        "close_mosaic_epochs": 1,
        "optimizer": "AdamW",
        "lr0": 0.002,
        "momentum": 0.9,
    },
    "models": {"optimizer": "AdamW", "lr0": 0.000357, "momentum": 0.9, "warmup_bias_lr": 0.0},
    "models-small": FAMILIES | {"image_size_px": 192, "epochs": 40},
    "models-local": FAMILIES | {"image_size_px": 256, "epochs": 12},
    "weights": {
        "weights": "random",
        "image_size_px": 224,
        "epochs": 14,
        "optimizer": "AdamW",
        "lr0": 0.002,
        "lrf": 0.02,
        "momentum": 0.9,
        "warmup_epochs": 1.0,
        "cos_lr": True,
        "fliplr": 0.0,
        "mosaic": 0.0,
        "degrees": 4.0,
        "scale": 0.3,
    },
}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_trains_its_baseline_as_ever(path: Path) -> None:
    assert TrainConfig().difference(load_study(path).baseline) == TRAININGS[path.stem]


def test_baseline_writes_every_setting_of_the_originals_training_out() -> None:
    content = read_mapping(ROOT / "configs" / "baseline.yaml")
    assert set(content) == set(TrainConfig().model_dump())  # Those of its family.
    assert checked(TrainConfig, content, "baseline").model_dump() == {
        "model": "yolo11n-seg",
        "weights": "coco",
        "image_size_px": 640,
        "batch": 16,
        "nominal_batch": 64,
        "epochs": 250,
        "patience_epochs": 100,
        "seed": 0,
        "deterministic": True,
        "amp": True,
        "optimizer": "AdamW",
        "lr0": 0.000357,
        "lrf": 0.01,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "warmup_epochs": 3.0,
        "warmup_bias_lr": 0.0,
        "cos_lr": False,
        "box_gain": 7.5,
        "cls_gain": 0.5,
        "dfl_gain": 1.5,
        "class_weight_power": 0.0,
        "hsv_h": 0.015,
        "hsv_s": 0.7,
        "hsv_v": 0.4,
        "degrees": 0.0,
        "translate": 0.1,
        "scale": 0.5,
        "shear": 0.0,
        "flipud": 0.0,
        "fliplr": 0.5,
        "mosaic": 1.0,
        "close_mosaic_epochs": 10,
        "mixup": 0.0,
        "copy_paste": 0.0,
        "overlap_mask": True,
        "mask_ratio": 4,
    }


def test_the_real_study_names_the_variants_and_forty_searched_trials() -> None:
    study = load_study(ROOT / "configs" / "studies" / "spine.yaml")
    assert {v.name for v in study.variants} == {
        "size-s",
        "size-m",
        "no-flips",
        "no-mosaic",
        "upright",
        "px-960",
        "adamw-cosine",
        "sgd",
        "full-masks",
        "class-weights",
    }
    assert study.search.trials == 40
    assert all(variant.hypothesis for variant in study.variants)


def test_overrides_reach_any_key_and_items_by_name(tmp_path: Path) -> None:
    study = load_study(
        small(tmp_path),
        [
            "baseline.epochs=9",
            "search.trials=0",
            "variants.no-flips.changes.fliplr=0.1",
            "data.sources.0.path=/elsewhere",
        ],
    )
    assert study.baseline.epochs == 9 and study.search.trials == 0
    assert study.variants[0].changes == {"fliplr": 0.1}
    assert str(study.data.sources[0].path) == "/elsewhere"  # type: ignore[union-attr]


def test_a_variant_is_its_difference_from_the_baseline() -> None:
    baseline = TrainConfig()
    assert baseline.difference(baseline.with_(mosaic=0.0)) == {"mosaic": 0.0}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("baseline.epoch=3", ["--set", "baseline.epoch", "did you mean 'epochs'"]),
        ("baseline.batch=0", ["--set", "baseline.batch", "greater than or equal to 1", "0"]),
        ("baseline.image_size_px=100", ["image_size_px", "multiple of 32", "100"]),
        ("variants.no-flips.changes.flip=0", ["variants.no-flips.changes", "flip"]),
        ("variants.no-flips.changes.fliplr=0.5", ["fliplr", "equals the baseline's"]),
        ("variants.no-flips.changes.fliplr=7", ["fliplr", "less than or equal to 1", "7"]),
        ("baseline.optimizer=auto", ["lr0", "no effect with optimizer 'auto'", "AdamW"]),
        ("search.space.lr0.high=3", ["search.space.lr0", "less than or equal to 1"]),
        ("search.space.lr0.low=0.5", ["search.space.lr0", "low must lie below high"]),
        ("search.space.speed={low: 1, high: 2}", ["search.space.speed", "unknown key 'speed'"]),
        ("search.space.epochs={low: 1, high: 2, integer: true}", ["epochs", "must not differ"]),
        ("search.space={}", ["search.space is empty"]),
        ("search.fixed.lr0=0.1", ["search.fixed.lr0", "searched too"]),
        ("objective=speed", ["objective", "mask_map50"]),
        ("data.val_fraction=0.2", ["data.val_fraction", "did you mean 'valid_fraction'?"]),
        ("data.test_fraction=0.8", ["0.8", "leave a part to train on", "lower one"]),
        (
            "data={sources: [{kind: phantom, frontal_films: 9, lateral_films: 9}], split: keep}",
            ["data", "split 'keep'", "drawn without", "set split: patients"],
        ),
        ("name=A B", ["name", "A B"]),
        ("data.sources.3.path=x", ["data.sources.3.path=x", "has no item '3'", "a list of 1"]),
        ("nonsense", ["--set 'nonsense'", "key=value"]),
        ("name", ["--set 'name'", "key=value"]),
        ("baseline.lr0=[1,", ["--set", "cannot be read"]),
    ],
)
def test_a_wrong_value_is_one_line_with_key_and_rule(
    tmp_path: Path, override: str, words: list[str]
) -> None:
    said = problem(small(tmp_path), override)
    for word in words:
        assert word in said, said


def test_two_variants_that_are_the_same_training_are_refused(tmp_path: Path) -> None:
    twin = "  - {name: again, hypothesis: Same., changes: {fliplr: 0.0}}\nsearch:"
    said = problem(small(tmp_path, SMALL.replace("search:", twin)))
    assert "again" in said and "no-flips" in said


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    twin = "  - {name: no-flips, hypothesis: Other., changes: {mosaic: 0.0}}\nsearch:"
    assert "taken twice" in problem(small(tmp_path, SMALL.replace("search:", twin)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["is empty"]),
        ("name: [", ["small.yaml:", "cannot be read as YAML"]),
        ("- a\n- b\n", ["must be a mapping", "list"]),
        (SMALL.replace("name: small\n", ""), ["'name' is missing"]),
        (SMALL + "baselin: {}\n", ["unknown key 'baselin'", "baseline"]),
        (SMALL.replace("{epochs: 3, optimizer: AdamW}", "nowhere.yaml"), ["no file", "nowhere"]),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    said = problem(small(tmp_path, text))
    for word in words:
        assert word in said, said


def test_a_missing_or_binary_file_is_one_line(tmp_path: Path) -> None:
    assert "no such file" in problem(tmp_path / "none.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(bytes(range(256)))
    assert "cannot be read" in problem(binary)
    assert "cannot be read" in problem(tmp_path)


def test_a_baseline_may_extend_another(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("batch: 4\nepochs: 7\n")
    text = SMALL.replace("{epochs: 3,", "{extends: base.yaml, epochs: 3,")
    study: StudyConfig = load_study(small(tmp_path, text))
    assert (study.baseline.batch, study.baseline.epochs) == (4, 3)
