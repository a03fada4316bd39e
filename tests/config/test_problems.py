"""The one line for a wrong key or value names what there is instead."""

from pathlib import Path

import pytest

from spineseg.config.yaml_files import load_data, load_study
from spineseg.errors import ConfigError
from spineseg.study_checks import check_study

ROOT = Path(__file__).parents[2]
PHANTOM = ROOT / "configs" / "studies" / "phantom.yaml"


def problem(*sets: str) -> str:
    """Return what the default study with these overrides ends in."""
    with pytest.raises(ConfigError) as caught:
        check_study(load_study(PHANTOM, sets), PHANTOM)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "devices.gpus=1",
            "unknown key 'devices.gpus'; did you mean 'device'? devices has device, "
            "trials_per_device, executor, ray_address, node_folder, checkpoint_epochs: see "
            "`spineseg keys devices`",
        ),
        ("baseline.learning_rate=1", "did you mean 'lr0'"),
        ("baseline.imgsz=64", "did you mean 'image_size_px'?"),
        ("baseline.batch_size=8", "did you mean 'batch'? baseline has 46 keys"),
        ("baseline.extend=x", "did you mean 'extends'?"),
        ("baseline.extends=x.yaml", "a file is named for baseline.extends in the study's own file"),
        ("data=../data/phantom.yaml", "override single keys, as `spineseg keys data` lists them"),
        ("baseline.foo=1", "unknown key 'baseline.foo'; baseline has 46 keys: see `spineseg keys"),
        ("lr0=1", "did you mean 'baseline.lr0'? a study has 15 keys: see `spineseg keys`"),
        ("pruner=null", "did you mean 'search.pruner'?"),
        ("gpu=1", "did you mean 'devices.device'?"),
        ("vairants.upright.changes.fliplr=0", "unknown key 'vairants'; did you mean 'variants'?"),
        ("variants.upright.change=1", "did you mean 'changes'? variants.1 has name, hypothesis"),
        ("variants.upright.changes.flip=1", "did you mean 'flipud' or 'fliplr'? baseline has 46"),
        ("search.space.flip={choices: [0, 1]}", "search.space.flip: unknown key 'flip'; did you"),
        ("search.space.lr0.hi=1", "did you mean 'high'? search.space.lr0 has low, high, log"),
        (
            "search.fixed.momentun=0.9",
            "search.fixed.momentun: unknown key 'momentun'; did you",
        ),
        ("data.sources.0.path=x", "unknown key 'data.sources.0.path'; it belongs to kind: local"),
        ("data.sources.0.kid=x", "data.sources.0 has kind, seed, frontal_films, lateral_films"),
        (
            "store.mlflow=x",
            "did you mean 'mlflow_uri'? store has root, mlflow_uri, optuna_url, keep: see",
        ),
    ],
)
def test_a_wrong_key_gets_its_neighbours(override: str, words: str) -> None:
    assert words in problem(override)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("baseline.optimizer=adamw", "one of auto, SGD, Adam, AdamW, NAdam, RAdam, RMSProp, got"),
        ("baseline.optimizer=adamw", "got 'adamw'; did you mean 'AdamW'?"),
        ("baseline.mask_ratio=3", "baseline.mask_ratio: must be one of 1, 2, 4, got 3"),
        ("data.split=patient", "data.split: must be one of patients, keep, got 'patient'; did you"),
        ("data.accept_leaks=[near]", "accept_leaks.0: must be one of near-duplicates, shared-pat"),
        ("data.sources.0.kind=lokal", "must be one of phantom, local, roboflow, got 'lokal'; did"),
        ("data.sources=[{path: x}]", "'data.sources.0.kind' is missing; add it, one of phantom,"),
        ("data.sources=[{kind: local}]", "'data.sources.0.path' is missing; add it (path): the fo"),
        ("objective=map50", "objective: must be one of mask_map50_95, mask_map50, box_map50_95"),
        ("variants=3", "variants: must be a list, got 3"),
        ("variants.upright=3", "variants.1: must be a table with name, hypothesis, changes, got 3"),
        ("search.space.lr0=3", "search.space.lr0: must be a table with low, high, log, got 3"),
        ("data=3", "data: must be a table of keys, got 3"),
        (
            "name=2026-11-29",
            "must be text, got 2026-11-29; put it in quotes, as '2026-11-29'",
        ),
        ("name=", "got nothing; give a value, or leave the key out"),
        ("baseline.epochs=", "baseline.epochs: input should be a valid integer, got nothing; give"),
        ("store.root=", "store.root: must be a path, got nothing; give a value"),
        ("baseline.epochs=true", "baseline.epochs: must be a number, not true or false, got True"),
        ("baseline.mosaic=yes", "baseline.mosaic: must be a number, not true or false"),
        ("search.trials=true", "search.trials: must be a number, not true or false"),
        ("data.sources.0.seed=on", "data.sources.0.seed: must be a number, not true or false"),
        ("variants.upright.changes.fliplr=no", "fliplr: must be a number, not true or false"),
        ("search.space.mosaic={choices: [0, 0]}", "choices must differ, got 0 twice; leave one"),
        ("name=My Films", "name: must be lower-case letters, digits, - and _, 61 at most, got"),
        ("baseline.batch=many", "baseline.batch: input should be a valid integer"),
    ],
)
def test_a_wrong_value_gets_what_is_allowed(override: str, words: str) -> None:
    assert words in problem(override)


def test_the_override_that_is_wrong_is_blamed_and_not_the_file() -> None:
    said = problem("search.trials=3", "baseline.batch=0")
    assert said.startswith("--set 'baseline.batch=0': baseline.batch: ")


def test_a_root_in_the_home_folder_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert load_study(PHANTOM, ["store.root=~/films"]).store.root == Path("/somewhere/films")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("name.x=1", "name is a single value, 'phantom', and has no key 'x'; see `spineseg keys n"),
        ("name.x.y=1", "name is a single value, 'phantom', and has no key 'x'"),
        (
            "variants.up.changes={}",
            "variants has no item 'up': it is a list of 2, 0 (no-mosaic)",
        ),
        ("data.sources.7.path=x", "data.sources has no item '7': it is a list of 1, 0; name one"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(override: str, words: str) -> None:
    assert problem(override).startswith(f"--set {override!r}: ") and words in problem(override)


def test_what_else_is_wrong_is_counted() -> None:
    said = problem("baseline.batch=0", "baseline.epochs=0")
    assert "baseline.batch" in said and said.endswith("(and 1 more)")
    assert "more)" not in problem("data.sources.0.kind=lokal")


def test_a_dict_key_that_reads_like_a_kind_is_not_swallowed() -> None:
    said = problem("data.sources=[{kind: local, path: x, class_map: {local: 3}}]")
    assert "data.sources.0.class_map.local: " in said


def test_a_file_of_data_alone_speaks_of_its_own_keys() -> None:
    path = ROOT / "configs" / "data" / "phantom.yaml"
    with pytest.raises(ConfigError, match="unknown key 'val_fraction'") as caught:
        load_data(path, ["val_fraction=0.1"])
    assert "did you mean 'valid_fraction'? data has 13 keys: see `spineseg keys data`" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file; name one that is there"),
        ("", "is empty; write its keys into it, as `spineseg keys` lists them"),
        ("words", "must be a mapping of keys, got str; write its keys into it"),
    ],
)
def test_a_file_that_holds_no_config_is_told_by_what_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, said: str
) -> None:
    monkeypatch.chdir(tmp_path)  # No configs/studies are here.
    if text is not None:
        Path("none.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_study(Path("none.yaml"))
