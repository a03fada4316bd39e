"""The list of studies: how far each is, in a moment, a damaged one beside the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from command import ROOT
from run_folders import finished, make_job, write_finished

from spineseg.commands.studies import studies
from spineseg.config.yaml_files import WRITE_ANEW, load_study
from spineseg.errors import ConfigError
from spineseg.events import append_event
from spineseg.files import append_line, locked
from spineseg.places import StudyPlaces
from spineseg.studies import ListedStudy, listed_studies
from spineseg.study_config import keep_study_config

TEXT = """
name: {name}
data: {{sources: [{{kind: phantom, frontal_films: 9, lateral_films: 9}}]}}
baseline: {{epochs: 3, optimizer: AdamW}}
variants: [{{name: no-flips, hypothesis: Flips hurt., changes: {{fliplr: 0.0}}}}]
search: {{trials: {trials}, space: {{lr0: {{low: 0.001, high: 0.02, log: true}}}}}}
confirm: {confirm}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Records of no study yet."""
    (tmp_path / "mlruns").mkdir()
    return tmp_path / "mlruns"


def config_of(root: Path, name: str = "small", trials: int = 0, confirm: str = "null") -> None:
    path = root.parent / f"{name}.yaml"
    path.write_text(TEXT.format(name=name, trials=trials, confirm=confirm))
    keep_study_config(load_study(path), StudyPlaces(root, name), path)


def put(root: Path, name: str, number: int, study: str = "small", **changes: object) -> Path:
    """Put an ended run into a study."""
    end = changes.pop("end", "completed")
    job = make_job(study=study, name=name, number=number, **changes)
    return write_finished(StudyPlaces(root, study).folder, job, end=end)  # type: ignore[arg-type]


def only(root: Path) -> ListedStudy:
    (study,) = listed_studies(root)
    return study


def test_a_study_is_told_with_its_runs_its_best_and_what_is_to_come(root: Path) -> None:
    config_of(root, trials=2, confirm="{top: 1, seeds: 2}")
    put(root, "baseline", 0)
    put(root, "no-flips", 1, end="pruned")
    put(root, "search-001", 2, kind="search", end="failed")
    found = only(root)
    assert found.runs == {"completed": 1, "pruned": 1, "failed": 1}
    assert found.to_come == 1 + 4 and found.state == "interrupted"
    assert (found.best, found.best_score, found.baseline_score) == ("baseline", 0.31, 0.31)
    assert found.synthetic is True and found.last is not None
    assert found.config == str(root.parent / "small.yaml") and found.champion is None


def test_a_study_is_finished_when_nothing_is_to_come(root: Path) -> None:
    config_of(root, confirm="{top: 3, seeds: 2}")
    put(root, "baseline", 0)
    put(root, "no-flips", 1, end="failed")
    assert only(root).to_come == 2  # No finalist is left: the baseline alone is trained again.
    for number in (1, 2):
        name = f"baseline-seed-{number}"
        put(root, name, 1 + number, kind="confirm", arm="baseline")
    found = only(root)
    assert (found.to_come, found.state) == (0, "finished")


def test_a_study_at_work_names_its_process(root: Path) -> None:
    config_of(root)
    put(root, "baseline", 0, end=None)
    assert only(root).state == "interrupted" and only(root).to_come == 1
    assert only(root).runs == {"interrupted": 1}
    with StudyPlaces(root, "small").lock():
        process = StudyPlaces(root, "small").holder()
        assert only(root).state == f"running in process {process}"
    with locked(StudyPlaces(root, "small").folder / "000-baseline" / "lock"):
        assert only(root).runs == {"running": 1}
        assert only(root).state == "its driver is gone; baseline trains on"


def test_a_study_of_an_earlier_version_is_told_as_far_as_it_is_known(root: Path) -> None:
    put(root, "baseline", 0)
    found = only(root)
    assert (found.state, found.to_come, found.config) == ("unknown", None, None)
    assert found.best == "baseline" and found.objective == "mask_map50_95"


def test_the_champion_is_the_one_that_the_ledger_tells_last(root: Path) -> None:
    for name in ("one", "two"):
        config_of(root, name)
        put(root, "baseline", 0, study=name)
    entry = {"model": "spine-vertebrae", "version": "1", "study": "one"}
    append_line(root / "promotions.jsonl", json.dumps(entry))
    append_line(root / "promotions.jsonl", "torn")
    append_line(root / "promotions.jsonl", json.dumps(entry | {"version": "2", "study": "two"}))
    assert {study.name: study.champion for study in listed_studies(root)} == {
        "one": None,
        "two": "spine-vertebrae version 2",
    }


def test_a_damaged_study_is_a_row_that_says_so(root: Path) -> None:
    config_of(root)
    folder = put(root, "baseline", 0)
    append_event(folder, finished(make_job(), 3))
    config_of(root, "whole")
    config_of(root, "torn")
    StudyPlaces(root, "torn").config.write_text("name: [")
    done = CliRunner().invoke(studies, ["--root", str(root)])
    assert done.exit_code == 0, done.output
    head, row, *damaged = done.output.splitlines()
    assert head.startswith("study ") and row.startswith("whole (synthetic)")
    assert [line.split(":")[0] for line in damaged] == ["! small is damaged", "! torn is damaged"]
    answer = json.loads(CliRunner().invoke(studies, ["--json", "--root", str(root)]).output)
    states = {study["name"]: study["state"] for study in answer["studies"]}
    assert states == {"whole": "interrupted", "small": "damaged", "torn": "damaged"}


def test_a_damaged_study_alone_is_told_without_the_head_of_a_table(root: Path) -> None:
    config_of(root, "torn")
    StudyPlaces(root, "torn").config.write_text("name: [")
    (line,) = CliRunner().invoke(studies, ["--root", str(root)]).output.splitlines()
    assert line.startswith("! torn is damaged: ") and line.endswith(WRITE_ANEW)


def test_no_study_and_no_folder_are_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    assert CliRunner().invoke(studies, []).output == "mlruns has no study yet\n"
    with pytest.raises(ConfigError, match="--root gone: is no folder; name a folder"):
        CliRunner().invoke(studies, ["--root", "gone"], catch_exceptions=False)


def test_the_list_takes_a_moment_and_imports_nothing_heavy(root: Path) -> None:
    config_of(root)
    put(root, "baseline", 0)
    code = (
        "import sys\nfrom study.cli import main\nsys.argv = ['spineseg', 'studies']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = ('torch', 'ultralytics', 'mlflow', 'optuna', 'cv2', 'scipy', 'pandas')\n"
        "print('HEAVY', [m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=root.parent,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )
    assert "small (synthetic)" in done.stdout and "HEAVY []" in done.stdout, done.stderr
