"""Starting weights by name: the published checkpoint, the bundled one, random, or a file."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from spineseg.config.networks import family_of
from spineseg.config.training import TrainConfig
from spineseg.errors import WeightsError
from spineseg.prediction.suffixes import SAFE
from spineseg.training.published import ANOTHER, NO_WEIGHTS, PUBLISHED

BUNDLED_MODEL = "yolo11n-seg"
_FETCH_YOLO = (
    "import sys; from pathlib import Path\n"
    "from ultralytics.utils.downloads import attempt_download_asset\n"
    "attempt_download_asset(sys.argv[2], timeout=10, retry=1)"
)
_FETCH_OTHER = "from spineseg.training.published import main; raise SystemExit(main())"


def bundled_weights() -> Path:
    """Return the path of the synthetic 24-level checkpoint that comes with the project."""
    return Path(str(files("spineseg") / "weights" / f"{BUNDLED_MODEL}-phantom.pt"))


def resolve_weights(config: TrainConfig, cache: Path, *, fetch: bool = True) -> Path | None:
    """Return the file that `config` starts from, or None for random weights.

    `cache` is where published checkpoints are kept, and fetched to when `fetch`.
    Raises WeightsError where there is no such file, with what to do.
    """
    if config.weights == "random":
        return None
    if config.weights == "bundled":
        if config.model != BUNDLED_MODEL:
            raise WeightsError(
                f"weights: 'bundled' fits {BUNDLED_MODEL} only, not {config.model}; "
                "use 'coco', 'random' or a file's path"
            )
        path = bundled_weights()
        if not path.is_file():
            raise WeightsError(f"weights: {path} is missing; make it with `make weights`")
        return path
    if config.weights == "coco":
        return _published(config.model, cache, fetch=fetch)
    return _named_file("weights", config.weights, "'coco', 'bundled', 'random'")


def resolve_prompter(config: TrainConfig) -> Path:
    """Return the file whose YOLO network prompts a SAM, where that is not the study's baseline.

    Raises WeightsError where there is no such file.
    """
    if config.prompts == "bundled":
        return bundled_weights()
    return _named_file("prompts", config.prompts, "'baseline', 'bundled'")


def _named_file(key: str, value: str, words: str) -> Path:
    """Return the file that a key names which has none of its words."""
    path = Path(value)
    if not path.is_file():
        raise WeightsError(f"{key}: {value!r} is neither {words} nor a file; name one of them")
    return path.resolve()


def _published(model: str, cache: Path, *, fetch: bool) -> Path:
    if family_of(model) == "yolo" and not model.startswith(NO_WEIGHTS):
        suffix, code = ".pt", _FETCH_YOLO
    elif model in PUBLISHED:
        suffix, code = SAFE, _FETCH_OTHER
    else:
        raise WeightsError(
            f"weights: no weights of {model} are published; start from 'random' or a file of a "
            "run of this project"
        )
    path = cache / f"{model}{suffix}"
    if path.is_file():
        return path.resolve()
    if fetch:
        # Its own process: this one never imports torch. A torn download must not look whole.
        part = cache / "part"
        part.mkdir(parents=True, exist_ok=True)
        # After a time-out there is no file, and the error below says what to do.
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                [sys.executable, "-c", code, model, str(part / path.name)],
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
                env=os.environ | {"YOLO_OFFLINE": "false"},
            )
            if done.returncode == ANOTHER:
                raise WeightsError(f"weights: {done.stderr.strip().splitlines()[-1]}")
        if (part / path.name).is_file():
            (part / path.name).replace(path)
            return path.resolve()
    others = "'bundled' or 'random'" if model == BUNDLED_MODEL else "'random'"
    raise WeightsError(
        f"weights: {path.name} could not be fetched (no internet?); put it at {path}, or start "
        f"from {others}"
    )
