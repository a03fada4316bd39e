"""What a study was run with lies with its runs; a config that was edited since is told."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from fake_trainer import FakeLauncher
from run_folders import make_job
from small_study import confirmed_study, names, places, run

from spineseg import packages
from spineseg.config.recorded import read_origin
from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError, RecordError, StoreError
from spineseg.study_config import keep_study_config, load_recorded, say_of_record
from spineseg.tracking.store import open_store
from spineseg.tracking.study_files import log_study_config
from study.compare import compare_study

NO_SEARCH = "search.trials=0"


def recorded(path: Path, *sets: str) -> StudyConfig:
    """Put a study on record as `run` does, without a training; what it is asked with."""
    config = load_study(path, sets)
    keep_study_config(config, places(config), path)
    return config


class Kept(NamedTuple):
    """A study on record, without a training."""

    path: Path
    config: StudyConfig


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> Kept:
    """A study with fresh seeds as it was run, for tests that only read it or are refused."""
    path = confirmed_study(tmp_path_factory.mktemp("kept") / "study", empty_stores)
    return Kept(path, recorded(path))


def refused(path: Path, *sets: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_recorded(path, sets, "compare")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_study_is_found_by_its_name_as_it_was_run(kept: Kept) -> None:
    config = kept.config
    root = f"store.root={config.store.root}"
    assert load_recorded(Path("small"), [root], "status") == config
    told = read_origin(places(config).config)
    assert told is not None and Path(told.config) == kept.path and told.folder == Path.cwd()
    assert "pytest" not in told.command  # Only our own command line is kept.


def test_config_packages_and_command_are_in_mlflow_and_come_there_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = "https://h.example/hush"
    words = ["run", str(path), "--set", NO_SEARCH, "--set", f"on_end.webhook={webhook}"]
    monkeypatch.setattr(sys, "argv", ["/usr/bin/spineseg", *words])
    config = run(path, FakeLauncher(), NO_SEARCH, f"on_end.webhook={webhook}")
    files = (places(config).packages, places(config).config)
    store = open_store(config.store.root, None)
    experiment = store.client.get_experiment_by_name("small")
    (parent,) = store.client.search_runs([experiment.experiment_id], "tags.study_key = 'small'")
    told = f"spineseg run {path} --set {NO_SEARCH} --set 'on_end.webhook=***'"
    assert parent.data.tags["command"] == told
    copies = [
        Path(parent.info.artifact_uri.removeprefix("file://"), "study", f.name) for f in files
    ]
    assert [f.read_bytes() for f in copies] == [f.read_bytes() for f in files]
    assert b"hush" not in files[1].read_bytes()

    monkeypatch.setattr(sys, "argv", ["/usr/bin/spineseg", "run", "small"])
    recorded(path, "search.trials=1")
    copies[0].unlink()
    log_study_config(store, parent.info.run_id, places(config))
    assert [f.read_bytes() for f in copies] == [f.read_bytes() for f in files]
    again = store.client.get_run(parent.info.run_id).data.tags
    assert again["command"] == "spineseg run small" and "trials: 1" in copies[1].read_text()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("confirm.seeds=2", "has confirm.seeds 2, study 'small' on record 3: what `compare`"),
        ("confirm=null", "has confirm null"),
        ("search.trials=4", "has search.trials 4, study 'small' on record 0"),
        ("objective=box_map50", 'has objective "box_map50"'),
        ("numbering=argmax", 'has numbering "argmax"'),
        ("baseline.lr0=0.1", "has baseline.lr0 0.1, study 'small' on record 0.003"),
        ("variants.slow.changes.lr0=0.01", "has variants.slow.changes.lr0 0.01"),
        ("data.valid_fraction=0.3", "has data.valid_fraction 0.3"),
    ],
)
def test_what_was_changed_since_is_told_with_both_values_and_the_remedy(
    kept: Kept, override: str, said: str
) -> None:
    told = refused(kept.path, override)
    assert said in told and "or name the study: `spineseg compare small --set" in told
    taken = f"take it over with `spineseg run {kept.path} --set {override}`"
    never = override.startswith(("objective", "numbering", "baseline", "data"))
    assert (taken in told) != never
    by_name = refused(Path("small"), override, f"store.root={kept.config.store.root}")
    assert said.replace("small.yaml", "small") in by_name


def test_what_run_would_refuse_is_not_advised_for_what_differs_beside_it(kept: Kept) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recorded(
            kept.path, ["variants.slow.changes.lr0=0.01", "objective=box_map50"], "status"
        )
    assert "take it over" not in str(caught.value)


def test_a_study_that_was_not_run_is_started_by_the_words_that_it_was_asked_for_by(
    path: Path, tmp_path: Path
) -> None:
    sets = ["search.trials=1", f"store.root={tmp_path / 'new'}"]
    with pytest.raises(StoreError) as caught:
        load_recorded(path, sets, "status")
    asked = " ".join(f"--set {text}" for text in sets)
    assert f"start it with `spineseg run {path} {asked}`" in str(caught.value)
    assert load_recorded(path, sets, "ui").search.trials == 1


def test_a_gate_that_was_edited_in_the_file_is_told_and_one_overridden_is_taken(
    path: Path,
) -> None:
    recorded(path)
    given = load_recorded(path, ["promote.min_gain=0.2"], "promote")
    assert given.promote.min_gain == 0.2
    path.write_text(path.read_text() + "promote: {min_gain: 0.2}\n")
    assert "has promote.min_gain 0.2, study 'small' on record 0.0" in refused(path)


@pytest.mark.parametrize(
    "override",
    [
        "devices.trials_per_device=2",
        "store.optuna_url=sqlite:///x.db",
        "on_end.webhook=https://h.example/x",
        "description=Better words.",
        "data.sources.0.path=/moved",
    ],
)
def test_places_people_and_words_may_differ(kept: Kept, override: str) -> None:
    assert load_recorded(kept.path, [override], "compare").name == "small"


@pytest.mark.wide
def test_a_comparison_by_name_has_the_seeds_that_were_run(path: Path) -> None:
    config = run(path, FakeLauncher(), NO_SEARCH, "confirm={top: 1, seeds: 2}")
    assert "has search.trials 3" in refused(path)
    named = load_recorded(Path("small"), [f"store.root={config.store.root}"], "compare")
    evidence = compare_study(named).summary.evidence
    assert evidence is not None and evidence.seeds == 2


def test_run_takes_over_what_may_change_and_keeps_the_first_config_of_a_name(path: Path) -> None:
    config = run(path, FakeLauncher(), NO_SEARCH)
    root = f"store.root={config.store.root}"
    before = places(config).config.read_bytes()
    with pytest.raises(ConfigError, match="would not be comparable"):
        run(path, FakeLauncher(), "search.trials=1", "baseline.lr0=0.01")
    assert places(config).config.read_bytes() == before
    run(Path("small"), FakeLauncher(), root, "search.trials=1")
    assert "search-001" in names(config)
    assert load_study(Path("small"), [root]).search.trials == 1
    assert read_origin(places(config).config).config == str(path)  # type: ignore[union-attr]


def test_a_second_file_of_the_same_name_is_told_until_the_first_is_gone(path: Path) -> None:
    recorded(path, NO_SEARCH)
    twin = path.with_name("twin.yaml")
    twin.write_text(path.read_text())
    assert load_recorded(twin, [NO_SEARCH], "compare").name == "small"  # It says the same.
    told = refused(twin)
    assert told.startswith(f"{twin}: names its study 'small', as {path} does")
    assert "search.trials 0, here 3; give one of the two another name" in told
    with pytest.raises(ConfigError, match="give one of the two another name"):
        run(twin, FakeLauncher())
    path.rename(path.with_name("put-away.yaml.old"))
    assert "take it over with `spineseg run" in refused(twin)
    recorded(twin)
    assert load_recorded(twin, [], "compare").search.trials == 3


def test_runs_without_their_config_are_read_by_the_file_which_is_said(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_job().write(places(load_study(path)).folder / "000-baseline")
    with caplog.at_level(logging.WARNING):
        assert load_recorded(path, [NO_SEARCH], "status").name == "small"
    assert caplog.text.count("has no study.yaml on record") == 1


def test_a_damaged_config_on_record_is_told_and_written_anew(path: Path) -> None:
    config = recorded(path, NO_SEARCH)
    places(config).config.write_text("name: [")
    with pytest.raises(RecordError, match="remove the file, and `spineseg run`") as caught:
        load_recorded(path, [NO_SEARCH], "compare")
    assert "\n" not in str(caught.value)
    root = f"store.root={config.store.root}"
    for text in ("name: [", "", "words"):
        places(config).config.write_text(text)
        with pytest.raises(ConfigError, match="; remove the file, and `spineseg run` the study's"):
            load_study(Path("small"), [root])
    recorded(path, NO_SEARCH)
    assert load_recorded(path, [NO_SEARCH], "compare").name == "small"


def test_a_webhook_that_is_not_kept_is_said_where_the_study_is_named(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hook = "on_end.webhook=https://h.example/x"
    config = recorded(path, NO_SEARCH, hook)
    root = f"store.root={config.store.root}"
    for asked, sets, said in (
        (Path("small"), [root], 1),
        (Path("small"), [root, hook], 0),
        (path, [NO_SEARCH], 0),
    ):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            say_of_record(load_study(asked, sets), asked)
        assert caplog.text.count("is not kept on record") == said


def test_an_edit_that_a_name_does_not_mean_is_said(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = f"store.root={recorded(path).store.root}"
    path.write_text(path.read_text().replace("trials: 3", "trials: 5"))
    with caplog.at_level(logging.WARNING):
        say_of_record(load_study(path), path)
        assert not caplog.text
        say_of_record(load_study(Path("small"), [root]), Path("small"))
    assert f"goes on as on record, with search.trials 3; {path} has 5 since" in caplog.text


def test_packages_are_the_lock_file_or_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "src" / "spineseg" / "__init__.py"
    monkeypatch.setattr(packages.spineseg, "__file__", str(package))
    listed = packages.packages_text.__wrapped__()
    assert "no lock file" in listed and "\nmlflow==" in listed
    here = next(line for line in listed.splitlines() if line.startswith("mlflow=="))
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"{here}\nnone-such==1\nmlflow==0.1 ; python_version < '3'\n")
    assert packages.packages_text.__wrapped__() == lock.read_text()
    lock.write_text("mlflow==0.1\n")
    assert f"in place of what is locked:\n#   {here}\n" in packages.packages_text.__wrapped__()
