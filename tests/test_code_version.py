"""The version of the code: what has other files is another, whatever its name says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import ENVIRONMENT, ROOT

TELL = "from spineseg import code_version as c; print(c.code_version(), c.code_fingerprint())"


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture
def checkouts(tmp_path: Path) -> list[Path]:
    """Two checkouts of one commit."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    for name in ("__init__.py", "code_version.py"):
        (first / "spineseg").mkdir(exist_ok=True)
        shutil.copy(ROOT / "src" / "spineseg" / name, first / "spineseg" / name)
    (first / "spineseg" / "page.j2").write_text("{{ page }}")
    git(first, "init", "-q")
    git(first, "add", "-A")
    git(first, "commit", "-qm", "all")
    subprocess.run(["git", "clone", "-q", str(first), str(second)], check=True)
    return [first, second]


def told(checkout: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", TELL],
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT | {"PYTHONPATH": str(checkout)},
    )
    return done.stdout.split()


def test_checkouts_with_other_changes_are_other_versions_and_with_the_same_the_same(
    checkouts: list[Path],
) -> None:
    first, second = checkouts
    assert told(first) == told(second)
    assert "+changes" not in told(first)[0]
    for checkout, changed in zip(checkouts, ("1", "2"), strict=True):
        with (checkout / "spineseg" / "__init__.py").open("a") as file:
            file.write(f"CHANGED = {changed}\n")
    (version, fingerprint), (other, other_fingerprint) = told(first), told(second)
    assert version != other and fingerprint != other_fingerprint
    commit, _, changes = version.partition("+changes.")
    assert other.startswith(commit) and fingerprint.startswith(changes) and len(changes) == 8
    shutil.copy(first / "spineseg" / "__init__.py", second / "spineseg" / "__init__.py")
    assert told(first) == told(second)


def test_a_module_that_no_commit_knows_and_a_template_are_files_of_the_code(
    checkouts: list[Path],
) -> None:
    first, second = checkouts
    (first / "spineseg" / "further.py").write_text("CHANGED = 1\n")
    assert told(first)[1] != told(second)[1]
    (first / "spineseg" / "further.py").unlink()
    assert told(first) == told(second)
    (first / "spineseg" / "page.j2").write_text("{{ other }}")
    assert told(first)[1] != told(second)[1]
