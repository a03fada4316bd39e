"""What a node trains with: the same as the driver's machine, or it is not used."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from typing import Any

from spineseg.code_version import code_fingerprint, code_version


def node_facts() -> dict[str, Any]:
    """Return the versions of what trains here, and what the clock says."""
    return {
        "code": f"{code_version()} (files {code_fingerprint()[:8]})",
        "files": code_fingerprint(),  # What trains; the version alone is a name.
        "python": ".".join(platform.python_version_tuple()[:2]),
        "torch": version("torch").partition("+")[0],  # Builds for CPU and GPU may go together.
        "time": time.time(),
    }
