"""What few need is installed when it is asked for: pinned, in step with the rest, nothing else."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from fake_wheels import ROOT, fake_wheel, index_of, small_project
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = sorted(set(PROJECT["optional-dependencies"]) - {"dev"})


def pinned(name: str) -> dict[str, set[str]]:
    """Return the versions that a lock file pins: several of one name for other systems."""
    found = defaultdict(set)
    for line in (ROOT / name).read_text().splitlines():
        package, _, version = line.partition(" ; ")[0].partition("==")
        found[canonicalize_name(package.partition("[")[0])].add(version.strip())
    return found


BASE = pinned("requirements.lock")


def test_every_extra_is_known_to_make_and_installed_where_changes_land() -> None:
    told = re.search(r"^EXTRAS\s*:= (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert told and sorted(told[1].split()) == EXTRAS
    landing = re.search(r'make setup EXTRA="([^"]*)"', (ROOT / ".ci" / "run").read_text())
    assert landing and sorted(landing[1].split()) == EXTRAS


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extras_lock_file_pins_what_the_project_asks_for_beside_the_rest(extra: str) -> None:
    own = pinned(f"requirements-{extra}.lock")
    assert not own.keys() & BASE.keys(), "one version of each package, in one place"
    for line in PROJECT["optional-dependencies"][extra]:
        asked = Requirement(line)
        (version,) = own[canonicalize_name(asked.name)]
        assert asked.specifier.contains(version)


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_lock_files_hold_all_that_an_extra_needs_as_pip_is_told_to_fetch_nothing_else(
    extra: str,
) -> None:
    own = pinned(f"requirements-{extra}.lock")
    looked_at = 0
    for name in own:
        try:
            needed = [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:
            continue
        looked_at += 1
        for one in needed:
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                versions = (own | BASE)[canonicalize_name(one.name)]
                assert any(one.specifier.contains(v) for v in versions), f"{name} needs {one}"
    if not looked_at:
        pytest.skip(f"the extra is not installed here: make setup EXTRA={extra}")


def make(project: Path, *words: str, url: str = "") -> subprocess.CompletedProcess[str]:
    """Run make with no index but the one at `url`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON", "MAKE"))}
    mine = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": url, "PIP_NO_CACHE_DIR": "1"}
    words = ("make", *words, f"PYTHON={sys.executable}")
    return subprocess.run(
        words, cwd=project, env=kept | mine, capture_output=True, text=True, timeout=300
    )


def installed(project: Path) -> set[str]:
    found = (project / ".venv" / "lib").glob("python3*/site-packages/*.dist-info")
    return {folder.name.removesuffix(".dist-info") for folder in found}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not there")
def test_an_extra_that_is_none_is_named_with_those_there_are(tmp_path: Path) -> None:
    done = make(small_project(tmp_path / "project", ""), "setup", "EXTRA=ray slurm")
    assert done.returncode == 2 and "must be among ray postgres" in done.stderr
    assert not (tmp_path / "project" / ".venv").exists()


@pytest.mark.wide
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not there")
def test_extras_come_when_asked_for_and_stay_in_step(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    project = small_project(tmp_path / "project", "torch==9.1\ntorchvision==8.1\n")
    for name, version in [("torch", "9.1"), ("torchvision", "8.1"), ("ray", "1.0"), ("ray", "1.1")]:
        fake_wheel(wheels, name, version)
    fake_wheel(wheels, "psycopg", "3.3")
    (project / "requirements-ray.lock").write_text("ray==1.0\n")
    (project / "requirements-postgres.lock").write_text("psycopg==3.3\n")
    with index_of(wheels, as_json=True) as url:
        done = make(project, "setup", url=url)
        assert done.returncode == 0, done.stderr
        assert not installed(project) & {"ray-1.0", "psycopg-3.3"}
        done = make(project, "setup", "EXTRA=ray", url=url)
        assert done.returncode == 0 and "extra ray: downloads about" in done.stdout, done.stderr
        assert "asking pip what there is" not in done.stdout, "the rest was there"
        assert "ray-1.0" in installed(project) and "psycopg-3.3" not in installed(project)
        (project / "requirements-ray.lock").write_text("ray==1.1\n")
        os.utime(project / "requirements-ray.lock", (4e9, 4e9))
        done = make(project, "setup", url=url)
        assert done.returncode == 0, done.stderr
        assert "ray-1.1" in installed(project) and "ray-1.0" not in installed(project)
