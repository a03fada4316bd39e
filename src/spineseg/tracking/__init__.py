"""The only door to MLflow: store, runs, model flavor, registry, UI."""
