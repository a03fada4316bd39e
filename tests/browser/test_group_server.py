"""The views on a server as a group runs it: PostgreSQL, served artifacts, logins."""

from __future__ import annotations

import importlib.util
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsed_study import Browsed, filled_elsewhere
from browser import Opened, opened_browser
from command import spineseg
from group_server import ADMIN, PASSWORD, GroupServer, postgresql


@pytest.fixture
def database() -> Iterator[str]:
    """An empty database."""
    if importlib.util.find_spec("psycopg2") is None:
        pytest.skip("the database's driver is not here: pip install psycopg2-binary")
    with postgresql() as address:
        yield address


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Where a server keeps its artifacts."""
    return tmp_path


def printed_address(study: Browsed, uri: str, **environment: str) -> str:
    """Return what `spineseg ui` prints where the store is a server."""
    done = spineseg(
        *("ui", str(study.path), "--set", f"store.mlflow_uri={uri}"),
        cwd=study.path.parent,
        **environment,
    )
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return next(word for word in done.stdout.split() if word.startswith("http"))


def sees_the_study(opened: Opened, address: str) -> None:
    opened.open(address)
    assert len(opened.rows()) == 14 and "study browsed" not in opened.names()
    scores = [r["metrics.`score`"] for r in opened.rows() if r["metrics.`score`"] != "-"]
    assert scores == sorted(scores, reverse=True) and len(scores) == 13
    for slug in ("curves", "search", "seeds"):
        place = address.replace("spineseg-leaderboard", f"spineseg-{slug}&compareRunsMode=CHART")
        opened.open(place, charts=2)
    assert opened.hosts == {"127.0.0.1"} and opened.errors == []


@pytest.mark.wide
def test_a_server_with_postgresql_shows_the_views(
    browsed: Browsed, database: str, kept: Path, browser: Opened
) -> None:
    server = GroupServer(kept, database, logins=False)
    server.start()
    try:
        filled_elsewhere(browsed, server.uri)
        sees_the_study(browser, printed_address(browsed, server.uri))
    finally:
        server.kill()


@pytest.mark.wide
@pytest.mark.skipif(
    importlib.util.find_spec("flask_wtf") is None, reason="MLflow's logins need flask-wtf"
)
def test_a_server_with_logins_takes_a_study_and_tells_no_password(
    browsed: Browsed,
    database: str,
    kept: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = GroupServer(kept, database, logins=True)
    server.start()
    try:
        words = ("compare", str(browsed.path), "--set", f"store.mlflow_uri={server.uri}")
        refused = spineseg(*words, cwd=tmp_path)
        assert refused.returncode == 2 and refused.stderr.strip().count("\n") == 0
        assert "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in refused.stderr
        login = {"MLFLOW_TRACKING_USERNAME": ADMIN, "MLFLOW_TRACKING_PASSWORD": PASSWORD}
        for key, value in login.items():
            monkeypatch.setenv(key, value)
        filled = filled_elsewhere(browsed, server.uri)
        address = printed_address(browsed, server.uri, **login)
        with opened_browser(login=(ADMIN, PASSWORD)) as opened:
            sees_the_study(opened, address)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(address.partition("#")[0])
        experiment = filled.store.client.get_experiment_by_name("browsed")
        said = [str(run.to_dictionary()) for run in every_run(filled)] + [str(experiment.tags)]
        said += [f.read_text() for f in written(browsed.config.store.root)]
        assert said and not [text for text in said if PASSWORD in text]
    finally:
        server.kill()


def every_run(study: Browsed) -> list:
    client = study.store.client
    experiment = client.get_experiment_by_name(study.config.name)
    return list(client.search_runs([experiment.experiment_id], max_results=100))


def written(root: Path) -> list[Path]:
    """Return every text that the study wrote."""
    kinds = {".json", ".jsonl", ".html", ".md", ".csv", ".log", ".txt"}
    return [path for path in root.rglob("*") if path.suffix in kinds]
