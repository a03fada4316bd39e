"""`make setup` for real, of a small project: fake wheels of torch, a real environment and pip."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fake_wheels import fake_wheel, index_of, small_project

from spineseg.installing.torch_build import has_nvidia_gpu

LOCK = """torch==9.1
torchvision==8.1
nvidia-cublas==1.0 ; sys_platform == 'linux'
triton==3.0 ; sys_platform == 'linux'
nvidia-ml-py==13.0
"""


def setup(project: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `make setup` with no index but the one at `url`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON", "MAKE"))}
    mine = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": url, "PIP_NO_CACHE_DIR": "1"}
    return subprocess.run(
        ["make", "setup", f"PYTHON={sys.executable}", *words],
        cwd=project,
        env=kept | mine,
        capture_output=True,
        text=True,
        timeout=300,
    )


def installed(project: Path) -> set[str]:
    found = (project / ".venv" / "lib").glob("python3*/site-packages/*.dist-info")
    return {folder.name.removesuffix(".dist-info") for folder in found}


@pytest.mark.wide
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not there")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch has one build")
@pytest.mark.skipif(has_nvidia_gpu(), reason="for a machine without a GPU")
def test_a_cpu_build_is_taken_where_the_index_has_one_else_pypis(tmp_path: Path) -> None:
    wheels, project = tmp_path / "wheels", small_project(tmp_path / "project", LOCK)
    for name, version in [("torch", "9.1"), ("torchvision", "8.1"), ("nvidia_cublas", "1.0")]:
        fake_wheel(wheels, name, version)
    fake_wheel(wheels, "triton", "3.0")
    fake_wheel(wheels, "nvidia_ml_py", "13.0")
    with index_of(wheels, as_json=False) as url:
        refused = setup(project, url, "TORCH=cpu")
        assert refused.returncode == 2 and "setup: TORCH=cpu: pip finds no" in refused.stderr
        done = setup(project, url)
        assert done.returncode == 0, done.stderr
        assert "finds no torch==9.1+cpu" in done.stdout and "downloads about 0 MB" in done.stdout
        assert {"torch-9.1", "nvidia_cublas-1.0", "triton-3.0"} <= installed(project)
        other = setup(project, url, "TORCH=cpu")
        assert other.returncode == 2 and "make clean, make setup TORCH=cpu" in other.stderr

        shutil.rmtree(project / ".venv")
        for name, version in [("torch", "9.1+cpu"), ("torchvision", "8.1+cpu")]:
            fake_wheel(wheels, name, version)
        done = setup(project, url)
        assert done.returncode == 0, done.stderr
        assert "the CPU build, no NVIDIA GPU here" in done.stdout
        have = installed(project)
        assert {"torch-9.1+cpu", "torchvision-8.1+cpu", "nvidia_ml_py-13.0"} <= have
        assert not have & {"nvidia_cublas-1.0", "triton-3.0"}
        assert setup(project, url, "TORCH=cpu").returncode == 0
