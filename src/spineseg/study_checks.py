"""What is looked at before anything trains: variants, search, starting weights."""

from __future__ import annotations

from pathlib import Path

from spineseg.config.search import Choices
from spineseg.config.study import StudyConfig
from spineseg.places import Caches
from spineseg.prediction.network_file import refuse_code
from spineseg.search_rules import check_space, check_variants
from spineseg.training.weights import resolve_weights
from spineseg.trials import certain_trials, train_config


def check_study(config: StudyConfig, where: Path) -> None:
    """Raise ConfigError where a variant or the search cannot be what it says."""
    check_variants(config.baseline, {v.name: v.changes for v in config.variants}, str(where))
    check_space(config.search, config.baseline, str(where))


def check_weights(config: StudyConfig) -> None:
    """Raise WeightsError where a training that the study may come to has nothing to start from.

    Published checkpoints are fetched. A file that would run code is refused: a study trusts none.
    """
    cache = Caches(config.store.root).weights
    wanted = [train_config(config, spec) for spec in certain_trials(config)]
    for name in ("model", "weights"):
        axis = config.search.space.get(name)
        if isinstance(axis, Choices):
            wanted += [config.baseline.with_(**{name: choice}) for choice in axis.choices]
    for weights in {resolve_weights(training, cache) for training in wanted}:
        if weights is not None:
            refuse_code(weights)
