"""A study's config as it lies on record: equal when read back, with no secret in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from spineseg.config.recorded import Origin, config_text, kept, read_origin, secrets_of
from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError
from spineseg.places import StudyPlaces

ROOT = Path(__file__).parents[2]
ORIGIN = Origin(
    written="2026-01-31 12:00:00 +0000",
    version="1-abc",
    command="spineseg run 'my configs/a.yaml' --set 'description=two\nlines: #1'",
    folder=Path("/somewhere"),
    config="my configs/a.yaml",
)
ODD = """
name: odd
description: "Umläute, a # and: a colon\\nand a second line"
data:
  sources: [{kind: local, path: "Meine Filme/0x10", class_map: {"1": T1, "yes": T2}}]
  patient_pattern: '-(\\d+)-[A-Z]'
baseline: {optimizer: AdamW, lr0: 1.0e-05, weights: "007"}
variants: [{name: a, hypothesis: "no", changes: {lr0: 1.0e-7, weights: "1e3"}}]
search:
  trials: 1
  space:
    lr0: {low: 1.0e-7, high: 0.1, log: true}
    optimizer: {choices: [AdamW, "SGD"]}
    batch: {low: 1, high: 16, step: 3, integer: true}
    mosaic: {choices: [0.0, 1.0, 0.5]}
  pruner: null
devices: {device: 0}
confirm: null
"""


def written(config: StudyConfig, root: Path) -> Path:
    """Write a config as a run does, where it is found by its name; return the file."""
    places = StudyPlaces(root, config.name)
    places.folder.mkdir(parents=True)
    told = ORIGIN.model_copy(update={"left_out": secrets_of(config)})
    places.config.write_text(config_text(config, told))
    return places.config


def with_sets(tmp_path: Path, *sets: str) -> StudyConfig:
    path = tmp_path / "odd.yaml"
    path.write_text(ODD)
    return load_study(path, [f"store.root={tmp_path / 'mlruns'}", *sets])


@pytest.mark.parametrize("study", ["phantom", "spine", "local", "weights"])
def test_every_study_is_read_back_equal(tmp_path: Path, study: str) -> None:
    config = load_study(ROOT / f"configs/studies/{study}.yaml", [f"store.root={tmp_path}"])
    assert load_study(written(config, tmp_path)) == config


def test_odd_values_are_read_back_equal_and_so_is_the_head(tmp_path: Path) -> None:
    config = with_sets(tmp_path)
    file = written(config, config.store.root)
    assert load_study(file) == config and read_origin(file) == ORIGIN
    assert load_study(Path("odd"), [f"store.root={config.store.root}"]) == config
    assert file.read_text().splitlines()[0].startswith("# The study as it is run")


@pytest.mark.parametrize("command", ["", ", command: [notify-send, done]"])
def test_a_webhook_is_left_out_and_the_head_says_so(tmp_path: Path, command: str) -> None:
    config = with_sets(tmp_path, f"on_end={{webhook: 'https://h.example/hush'{command}}}")
    file = written(config, config.store.root)
    assert "hush" not in file.read_text() and "h.example" not in file.read_text()
    assert read_origin(file).left_out == ("on_end.webhook",)  # type: ignore[union-attr]
    again = load_study(file).on_end
    assert again is None if not command else again and again.command == ("notify-send", "done")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:hush@db/records",
        "postgresql://me:pa/hush@db/records",
        "postgresql://me:p@hush@db/records",
        "mysql://db/records?user=me&password=hush",
    ],
)
@pytest.mark.parametrize("key", ["mlflow_uri", "optuna_url"])
def test_a_stores_password_is_blotted_out_and_asked_for(
    tmp_path: Path, address: str, key: str
) -> None:
    config = with_sets(tmp_path, f"store.{key}={address}")
    file = written(config, config.store.root)
    assert "hush" not in file.read_text() and "***" in file.read_text()
    with pytest.raises(
        ConfigError, match=rf"password is not kept .* --set store\.{key}="
    ) as caught:
        load_study(file)
    assert "\n" not in str(caught.value)
    assert load_study(file, [f"store.{key}={address}"]) == config


def test_a_head_that_was_taken_off_costs_no_value(tmp_path: Path) -> None:
    config = with_sets(tmp_path)
    file = written(config, config.store.root)
    file.write_text(yaml.safe_dump(kept(config)))
    assert load_study(file) == config and read_origin(file) is None
