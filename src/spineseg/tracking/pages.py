"""MLflow's own pages over a database, opened on the study's runs: a process of its own.

MLflow's server program takes no other start page than its home, which is one for work with
language models, and on a machine's own address its assistant opens over half of the first page.
Both are settings of the browser, kept by the page's address; they are set here before MLflow's
program runs, where the person has not chosen otherwise.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import uvicorn

DATABASE, ARTIFACTS, START = (
    "SPINESEG_PAGES_DATABASE",
    "SPINESEG_PAGES_FILES",
    "SPINESEG_PAGES_START",
)
"""What the process is told by its environment: a database's address may hold a password."""
_CHOSEN = {
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,  # "Opened already": it stays shut.
    "mlflow.settings.telemetry.enabled_v1": False,
    "mlflow.telemetry.info.alert.dismissed_v1": True,
    "mlflow.workflowType_v1": "machine_learning",
}
_SCRIPT = """<script>
for (const [key, value] of Object.entries(CHOSEN))
  try { if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(value)); }
  catch (refused) {}
if (!location.hash) location.replace(START);
</script>"""


def page(html: str, start: str) -> str:
    """Return MLflow's page with what is chosen for it; without a place named it opens `start`."""
    script = _SCRIPT.replace("CHOSEN", json.dumps(_CHOSEN)).replace("START", json.dumps(start))
    return html.replace("<head>", f"<head>{script}", 1)


def served(database: str, artifacts: str | None, start: str) -> Any:
    """Return the web application: MLflow's, with its page as `page` gives it."""
    warnings.simplefilter("ignore")  # Of MLflow's own imports; nobody here can mend them.
    # MLflow's server reads where its records are from its environment, while it is imported.
    from mlflow import server

    os.environ[server.BACKEND_STORE_URI_ENV_VAR] = database
    os.environ[server.REGISTRY_STORE_URI_ENV_VAR] = database
    if artifacts:
        os.environ[server.ARTIFACT_ROOT_ENV_VAR] = artifacts
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    from mlflow.server.fastapi_app import app

    body = page((Path(str(server.app.static_folder)) / "index.html").read_text(), start).encode()
    head = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-cache"),
    ]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await app(scope, receive, send)
            return

        async def with_own_page(message: Any) -> None:
            # MLflow's middleware, which refuses foreign hosts, has the first word.
            if message["type"] == "http.response.start" and message["status"] == 200:
                kept = [h for h in message["headers"] if h[0].startswith(b"x-")]
                await send(message | {"headers": [*head, *kept]})
                await send({"type": "http.response.body", "body": body})
                done.append(True)
            elif not done:
                await send(message)

        done: list[bool] = []
        await app(scope, receive, with_own_page)

    return application


def main() -> None:
    """Serve on loopback until the process is ended; the port is its only argument."""
    application = served(
        os.environ.pop(DATABASE), os.environ.pop(ARTIFACTS, None), os.environ.pop(START, "#/")
    )
    uvicorn.run(application, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
