"""What Ultralytics and torch read from the environment, set before either is imported."""

from __future__ import annotations

import os
from pathlib import Path


def prepare_environment(cache: Path) -> None:
    """Set what Ultralytics and torch read from the environment; call before either is imported.

    `cache` becomes Ultralytics' private settings folder, so the user's own stays untouched.
    """
    cache.mkdir(parents=True, exist_ok=True)
    os.environ["YOLO_CONFIG_DIR"] = str(cache.resolve())
    os.environ.setdefault("YOLO_OFFLINE", "true")  # No probing of the internet at each start.
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_VERBOSE", "false")  # Its greetings belong into no command's output.
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # Looking must not initialise CUDA: we fork.
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # As the driver's own tools number: ours, too.
    # Threads that wait turn on the spot for long, and take the core from those that they wait for
    # where another program wants it too: a training beside one took twelve times as long.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    os.environ.setdefault("MPLBACKEND", "Agg")
