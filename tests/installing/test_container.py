"""The container file is in step with the project; building it takes a machine with an engine."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "configs" / "container"
LINES = (FOLDER / "Containerfile").read_text().replace("\\\n", " ").splitlines()


def told(instruction: str) -> list[str]:
    return [line.split(None, 1)[1] for line in LINES if line.startswith(f"{instruction} ")]


def test_everything_that_is_copied_is_there() -> None:
    for copied in told("COPY"):
        *sources, _ = [word for word in shlex.split(copied) if not word.startswith("--")]
        assert all((ROOT / source).exists() for source in sources), copied


def test_packages_are_installed_by_make_setup_from_the_lock_file_and_not_again() -> None:
    before = LINES[: next(i for i, line in enumerate(LINES) if line.startswith("RUN make setup"))]
    rule = re.search(r"^\.venv/ready: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert rule and all(any(name in line for line in before) for name in rule[1].split())
    assert "touch .venv/ready" in told("RUN")[-1]


def test_it_runs_without_root_and_keeps_its_records_in_a_volume() -> None:
    assert told("USER") == ["study"] and told("VOLUME") == ["/study/mlruns"]
    assert told("CMD") == ['["make", "study"]']
    packages = " ".join(told("RUN"))
    assert "sudo" not in packages and "--uid 1000" in packages


def test_no_environment_and_no_records_of_the_builder_go_into_the_image() -> None:
    ignored = (FOLDER / "Containerfile.dockerignore").read_text().split("\n")
    assert {".venv", "mlruns/*", "!mlruns/README.md"} <= set(ignored)


def test_the_page_on_installing_names_the_file() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    assert "-f configs/container/Containerfile" in page and "Containerfile.dockerignore" in page
