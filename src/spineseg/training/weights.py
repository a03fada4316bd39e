"""Starting weights by name: the published checkpoint, the bundled one, random, or a file."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from spineseg.config.training import TrainConfig
from spineseg.errors import WeightsError

BUNDLED_MODEL = "yolo11n-seg"


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
    path = Path(config.weights)
    if not path.is_file():
        raise WeightsError(
            f"weights: {config.weights!r} is neither 'coco', 'bundled', 'random' nor a file; "
            "name one of them"
        )
    return path.resolve()


def _published(model: str, cache: Path, *, fetch: bool) -> Path:
    path = cache / f"{model}.pt"
    if path.is_file():
        return path.resolve()
    if fetch:
        cache.mkdir(parents=True, exist_ok=True)
        # Its own process: this one never imports torch. A torn download must not look whole.
        code = (
            "import sys; from pathlib import Path\n"
            "from ultralytics.utils.downloads import attempt_download_asset\n"
            "attempt_download_asset(sys.argv[1], timeout=10, retry=1)"
        )
        part = cache / "part"
        part.mkdir(exist_ok=True)
        # After a time-out there is no file, and the error below says what to do.
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [sys.executable, "-c", code, str(part / path.name)],
                capture_output=True,
                timeout=600,
                check=False,
                env=os.environ | {"YOLO_OFFLINE": "false"},
            )
        if (part / path.name).is_file():
            (part / path.name).replace(path)
            return path.resolve()
    raise WeightsError(
        f"weights: {model}.pt could not be fetched (no internet?); "
        f"put it at {path}, or start from 'bundled' or 'random'"
    )
