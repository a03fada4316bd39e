"""Every line of README and docs/tasks.md is pasted into a shell in a fresh folder, and works."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from command import ROOT
from dicom_files import radiograph, stored
from exports import write_export
from pasted import (
    Block,
    answers,
    at_work,
    blocks,
    environment,
    fresh_folder,
    indented_commands,
    pasted,
)
from PIL import Image
from roboflow_server import KEY, Roboflow, zipped

from spineseg.config.yaml_files import load_study
from spineseg.phantom.export import write_films

README, TASKS = ROOT / "README.md", ROOT / "docs" / "tasks.md"
BLOCKS = [block for path in (README, TASKS) for block in blocks(path)]
TO_PASTE = [block for block in BLOCKS if block.language]
SERVES = {
    r"make ui\b|spineseg ui\b": "http://127.0.0.1:5000/",
    r"make try\b|spineseg try\b": "http://127.0.0.1:5002/",
    r"mlflow models serve\b": "http://127.0.0.1:5001/ping",
}
"""Lines that serve until Ctrl-C, and where what they serve answers."""
BEGUN = {
    r"make study CONFIG=configs/studies/spine.yaml": "spine",
    r"make study CONFIG=configs/studies/models-small.yaml": "models-small",
    r"make study STUDY=my-films": "my-films",
}
"""Lines that train for hours or days: begun, and stopped after an epoch; the study's name."""
ELSEWHERE = r"make (test|test-all|setup)$"
"""Lines that would run this very test, or install again: `.ci/run` has them."""
BEGUN_SECONDS = 600.0


@dataclass(frozen=True)
class Home:
    """A fresh folder, and the environment of its shell."""

    folder: Path
    env: dict[str, str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A fresh folder with what a reader brings: films, a labelled folder, a key, COCO weights."""
    folder = fresh_folder(tmp_path_factory.mktemp("home") / "project")
    bring_films(folder)
    published_weights(folder / "mlruns" / "work" / "weights")
    names = ("mimitlab/scoliosis-gnlbf", "sha-dw5z0/cervical-segmentation-eoxax")
    parts = {"train": 12, "valid": 6, "test": 6}
    service = Roboflow(
        {
            f"{name}/1": zipped(write_export(folder.parent / name, parts, seed=seed))
            for seed, name in enumerate(names)
        }
    )
    yield Home(folder, environment(folder, API_URL=service.url, BROWSER="true"))
    service.close()


def bring_films(folder: Path) -> None:
    """Put a labelled folder, `my-films`, and films without labels into the fresh folder."""
    made = write_films(
        folder.parent / "films",
        seed=77,
        frontal_films=30,
        lateral_films=3,
        size_px=224,
        difficulty=0.3,
    )
    shutil.copytree(made[0], folder / "my-films")
    films = sorted((folder / "my-films").rglob("*.jpg"))
    shutil.copy(films[0], folder / "film.jpg")
    (folder / "new films").mkdir()
    for film in films[:3]:
        shutil.copy(film, folder / "new films" / film.name)
    grey = np.asarray(Image.open(films[0]).convert("L")).astype(np.uint16) * 16
    (folder / "new films" / "film.dcm").write_bytes(stored(radiograph(grey)))


def published_weights(folder: Path) -> None:
    """Put untrained networks where the published ones would be fetched to: no internet here."""
    from ultralytics import YOLO

    folder.mkdir(parents=True)
    for size in "nsm":
        YOLO(f"yolo11{size}-seg.yaml").save(str(folder / f"yolo11{size}-seg.pt"))


@pytest.mark.wide
@pytest.mark.long
@pytest.mark.parametrize("block", TO_PASTE, ids=str)
def test_what_a_document_says_to_paste_works(block: Block, home: Home) -> None:
    match block.language:
        case "sh":
            for line in block.lines:
                run(line.replace("YOUR_KEY", KEY), home)  # Exported names last, as in a shell.
        case "python":
            done = pasted(f".venv/bin/python - <<'END'\n{block.text}\nEND", home.folder, home.env)
            assert done.returncode == 0, done.stdout
            refuse_stray(home)
        case "yaml":
            extended(block.text, home.folder)
        case other:
            raise AssertionError(f"{block}: nobody knows how to try {other!r}")


def run(line: str, home: Home) -> None:
    """Paste a line and see it work, in the way that its kind allows."""
    if line.startswith("export "):
        home.env.update([line.removeprefix("export ").split("=", 1)])
        return
    if re.search(ELSEWHERE, line):
        done = pasted(line.replace("make ", "make -n "), home.folder, home.env)
        assert line.split("#")[0].strip() in (ROOT / ".ci" / "run").read_text() or "test" in line
        assert done.returncode == 0, done.stdout
        return
    for pattern, address in SERVES.items():
        if re.search(pattern, line):
            with at_work(line, home.folder, home.env) as process:
                told = (home.folder.parent / "at-work.log").read_text
                assert answers(process, address), told()
            return
    for pattern, study in BEGUN.items():
        if re.search(pattern, line):
            begun(line, study, home)
            return
    done = pasted(line, home.folder, home.env)
    again = line == "make promote" and "is the champion already" in done.stdout  # README's own.
    assert again or done.returncode == 0, f"{line}\n{done.stdout[-6000:]}"
    assert "Traceback" not in done.stdout
    refuse_stray(home)


def refuse_stray(home: Home) -> None:
    """See that nothing was left that only a library leaves that was told no place."""
    there = {path.name for path in home.folder.iterdir()}
    assert not there & {"mlflow.db", "runs", "file:", "mlartifacts"}


def begun(line: str, study: str, home: Home) -> None:
    """Begin a training of days, see an epoch of it on record, and stop it."""
    log = home.folder / f"mlruns/work/studies/{study}/000-baseline/events.jsonl"
    with at_work(line, home.folder, home.env) as process:
        deadline = time.monotonic() + BEGUN_SECONDS
        while not (log.exists() and '"epoch"' in log.read_text()):
            told = (home.folder.parent / "at-work.log").read_text()
            assert process.poll() is None and time.monotonic() < deadline, told
            time.sleep(0.5)
    assert "the same command goes on" in (home.folder.parent / "at-work.log").read_text()


def extended(text: str, folder: Path) -> None:
    """See that a piece of YAML is part of a study's config."""
    content = yaml.safe_load((folder / "configs/studies/phantom.yaml").read_text())
    content |= yaml.safe_load(text)
    path = folder / "configs" / "studies" / "extended.yaml"
    path.write_text(yaml.safe_dump(content))
    try:
        load_study(path)
    finally:
        path.unlink()


def test_thirty_tasks_at_least_have_a_line_each() -> None:
    lines = [block.lines for block in blocks(TASKS) if block.language == "sh"]
    assert len(lines) >= 30 and {len(commands) for commands in lines} == {1}
    assert len({commands[0] for commands in lines}) == len(lines)


def test_every_command_stands_in_a_fence_where_it_is_tried() -> None:
    for path in (README, TASKS):
        assert indented_commands(path) == []


def test_no_exception_outlives_its_line() -> None:
    lines = [line for block in TO_PASTE if block.language == "sh" for line in block.lines]
    for pattern in (*SERVES, *BEGUN, ELSEWHERE):
        assert any(re.search(pattern, line) for line in lines), pattern
