"""`spineseg keys` and docs/configuration.md: every key, and nothing that is not so."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from command import ENVIRONMENT
from pydantic import BaseModel

import spineseg.config
from spineseg.commands.keys import keys
from spineseg.config.described import study_keys
from spineseg.config.model import Model
from spineseg.config.recorded import Origin
from spineseg.config.reference import as_markdown, keys_asked_for, rule, written_default
from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError
from spineseg.study_checks import check_study
from spineseg.training.yolo.settings import ultralytics_settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "configuration.md"
LEAVES = (".changes", ".fixed", ".choices")
"""Where a person writes what they like."""
BY_PATH = {key.path: key for key in study_keys()}


def listed(*words: str) -> str:
    """Return what the command prints."""
    result = CliRunner().invoke(keys, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def models(model: type[BaseModel] = Model) -> list[type[BaseModel]]:
    """Return every model of spineseg.config."""
    below = [found for sub in model.__subclasses__() for found in [sub, *models(sub)]]
    ours = [found for found in below if found.__module__.startswith(spineseg.config.__name__)]
    return [found for found in ours if found is not Origin]  # Written by us, for a config's head.


def test_every_field_of_every_model_is_described_and_listed() -> None:
    fields = {(m.__name__, name): f for m in models() for name, f in m.model_fields.items()}
    assert len(fields) > 80
    assert [place for place, field in fields.items() if not field.description] == []
    assert {name for _, name in fields} == {key.name for key in study_keys()} - {"extends"}


def written(content: object, path: str = "") -> list[str]:
    """Return the paths of all that stands in a YAML file."""
    if path.endswith(LEAVES) or not isinstance(content, dict | list):
        return [path]
    items = enumerate(content) if isinstance(content, list) else content.items()
    return [key for name, item in items for key in written(item, f"{path}.{name}".strip("."))]


def test_every_key_of_every_study_that_comes_with_the_project_is_listed() -> None:
    paths = {
        path
        for file in (ROOT / "configs" / "studies").glob("*.yaml")
        for path in written(yaml.safe_load(file.read_text()))
    }
    assert len(paths) > 60
    assert {path for path in paths if not any(key.under(path) for key in study_keys())} == set()


def test_a_number_says_its_unit_where_its_name_does_not() -> None:
    units = {path: key.unit for path, key in BY_PATH.items()}
    assert units["baseline.image_size_px"] == units["data.sources.N.film_size_px"] == "px"
    assert units["baseline.degrees"] == units["baseline.shear"] == "degrees"
    assert {unit for path, unit in units.items() if path.endswith("epochs")} == {"epochs"}
    assert {unit for path, unit in units.items() if path.endswith("fraction")} == {"fraction"}


@pytest.mark.parametrize(
    ("path", "default", "words"),
    [
        ("baseline.image_size_px", "640 px", "whole number, at least 32, a multiple of 32"),
        ("baseline.mask_ratio", "4", "one of 1, 2, 4"),
        ("data.test_fraction", "0.0 fraction", "number, at least 0, below 0.9"),
        ("data.sources.N.kind", "", "one of phantom, local, roboflow"),
        ("data.accept_leaks", "[]", "list of one of near-duplicates, shared-patients, shared-rad"),
        ("search.pruner", "as its keys", "table, or null"),
        ("on_end", "null", "table, or null"),
        ("on_end.webhook", "null", "text, never shown, or null"),
        ("objective", "mask_map50_95", "one of mask_map50_95, mask_map50, box_map50_95"),
        ("store.root", "mlruns", "path"),
    ],
)
def test_a_key_is_told_as_the_model_has_it(path: str, default: str, words: str) -> None:
    assert written_default(BY_PATH[path]) == default
    assert rule(BY_PATH[path]).startswith(words)


def test_keys_of_one_kind_only_say_so() -> None:
    assert BY_PATH["data.sources.N.path"].only_with == "kind: local"
    assert BY_PATH["data.sources.N.class_map"].only_with == "kind: local or roboflow"
    assert BY_PATH["search.space.FIELD.step"].only_with == "integer axis"
    assert sum(key.path == "data.sources.N.kind" for key in study_keys()) == 1


def test_a_setting_names_itself_in_ultralytics_words_where_they_differ() -> None:
    passed = ultralytics_settings(TrainConfig())
    renamed = set(passed) - set(TrainConfig.model_fields)
    meanings = " ".join(key.meaning for key in study_keys())
    assert {name for name in renamed if f"Ultralytics' {name}" not in meanings} == set()


@pytest.mark.parametrize(
    ("wanted", "found", "other"),
    [
        ("devices", "devices.trials_per_device", "store.root"),
        ("baseline.lr", "baseline.lrf", "baseline.warmup_bias_lr"),
        ("data.sources.0.path", "data.sources.N.path", "data.sources.N.kind"),
        ("variants.upright.changes", "variants.NAME.changes", "variants.NAME.hypothesis"),
        ("search.space.lr0.log", "search.space.FIELD.log", "search.space.FIELD.step"),
        ("learning rate", "baseline.lr0", "baseline.momentum"),
        ("imgsz", "baseline.image_size_px", "baseline.batch"),
        ("pruning", "search.pruner.keep_percent", "search.trials"),
        ("DICOM", "data.patients_from", "data.split"),
    ],
)
def test_keys_are_found_by_path_and_by_words(wanted: str, found: str, other: str) -> None:
    paths = {key.path for key in keys_asked_for(wanted)}
    assert found in paths and other not in paths


@pytest.mark.parametrize(
    ("wanted", "near"),
    [("devcies", "'devices'"), ("data.val_fraction", "'data.valid_fraction'"), ("xyzzy", "")],
)
def test_an_unknown_key_gets_its_neighbours(wanted: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"no key is or speaks of '{wanted}'") as caught:
        keys_asked_for(wanted)
    assert near in str(caught.value) and "`spineseg keys` lists all" in str(caught.value)
    assert ("did you mean" in str(caught.value)) == bool(near)


def test_json_is_for_programs() -> None:
    found = json.loads(listed("search.trials", "--json"))
    assert [key["path"] for key in found] == ["search.trials"]
    assert (found[0]["default"], found[0]["unit"], found[0]["required"]) == (0, "trials", False)


def test_the_page_is_as_the_command_writes_it() -> None:
    again = "spineseg keys --markdown > docs/configuration.md"
    assert PAGE.read_text() == listed("--markdown") == as_markdown(), again
    assert all(f"`{key.path.split('.')[-1]}`" in PAGE.read_text() for key in study_keys())


def test_markdown_is_the_whole_page_or_nothing() -> None:
    with pytest.raises(ConfigError, match="--markdown writes the whole page"):
        CliRunner().invoke(keys, ["devices", "--markdown"], catch_exceptions=False)


def test_what_the_page_shows_is_a_study(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.S)
    assert len(shown) == 3
    path = tmp_path / "shown.yaml"
    path.write_text("".join(shown))
    study: StudyConfig = load_study(path)
    check_study(study, path)
    assert {type(axis).__name__ for axis in study.search.space.values()} == {
        "FloatRange",
        "IntRange",
        "Choices",
    }


def test_every_override_that_the_page_shows_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    lines = re.findall(r"^spineseg run (\S+) (.*)$", PAGE.read_text(), re.M)
    assert len(lines) == 5
    for config, rest in lines:
        sets = re.findall(r"--set (?:'([^']*)'|(\S+))", rest)
        study = load_study(Path(config), [one or other for one, other in sets])
        check_study(study, Path(config))


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from study.cli import cli; cli(['keys', 'devices'], standalone_mode=False); "
        "sys.exit(bool({'torch', 'mlflow', 'optuna', 'pandas', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0 and "devices.trials_per_device" in done.stdout
