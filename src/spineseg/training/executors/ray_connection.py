"""Connects to a Ray cluster, quietly; where there is none it says in a line what to do."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from spineseg.errors import ConfigError

_REACH_SECONDS = 5.0


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this process's answer to SIGTERM: Ray would have its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def connect(address: str, namespace: str) -> None:
    """Connect to the cluster. Raises ConfigError where it is not there, with the remedy."""
    remedy = (
        "start one with `ray start --head`, its further nodes with `ray start --address=HOST:6379` "
        "(this machine is one, too: with --num-cpus=0 it trains nothing)"
    )
    if address != "auto":
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), _REACH_SECONDS).close()
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"devices.ray_address: {address!r} does not answer ({error}); {remedy}"
            ) from None
    # What it prints of lost nodes and processes this project says in its own line.
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    try:
        with _own_signals():
            ray.init(
                address=address,
                namespace=namespace,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                configure_logging=True,
            )
    except Exception as error:  # Ray raises what it likes where a cluster is not there.
        why = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigError(
            f"devices.ray_address: {address!r} is no cluster to be reached from here "
            f"({why[0][:160]}); {remedy}"
        ) from None
