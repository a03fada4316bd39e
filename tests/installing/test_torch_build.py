"""Which build of torch a machine is given, and what pip is then asked for."""

from pathlib import Path

import pytest

from spineseg.installing.torch_build import (
    NotToBeHad,
    chosen_build,
    pinned_versions,
    requirements,
)

LOCK = (Path(__file__).parents[2] / "requirements.lock").read_text()
PINNED = pinned_versions(LOCK)
PYPI = {name: [version] for name, version in PINNED.items()}
BOTH = {name: [f"{version}+cpu", version] for name, version in PINNED.items()}
HALF = {"torch": BOTH["torch"], "torchvision": PYPI["torchvision"]}


def test_the_lock_file_pins_both() -> None:
    assert set(PINNED) == {"torch", "torchvision"}


@pytest.mark.parametrize(
    ("wanted", "there", "gpu", "cuda", "words"),
    [
        ("auto", BOTH, False, False, "the CPU build, no NVIDIA GPU here; TORCH=cuda takes the oth"),
        ("auto", BOTH, True, True, "the build with CUDA, for the NVIDIA GPU here"),
        ("auto", PYPI, True, True, "the build with CUDA, for the NVIDIA GPU here"),
        ("auto", PYPI, False, True, f"finds no torch=={PINNED['torch']}+cpu. PyTorch's own index"),
        ("auto", HALF, False, True, f"finds no torchvision=={PINNED['torchvision']}+cpu"),
        ("auto", {}, False, True, "make setup PIP_EXTRA_INDEX_URL=https://download.pytorch.org"),
        ("cpu", BOTH, True, False, "the CPU build, as TORCH=cpu asks"),
        ("cuda", BOTH, False, True, "the build with CUDA, as TORCH=cuda asks"),
    ],
)
def test_the_build_fits_machine_and_index(
    wanted: str, there: dict[str, list[str]], gpu: bool, cuda: bool, words: str
) -> None:
    build = chosen_build(wanted, PINNED, there, gpu=gpu, system="linux")
    assert build.cuda == cuda and words in build.why


def test_the_cpu_build_leaves_cudas_libraries_out_and_nothing_else() -> None:
    text = requirements(LOCK, chosen_build("auto", PINNED, BOTH, gpu=False, system="linux"))
    lines, all_lines = text.splitlines(), LOCK.splitlines()
    assert f"torch=={PINNED['torch']}+cpu" in lines
    assert f"torchvision=={PINNED['torchvision']}+cpu" in lines
    gone = {line.partition("==")[0] for line in set(all_lines) - set(lines)}
    assert {"triton", "nvidia-cublas", "cuda-toolkit"} < gone
    assert all(name.startswith(("nvidia-", "cuda-", "torch", "triton")) for name in gone)
    assert any(line.startswith("nvidia-ml-py==") for line in lines)


def test_with_pypi_alone_pip_is_asked_for_the_lock_file() -> None:
    assert requirements(LOCK, chosen_build("auto", PINNED, PYPI, gpu=False, system="linux")) == LOCK
    assert requirements(LOCK, chosen_build("auto", PINNED, {}, gpu=True, system="linux")) == LOCK


def test_pip_is_kept_from_a_cpu_build_that_it_thinks_newer() -> None:
    text = requirements(LOCK, chosen_build("auto", PINNED, BOTH, gpu=True, system="linux"))
    assert f"torch==={PINNED['torch']}" in text.splitlines()
    labelled = BOTH | {"torch": [f"{PINNED['torch']}+cu130", f"{PINNED['torch']}+cpu"]}
    text = requirements(LOCK, chosen_build("cuda", PINNED, labelled, gpu=True, system="linux"))
    assert f"torch==={PINNED['torch']}+cu130" in text.splitlines()


def test_a_mac_has_one_build() -> None:
    build = chosen_build("auto", PINNED, PYPI, gpu=False, system="darwin")
    assert not build.pins and "the only build" in build.why


@pytest.mark.parametrize(
    ("wanted", "system", "words"),
    [
        ("cpu", "linux", "and no torchvision==.* make setup TORCH=cpu PIP_EXTRA_INDEX_URL=https"),
        ("cuda", "darwin", "TORCH=cuda: torch has no build with CUDA for darwin; leave it out"),
        ("gpu", "linux", "TORCH=gpu: must be one of auto, cpu, cuda"),
    ],
)
def test_what_is_not_to_be_had_is_one_line(wanted: str, system: str, words: str) -> None:
    with pytest.raises(NotToBeHad, match=words) as caught:
        chosen_build(wanted, PINNED, PYPI, gpu=False, system=system)
    assert "\n" not in str(caught.value)
