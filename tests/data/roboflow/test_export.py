"""Roboflow through its own package, against a server that answers as its API does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from exports import write_export
from roboflow_fetch import SOURCE, fetch, refused
from roboflow_server import KEY, Roboflow, zipped

from spineseg.config.data import RoboflowSource
from spineseg.data.roboflow import api
from spineseg.levels import CERVICAL, LUMBAR, THORACIC

ROOT = Path(__file__).resolve().parents[3]


def test_the_config_as_it_stands_becomes_one_dataset(tmp_path: Path) -> None:
    trunk = write_export(tmp_path / "t", {"train": 20}, names=tuple(sorted(THORACIC + LUMBAR)))
    neck = write_export(tmp_path / "n", {"train": 20, "valid": 4}, names=CERVICAL, seed=1)
    service = Roboflow(
        {
            "mimitlab/scoliosis-gnlbf/3": zipped(trunk),
            "sha-dw5z0/cervical-segmentation-eoxax/7": zipped(neck),
            "sha-dw5z0/cervical-segmentation-eoxax/10": zipped(neck),
        }
    )
    environment = os.environ | {"API_URL": service.url, "ROBOFLOW_API_KEY": KEY}
    config = ROOT / "configs" / "data" / "spine.yaml"
    command = [sys.executable, "-m", "study.cli", "--debug", "data", str(config), "--json"]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )

    done = run()
    service.close()
    answer = json.loads(done.stdout)
    assert sum(answer["films"].values()) == 44
    assert answer["sources"] == [
        "mimitlab/scoliosis-gnlbf v3",
        "sha-dw5z0/cervical-segmentation-eoxax v10",
    ]
    assert "Pin it: `version: 10`" in done.stderr
    again = json.loads(run().stdout)  # The service is gone: all is in the cache.
    assert again["fingerprint"] == answer["fingerprint"]
    files = [path for path in (tmp_path / "mlruns").rglob("*") if path.is_file()]
    assert files and not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in done.stdout + done.stderr


def test_the_newest_version_is_looked_up_once(tmp_path: Path, service: Roboflow) -> None:
    newest = SOURCE.model_copy(update={"version": None})
    assert fetch(tmp_path, newest)[1] == 2
    service.exports["w/p/3"] = service.exports["w/p/2"]
    assert fetch(tmp_path, newest)[1] == 2


@pytest.mark.parametrize(
    ("start", "status", "words"),
    [
        ("", 401, "does not know the key"),
        ("w", 403, "may read it"),
        ("w/p", 404, "no such workspace, project or version"),
        ("w/p/2/yolov11", 429, "too many requests"),
        ("w/p/2", 500, "fault of its own"),
        ("zip", 403, "storage refuses the export (403)"),
        ("zip", 418, "refused (418)"),
        ("w", 407, "wants a password"),
        ("zip", 503, "fault of its own"),
        ("w", 418, "refused (418)"),
    ],
)
def test_refusals_are_told_apart(
    tmp_path: Path, service: Roboflow, start: str, status: int, words: str
) -> None:
    service.statuses[start] = [status] * 9
    assert words in refused(tmp_path)
    service.statuses.clear()
    assert fetch(tmp_path)[1] == 2


def test_a_stumble_of_the_service_is_waited_out(tmp_path: Path, service: Roboflow) -> None:
    service.statuses = {"w/p/2/yolov11": [429, 503], "w/p": [502]}
    assert fetch(tmp_path)[0].is_dir()


def test_a_wrong_key_a_wrong_project_and_a_wrong_version(
    tmp_path: Path, service: Roboflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "it has 1, 2" in refused(tmp_path, SOURCE.model_copy(update={"version": 9}))
    assert "(404)" in refused(tmp_path, SOURCE.model_copy(update={"project": "other"}))
    monkeypatch.setenv("ROBOFLOW_API_KEY", "anotherKey")
    assert "does not know the key (401)" in refused(tmp_path)


def test_an_export_that_is_still_made_is_waited_for(
    tmp_path: Path, service: Roboflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.not_ready = 2
    assert fetch(tmp_path / "a")[0].is_dir()
    monkeypatch.setattr(api, "EXPORT_WAIT_SECONDS", 1.5)
    service.not_ready = 99
    assert "still making the export" in refused(tmp_path / "b")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b'{"error": "cannot export"}', "offers no yolov11 export"),
        (b"{}", "offers no yolov11 export"),
        (b"<html>log in</html>", "offers no yolov11 export"),
    ],
)
def test_a_version_without_an_export(
    tmp_path: Path, service: Roboflow, answer: bytes, words: str
) -> None:
    service.body = lambda path: answer if path == "w/p/2/yolov11" else None
    assert words in refused(tmp_path)


def test_an_answer_that_is_no_json(tmp_path: Path, service: Roboflow) -> None:
    service.body = lambda path: b"<html>proxy</html>" if path == "w/p" else None
    assert "answer cannot be read" in refused(tmp_path)


def test_no_network(tmp_path: Path, service: Roboflow) -> None:
    service.close()
    assert "cannot be reached" in refused(tmp_path)


@pytest.mark.parametrize("name", ["../x", "a/b", "", "-x"])
def test_names_that_are_no_address_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        RoboflowSource(kind="roboflow", workspace=name, project="p")
