"""What ledgers have in common: who enters and when, and the hashes that chain their entries."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
import time
from collections.abc import Mapping
from typing import Any


def who() -> str:
    """Return user@host of whoever runs this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # A container's user without a name.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def now() -> str:
    """Return the time as 2026-01-31T12:00:00Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def entry_hash(entry: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry's values, however they are ordered."""
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
