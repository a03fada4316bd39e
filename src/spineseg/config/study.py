"""A whole study: data, baseline, variants, search, and where it runs and is kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from spineseg.config.data import DataConfig
from spineseg.config.limits import LimitsConfig
from spineseg.config.model import SLUG, Chosen, Epochs, Fraction, OneOf, Unit
from spineseg.config.numbering import Numbering
from spineseg.config.on_end import OnEndConfig
from spineseg.config.search import SearchConfig, Variant
from spineseg.config.training import TrainConfig
from spineseg.metrics import OBJECTIVES

_KEPT_NAME = re.compile(r"search-\d+|.*-seed-\d+")


def _number_as_text(value: Any) -> Any:
    """Let a lone CUDA device be written as YAML's number."""
    return str(value) if isinstance(value, int) else value


class ConfirmConfig(Chosen):
    """Finalists and baseline once more, on fresh seeds: what looked best may have been luck."""

    top: int = Field(
        3,
        ge=0,
        description="Best configurations to train again, by the objective; 0: the baseline alone, "
        "to measure the noise between its seeds.",
    )
    seeds: Annotated[int, Unit("seeds")] = Field(
        5, ge=2, description="Fresh seeds of each, and of the baseline; noise takes two at least."
    )


class DeviceConfig(Chosen):
    """Where trials run: on this machine, or on those of a Ray cluster."""

    device: Annotated[str, BeforeValidator(_number_as_text)] = Field(
        "auto",
        description="'auto' (every GPU, else the CPU), 'cpu', or CUDA device numbers as '0' "
        "or '0,1'.",
    )
    trials_per_device: Annotated[int, Field(ge=1), Unit("trials")] | Literal["auto"] = Field(
        1,
        description="Trainings at a time on each device; 'auto': as many as its memory holds, 8 "
        "at most, by what the first one took in its first epoch; one on a CPU.",
    )

    executor: Literal["local", "ray"] = Field(
        "local", description="'local', this machine; 'ray', the nodes of a Ray cluster."
    )
    ray_address: str = Field(
        "auto", description="Of the Ray cluster: 'auto' (the one of this machine) or HOST:PORT."
    )
    node_folder: Path = Field(
        Path("~/.cache/spineseg"),
        description="Folder on each node of a cluster, for data, weights and running trainings.",
    )
    checkpoint_epochs: Epochs = Field(
        5,
        ge=1,
        description="A node's checkpoint is fetched every so many epochs: a lost node "
        "costs these, and those trained while one is fetched.",
    )

    @property
    def known_per_device(self) -> int:
        """How many trainings share a device at least: one where that is still to be found out."""
        return 1 if self.trials_per_device == "auto" else self.trials_per_device


class StoreConfig(Chosen):
    """Where records are kept. One machine needs nothing but the folder."""

    root: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        Path("mlruns"), description="Folder of everything that is generated; ~ is your home."
    )
    mlflow_uri: str | None = Field(
        None, description="Address of an MLflow server, as http://HOST:5000; null: the own store."
    )
    optuna_url: str | None = Field(
        None, description="Address of a database, as postgresql://HOST/NAME; null: the own file."
    )
    keep: Literal["all", "best"] = Field(
        "all",
        description="What stays in the folder of a run that has ended: 'all', or 'best', its best "
        "weights, scores and records alone, once the tracking store has the rest. Should that be "
        "lost, it is filled again without the last weights and the trainer's pictures of those "
        "runs. The baseline, finalists, fresh seeds and promoted runs keep all.",
    )


class NotWorse(Chosen):
    """How far a better model may fall, at most, in what it must not lose; shares, 0 to 1."""

    right_level: Annotated[Fraction, Unit("of the vertebrae")] = Field(
        0.1, description="Loss of vertebrae with their right level."
    )
    found: Annotated[Fraction, Unit("of the vertebrae")] = Field(
        0.1, description="Loss of vertebrae that are found."
    )
    invented: Annotated[Fraction, Unit("of the vertebrae")] = Field(
        0.05, description="More invented vertebrae, against those that are labelled."
    )
    view: Annotated[Fraction, Unit("of the vertebrae")] = Field(
        0.15, description="Loss of right levels among frontal films alone, and lateral ones."
    )
    level: Annotated[Fraction, Unit("of the vertebrae")] = Field(
        0.25, description="Loss of right levels of one level alone."
    )
    least_films: Annotated[int, Unit("films")] = Field(
        30,
        ge=6,
        description="A view or a level on fewer test films is not asked; of fewer in all, the "
        "differences themselves are, not their intervals.",
    )


class PromoteConfig(Chosen):
    """What the registry calls the model, and what a challenger must bring."""

    model_name: str = Field(
        "spine-vertebrae", pattern=SLUG, description="Name of the model in MLflow's registry."
    )
    min_gain: Annotated[float, Unit("of the objective, 0 to 1")] = Field(
        0.0, ge=0, description="Gain over the champion, or the baseline, that is asked for."
    )
    max_slowdown: Annotated[float, Unit("times the baseline's")] = Field(
        3.0, gt=0, description="Highest time per film, as a multiple of the baseline's."
    )
    not_worse: NotWorse = Field(
        NotWorse(), description="How far it may fall below the baseline on the test part."
    )


class StudyConfig(Chosen):
    """A whole study: data, baseline, variants, search."""

    name: str = Field(
        pattern=SLUG, description="What the study is called, and its folder under the store."
    )
    description: str = Field("", description="What it is for, in a sentence; shown beside it.")
    data: DataConfig = Field(
        description="Which films; or the name of a file with these keys, relative to this one."
    )
    baseline: TrainConfig = Field(
        description="The training that all others are compared with; or the name of a file with "
        "these keys, relative to this one."
    )
    variants: tuple[Variant, ...] = Field(
        (), description="Named differences from the baseline, each trained once."
    )
    search: SearchConfig = Field(
        default_factory=SearchConfig, description="What is searched, and how often."
    )
    objective: Annotated[str, AfterValidator(OneOf(OBJECTIVES))] = Field(
        "mask_map50_95", description="What the search maximises, on the validation part."
    )
    numbering: Numbering = Field(
        "sequence",
        description="How levels are given: 'sequence', whole columns; 'argmax', each detection's "
        "best. Runs are scored both ways; this one is compared, searched for and promoted.",
    )
    transitional: bool = Field(
        False, description="Whether 'sequence' allows for an extra level, T13 or L6."
    )
    confirm: ConfirmConfig | None = Field(
        default_factory=ConfirmConfig, description="Training again on fresh seeds; null: no claim."
    )
    devices: DeviceConfig = Field(
        default_factory=DeviceConfig, description="Where trials run, and how many at a time."
    )
    limits: LimitsConfig = Field(
        default_factory=LimitsConfig, description="When to stop, and when a training hangs."
    )
    store: StoreConfig = Field(default_factory=StoreConfig, description="Where records are kept.")
    promote: PromoteConfig = Field(
        default_factory=PromoteConfig, description="What a champion is called, and must bring."
    )
    on_end: OnEndConfig | None = Field(
        None, description="Who is told when the study has ended, or promoted a model; null: nobody."
    )

    @model_validator(mode="after")
    def _variant_names_are_their_own(self) -> StudyConfig:
        names = [variant.name for variant in self.variants]
        for name in names:
            if names.count(name) > 1 or name == "baseline":
                raise ValueError(f"variants: the name {name!r} is taken twice; give each its own")
            if _KEPT_NAME.fullmatch(name):
                raise ValueError(
                    f"variants: the name {name!r} is kept for the study's own trainings "
                    "(search-NUMBER, NAME-seed-NUMBER); choose another"
                )
        return self

    @property
    def synthetic(self) -> bool:
        """Whether any part of the data is synthetic; then every result is called so."""
        return any(source.kind == "phantom" for source in self.data.sources)
