"""MLflow's own pages over the store, on this machine only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

from spineseg.errors import StoreError
from spineseg.tracking.store import TrackingStore, without_password

HOST = "127.0.0.1"


def serve(store: TrackingStore, *, port: int) -> None:
    """Run MLflow's server until it is interrupted.

    Raises StoreError for a port in use, and where the store is a server with pages of its own.
    """
    if not store.is_local:
        raise StoreError(
            f"the store is a server already; open {without_password(store.uri)} in a browser"
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise StoreError(
                f"port {port} is in use; choose another, as --port {port + 1}"
            ) from None
    print(f"MLflow is at http://{HOST}:{port} (Ctrl-C ends it)", flush=True)
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            HOST,
            "--port",
            str(port),
            "--workers",
            "1",
            "--backend-store-uri",
            store.uri,
            "--default-artifact-root",
            (store.root / "artifacts").resolve().as_uri(),
        ],
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        start_new_session=True,
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # A shell's `&` leaves SIGINT ignored.
        signal.signal(number, signal.default_int_handler)
    try:
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()
    if code:
        raise StoreError(f"MLflow's server ended with code {code}; its last lines say why")
