"""Named views: made anew by the study, a person's left alone, and never in the study's way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from exports import write_export
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from old_server import refusing_server
from registry_cases import fresh_store
from small_study import SEARCHED

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.tracking.store import TrackingStore, experiment_id
from spineseg.tracking.views.marks import BASELINE, BEST, COLOR
from spineseg.tracking.views.state import PREFIX, as_tag, from_tag
from spineseg.tracking.views.written import write_views

FILMS = ["frontal-1", "lateral-2"]
_ALL = {"leaderboard", "curves", "search", "films", "failures"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> StudyConfig:
    """A study with a search and without confirmation."""
    folder = tmp_path_factory.mktemp("config")
    export = write_export(folder / "export", {"train": 1, "valid": 1})
    path = folder / "small.yaml"
    path.write_text(SEARCHED.format(export=export, root=folder / "mlruns"))
    return load_study(path)


@pytest.fixture
def store(tmp_path: Path, empty_stores: Path) -> TrackingStore:
    """An empty store."""
    return fresh_store(tmp_path / "mlruns", empty_stores)


def tags(store: TrackingStore) -> dict[str, str]:
    """Return the views' tags of the study's experiment, by the views' ids."""
    found = store.client.get_experiment(experiment_id(store, "small")).tags
    return {key.removeprefix(PREFIX): v for key, v in found.items() if key.startswith(PREFIX)}


def state(store: TrackingStore, slug: str) -> dict[str, Any]:
    kept = from_tag(tags(store)[f"spineseg-{slug}"])
    assert kept is not None
    return kept.state


def training(store: TrackingStore, name: str, kind: str, **more: str) -> str:
    """Make a run as a projection leaves it; return its id."""
    known = {"job_id": f"job-{name}", "kind": kind, "arm": name} | more
    made = store.client.create_run(experiment_id(store, "small"), run_name=name, tags=known)
    return str(made.info.run_id)


def colors(store: TrackingStore) -> dict[str, str]:
    runs = store.client.search_runs([experiment_id(store, "small")])
    return {r.info.run_name: r.data.tags[COLOR] for r in runs if COLOR in r.data.tags}


def test_views_are_replaced_and_written_only_when_they_change(
    store: TrackingStore, config: StudyConfig
) -> None:
    write_views(store, config, FILMS)
    first = tags(store)
    assert {key.removeprefix("spineseg-") for key in first} == _ALL
    write_views(store, config, FILMS)
    assert tags(store) == first  # Not even the time of the change moved.
    bare = config.model_copy(update={"search": config.search.model_copy(update={"trials": 0})})
    write_views(store, bare)
    assert set(tags(store)) == set(first) - {"spineseg-search", "spineseg-films"}
    made = {key: json.loads(value)["createdAt"] for key, value in first.items()}
    assert max(made, key=made.__getitem__) == "spineseg-leaderboard"  # On top of MLflow's menu.


def test_a_persons_view_is_never_touched_and_told_apart(
    store: TrackingStore, config: StudyConfig, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = as_tag(" leaderboard ", {"selectedColumns": []}, 1, 1) or ""
    experiment = experiment_id(store, "small")
    store.client.set_experiment_tag(experiment, PREFIX + "9f3c", theirs)
    store.client.set_experiment_tag(experiment, PREFIX + "shared-without-a-name", "deflate;abc")
    write_views(store, config, FILMS)
    assert tags(store)["9f3c"] == theirs and tags(store)["shared-without-a-name"] == "deflate;abc"
    ours = from_tag(tags(store)["spineseg-leaderboard"])
    assert ours is not None and ours.name == "Leaderboard (study)"
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1 and "a person made a view called 'Leaderboard'" in said[0]
    write_views(store, config, FILMS)
    assert len(caplog.records) == 1  # Said once, not by every command.


def test_a_damaged_view_of_ours_is_made_again(store: TrackingStore, config: StudyConfig) -> None:
    experiment = experiment_id(store, "small")
    store.client.set_experiment_tag(experiment, PREFIX + "spineseg-curves", "{half")
    write_views(store, config, FILMS)
    assert state(store, "curves")["compareRunCharts"]


def test_baseline_and_best_are_marked_and_the_best_moves(
    store: TrackingStore, config: StudyConfig
) -> None:
    training(store, "baseline", "baseline")
    training(store, "variant", "variant", **{COLOR: "#123456"})
    for name in ("search-1", "search-2"):
        training(store, name, "search")
    training(store, "seed", "confirm", arm="search-2")
    write_views(store, config, FILMS)
    assert colors(store) == {"baseline": BASELINE, "variant": "#123456"}
    write_views(store, config, FILMS, "job-search-1")
    assert colors(store)["search-1"] == BEST
    drawn = state(store, "curves")["searchFilter"]
    assert drawn.startswith("attributes.run_id IN (") and drawn.count("'") == 6
    write_views(store, config, FILMS, "job-search-2")
    assert colors(store) == {
        "baseline": BASELINE,
        "variant": "#123456",
        "search-2": BEST,
        "seed": BEST,
    }
    write_views(store, config, FILMS, "job-variant")
    assert colors(store) == {"baseline": BASELINE, "variant": "#123456"}
    assert state(store, "curves")["searchFilter"].startswith("tags.`kind`")


def test_every_filter_is_one_that_mlflow_understands(
    store: TrackingStore, config: StudyConfig
) -> None:
    experiment = experiment_id(store, "small")
    ends = {"baseline": "completed", "variant": "failed", "search": "pruned", "confirm": "running"}
    for kind, outcome in ends.items():
        training(store, kind, kind, outcome=outcome)
    store.client.create_run(experiment, run_name="study small")
    write_views(store, config, FILMS, "job-search")
    found = {
        slug: {r.info.run_name for r in store.client.search_runs([experiment], filter)}
        for slug in _ALL
        if (filter := state(store, slug)["searchFilter"])
    }
    assert found == {
        "leaderboard": {"baseline", "variant", "search", "confirm"},
        "curves": {"baseline", "variant", "search"},
        "films": {"baseline", "variant", "search"},
        "search": {"baseline", "variant", "search"},
        "failures": {"variant", "search"},
    }


@pytest.mark.parametrize("version", ["3.14.0", "2.22.1", None])
def test_a_server_too_old_for_views_is_one_line(
    version: str | None, tmp_path: Path, config: StudyConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing_server(version) as uri:
        write_views(TrackingStore(uri, tmp_path, MlflowClient(uri, uri)), config)
    [said] = [record.getMessage() for record in caplog.records]
    assert "named views need 3.15 or newer" in said and "\n" not in said
    assert (version or "does not say which MLflow it is") in said


def test_a_server_that_refuses_is_one_line(
    tmp_path: Path, config: StudyConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing_server("3.17.2") as uri:
        named = uri.replace("//", "//reader:hush@")
        write_views(TrackingStore(named, tmp_path, MlflowClient(named, named)), config)
    [said] = [record.getMessage() for record in caplog.records]
    assert "MLflow did not take the named views" in said and "\n" not in said
    assert "hush" not in said


def test_a_store_that_refuses_tags_is_one_line(
    store: TrackingStore,
    config: StudyConfig,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise MlflowException("no right to edit")

    monkeypatch.setattr(store.client, "set_experiment_tag", refuse)
    write_views(store, config, FILMS)
    [said] = [record.getMessage() for record in caplog.records]
    assert "no right to edit" in said and tags(store) == {}


def test_a_view_larger_than_a_tag_is_left_out() -> None:
    noise = {str(n): str(hash(str(n * 7919))) for n in range(3000)}
    assert as_tag("large", noise, 1, 1) is None
    small = as_tag("small", {"a": [1]}, 1, 2)
    assert small is not None and from_tag(small) is not None
    assert from_tag("[]") is None and from_tag('{"name": "x", "createdAt": 1}') is None
