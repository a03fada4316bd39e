"""Makes a study's data, audits them, tells what they are, and writes what is to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from spineseg.config.yaml_files import load_data, load_store
from spineseg.data.audit import load_audit
from spineseg.data.description import DataDescription, described
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.errors import ConfigError
from spineseg.report.audit_page import audit_page

if TYPE_CHECKING:
    from spineseg.review.folder import Review


def describe_data(
    path: Path, overrides: Iterable[str], say: Callable[[str], None]
) -> DataDescription:
    """Make or merge the data that the config at `path` names, audit and count them."""
    return _described(path, tuple(overrides), say)[0]


def _described(
    path: Path, overrides: tuple[str, ...], say: Callable[[str], None]
) -> tuple[DataDescription, Dataset]:
    config = load_data(path, overrides)
    dataset = prepare_dataset(config, load_store(path, overrides).root / "work" / "data", say)
    return described(dataset, audit_page(dataset), config.accept_leaks), dataset


def refuse_without(option: str, given: Mapping[str, object]) -> None:
    """Raise ConfigError for options that mean nothing without `option`, where any is given."""
    for name, value in given.items():
        if value is not None:
            raise ConfigError(f"{name} {value}: means nothing without {option}; give both")


def review_data(
    path: Path,
    overrides: Iterable[str],
    folder: Path,
    *,
    sound: int,
    weights: Path | None,
    model: str | None,
    store: str | None,
    device: str,
    say: Callable[[str], None],
) -> tuple[DataDescription, Review]:
    """Do as `describe_data`, and write a review of the labels into `folder`.

    With `weights` or a registered `model`, whole columns are compared with what it reads. Raises
    DataError where `folder` holds anything, and whatever `chosen_model` does, before any work.
    """
    from spineseg.chosen_model import Asked, chosen_model
    from spineseg.review.columns import compared_columns
    from spineseg.review.folder import refuse_taken, write_review
    from spineseg.training.devices import chosen_devices

    overrides = tuple(overrides)
    refuse_taken(folder)
    chosen = None
    if weights is not None or model is not None:
        device = chosen_devices(device)[0].name
        chosen = chosen_model(
            Asked(weights=weights, model=model, store=store, config=path, sets=overrides)
        )
    description, dataset = _described(path, overrides, say)
    columns = compared_columns(dataset, chosen, device=device, say=say) if chosen else None
    review = write_review(
        dataset, load_audit(dataset), folder, sound=sound, columns=columns, say=say
    )
    return description, review
