"""The command line: light, one line for what a person can mend, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import ROOT, spineseg
from exports import write_export

from study.cli import main

HEAVY = ("torch", "ultralytics", "mlflow", "optuna", "numpy", "pydantic", "cv2")
COMMANDS = (
    "data",
    "plan",
    "run",
    "status",
    "compare",
    "promote",
    "retry",
    "predict",
    "evaluate",
    "ui",
    "try",
    "studies",
    "export",
    "reproduce",
)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a command was refused with."""
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("spineseg: ")
    return line


def small(tmp_path: Path) -> Path:
    export = write_export(tmp_path / "export", {"train": 4, "valid": 2})
    path = tmp_path / "small.yaml"
    path.write_text(
        f"name: small\ndata: {{sources: [{{kind: local, path: {export}}}]}}\n"
        "baseline: {weights: random, optimizer: AdamW}\n"
    )
    return path


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom study.cli import main\n"
        f"sys.argv = ['spineseg', *{[command] if command else []!r}, '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "print('HEAVY', heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "Usage" in done.stdout and "HEAVY []" in done.stdout, done.stdout + done.stderr


def test_every_command_is_there() -> None:
    done = spineseg("--help", cwd=ROOT)
    assert all(f"  {command} " in done.stdout for command in COMMANDS)


def test_data_counts_what_it_merged(tmp_path: Path) -> None:
    done = spineseg("data", str(small(tmp_path)), "--json", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert sum(answer["films"].values()) == 6 and answer["films"]["valid"] > 0
    assert Path(tmp_path, answer["page"]).exists() and answer["findings"] is not None
    assert (
        answer["instances"]["train"]["C1"] == answer["films"]["train"]
        and answer["synthetic"] is False
    )
    shown = spineseg("data", str(small(tmp_path / "b")), cwd=tmp_path)
    assert "6 radiographs" in shown.stdout and "C7" in shown.stdout


def test_plan_without_timing_lists_every_certain_trial(tmp_path: Path) -> None:
    path = small(tmp_path)
    path.write_text(
        path.read_text()
        + (
            "variants: [{name: no-flips, hypothesis: Flips hurt., changes: {fliplr: 0.0}}]\n"
            "search: {trials: 5, space: {lr0: {low: 0.001, high: 0.01, log: true}}}\n"
        )
    )
    shown = spineseg("plan", str(path), "--no-timing", cwd=tmp_path).stdout
    for words in (
        "1. baseline: as configured",
        "2. no-flips: fliplr 0.0",
        "Flips hurt.",
        "then 5 searched trials",
        "lr0: 0.001 .. 0.01 (log)",
        "no estimate",
    ):
        assert words in shown
    answer = json.loads(spineseg("plan", str(path), "--no-timing", "--json", cwd=tmp_path).stdout)
    assert [trial["name"] for trial in answer["trials"]] == ["baseline", "no-flips"]


def test_overrides_in_the_environment_count_where_none_is_given(tmp_path: Path) -> None:
    small(tmp_path)
    (tmp_path / "export").rename(tmp_path / "my films")
    around = "data.sources.0.path='my films' data.split_seed=3"
    done = spineseg("data", "small.yaml", "--json", cwd=tmp_path, SPINESEG_SET=around)
    assert done.returncode == 0 and sum(json.loads(done.stdout)["films"].values()) == 6
    line = refused(spineseg("data", "small.yaml", cwd=tmp_path, SPINESEG_SET="name=a b='c"))
    assert "a quote in it is not closed" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "none.yaml"], "no such file"),
        (["status", "small.yaml"], "has not been run yet"),
        (["predict", "film.jpg"], "no champion"),
        (["predict", "small.yaml", "--weights", "bundled"], "no image that can be read"),
        (["evaluate", "--weights", "x.pt", "--data", "export"], "x.pt: no such file"),
    ],
)
def test_what_a_person_can_mend_is_one_line_and_exit_code_2(
    tmp_path: Path, words: list[str], said: str
) -> None:
    small(tmp_path)
    assert said in refused(spineseg(*words, cwd=tmp_path))
    assert not (tmp_path / "predictions").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "small.yaml", "--set", "baseline.epoch=1"], "did you mean 'epochs'"),
        (["run", "small.yaml", "--set", "baseline.weights=x.pt"], "x.pt"),
        (["run", "small.yaml", "--set", "devices.device=9"], "not on this machine"),
        (["data", "small.yaml", "--set", "data.sources.0.path=gone"], "no such folder"),
        (["status", "smal"], "no study on record in mlruns, no file and none of configs/studies"),
        (["compare", "small.yaml"], "has not been run yet"),
        (["promote", "small.yaml"], "has not been run yet"),
        (["predict", "film.jpg", "--weights", "bundled"], "no such file"),
        (["evaluate", "--weights", "x.pt", "--data", "gone"], "no such folder"),
        (["evaluate", "--weights", "x.pt", "--data", "export", "--part", "test"], "no part 'test'"),
    ],
)
def test_any_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path,
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In this process, which has all imported; what a process adds is told above."""
    small(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["spineseg", *words])
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    with pytest.raises(SystemExit) as ended:
        main()
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert ended.value.code == 2 and line.startswith("spineseg: ") and said in line
    assert caplog.records == []  # In a process of its own each would be one more line.
    assert not (tmp_path / "predictions").exists()


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = spineseg("--debug", "run", "none.yaml", cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" in done.stderr


def test_an_unknown_option_is_exit_code_2(tmp_path: Path) -> None:
    assert spineseg("run", "--nonsense", cwd=tmp_path).returncode == 2


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A file system of one megabyte, really full: /dev/full cannot hold a folder."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        export = write_export(tmp_path / "export", {"train": 400, "valid": 2})
        path = tmp_path / "small.yaml"
        path.write_text(
            f"name: small\ndata: {{sources: [{{kind: local, path: {export}}}]}}\n"
            f"baseline: {{weights: random}}\nstore: {{root: {disk / 'mlruns'}}}\n"
        )
        line = refused(spineseg("data", str(path), cwd=tmp_path))
        assert "no space left" in line and "free some" in line
        assert list((disk / "mlruns" / "work" / "data").iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
