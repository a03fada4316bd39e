"""The driver of studies: Optuna stands behind this package, and only here."""
