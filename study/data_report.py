"""Makes a study's data, audits them, and tells what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from spineseg.config.yaml_files import load_data, load_store
from spineseg.data.description import DataDescription, described
from spineseg.data.merge import prepare_dataset
from spineseg.report.audit_page import audit_page


def describe_data(
    path: Path, overrides: Iterable[str], say: Callable[[str], None]
) -> DataDescription:
    """Make or merge the data that the config at `path` names, audit and count them."""
    overrides = tuple(overrides)
    config = load_data(path, overrides)
    dataset = prepare_dataset(config, load_store(path, overrides).root / "work" / "data", say)
    return described(dataset, audit_page(dataset), config.accept_leaks)
