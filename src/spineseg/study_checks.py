"""What is looked at before anything trains: variants, search, starting weights, what they need."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from spineseg.config.networks import family_of
from spineseg.config.search import Choices
from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.errors import ConfigError, WeightsError
from spineseg.files import shown
from spineseg.levels import CLASS_NAMES
from spineseg.places import Caches
from spineseg.prediction.checkpoints import read_checkpoint
from spineseg.prediction.extra import NEEDING, has_models, lacking
from spineseg.prediction.network_file import read_card, refuse_code
from spineseg.prediction.suffixes import SAFE
from spineseg.search_rules import check_space, check_variants
from spineseg.training.weights import resolve_prompter, resolve_weights
from spineseg.trials import certain_trials, train_config

_STARTS = ("model", "weights", "prompts")  # What hangs together in what a training starts from.


def check_study(config: StudyConfig, where: Path) -> None:
    """Raise ConfigError where a variant or the search cannot be what it says."""
    check_variants(config.baseline, {v.name: v.changes for v in config.variants}, str(where))
    check_space(config.search, config.baseline, str(where))
    for training in _trainings(config):
        if training.is_prompted_by_baseline and config.baseline.family != "yolo":
            raise ConfigError(
                f"{where}: {training.model} is to be prompted by the baseline, which is a "
                f"{config.baseline.model} and no YOLO network; name weights with prompts"
            )


def check_weights(config: StudyConfig) -> None:
    """Raise WeightsError where a training that the study may come to has nothing to start from.

    ConfigError where what its network needs is not installed. Published checkpoints are fetched. A
    file that would run code is refused: a study trusts none.
    """
    cache = Caches(config.store.root).weights
    starts = {(each.model, each.weights, each.prompts): each for each in _trainings(config)}
    for training in starts.values():
        if training.family in NEEDING and not has_models():
            raise lacking(training.model)
        weights = resolve_weights(training, cache)
        if weights is not None:
            refuse_code(weights)
            _refuse_another(training, weights)
        if training.family == "sam" and not training.is_prompted_by_baseline:
            _refuse_as_prompter(resolve_prompter(training))


def _trainings(config: StudyConfig) -> Iterator[TrainConfig]:
    """Yield each kind of training that the study may come to, as far as its network goes."""
    yield from (train_config(config, spec) for spec in certain_trials(config))
    if config.search.trials:
        axes = [(name, config.search.space.get(name)) for name in _STARTS]
        drawn = {name: axis.choices for name, axis in axes if isinstance(axis, Choices)}
        fixed = config.baseline.model_copy(update=config.search.fixed)
        for values in product(*drawn.values()):
            yield fixed.model_copy(update=dict(zip(drawn, values, strict=True)))


def _refuse_as_prompter(weights: Path) -> None:
    """Raise WeightsError for a file that cannot prompt a SAM."""
    refuse_code(weights)
    if _family_in(weights) != "yolo":
        raise WeightsError(f"prompts: {shown(weights)} holds no YOLO network; name weights of one")
    is_safe = weights.suffix.lower() == SAFE
    told = read_card(weights) if is_safe else read_checkpoint(weights)
    if tuple(told.class_names) != CLASS_NAMES:
        raise WeightsError(
            f"prompts: {shown(weights)} knows other classes than the 24 levels in their order; "
            "name other weights"
        )


def _family_in(weights: Path) -> str:
    """Return the family of the network in a file of weights, as far as its name and head say."""
    if weights.suffix.lower() != SAFE:
        return "yolo"
    return family_of(read_card(weights).architecture) or "yolo"


def _refuse_another(training: TrainConfig, weights: Path) -> None:
    """Raise WeightsError for a file of another network than is to start from it.

    YOLO's networks take what fits of one another's weights.
    """
    if training.weights == "coco":
        return
    family = _family_in(weights)
    if family != training.family:
        raise WeightsError(
            f"weights: {shown(weights)} holds a network of {family}, and {training.model} is of "
            f"{training.family}; name weights of that, or 'random'"
        )
    if family == "yolo":
        return
    card = read_card(weights)
    if card.architecture != training.model:
        raise WeightsError(
            f"weights: {shown(weights)} holds a {card.architecture}, not a {training.model}; name "
            "weights of that, or 'random'"
        )
    if family == "sam" and card.image_size_px != training.image_size_px:
        raise WeightsError(
            f"weights: {shown(weights)} takes films of {card.image_size_px} px and no other, and "
            f"image_size_px is {training.image_size_px}; set it so, or name other weights"
        )
    if card.class_names != CLASS_NAMES:
        raise WeightsError(
            f"weights: {shown(weights)} knows other classes than the 24 levels in their order; "
            "name other weights, or 'random'"
        )
