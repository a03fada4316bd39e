"""The only door to MLflow: store, runs, model flavor, registry, UI."""

import os

# Before MLflow is imported: nothing is sent home, and a dead server costs seconds, not minutes.
# Nothing is asked twice: a `runs/create` that was slow would be two runs. Carriers ask again.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
