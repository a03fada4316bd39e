"""Which weights a person asks for, and what goes with them: input size, numbering."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spineseg.config.numbering import Numbering
from spineseg.config.study import StoreConfig
from spineseg.config.yaml_files import load_store
from spineseg.errors import ConfigError, RecordError, StoreError, WeightsError
from spineseg.files import sha256_of
from spineseg.job import JOB_FILE, Job
from spineseg.places import Caches
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.suffixes import SAFE
from spineseg.process_setup import prepare_environment

DEFAULT_MODEL = "spine-vertebrae@champion"
_URI = re.compile(r"[A-Za-z][\w+.-]*://")
_SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Asked:
    """What a person named: a file or a registered model, where that is, and what to override."""

    weights: Path | None = None
    model: str | None = None  # NAME, NAME@ALIAS or NAME/VERSION
    store: str | None = None  # An MLflow tracking URI, or a root folder of records.
    config: Path | None = None  # A study's config, for its store.
    sets: tuple[str, ...] = ()
    numbering: Numbering | None = None  # None: as the weights' own.
    image_size_px: int | None = None  # None: as trained.
    trust: bool = False  # A .pt file is loaded in full: the code in it runs.

    def __post_init__(self) -> None:
        """Raise ConfigError for a choice that contradicts itself, or is none."""
        if self.weights is None and self.model is None:
            raise ConfigError("neither --weights nor --model is given; name one of them")
        if self.weights is not None and self.model is not None:
            raise ConfigError(
                f"--weights {self.weights} and --model {self.model} are both given; name one of "
                "them"
            )
        if self.weights is not None and self.store is not None:
            raise ConfigError(
                f"--store {self.store} says where a registered model is, --weights names a file; "
                "leave one of them out"
            )
        if self.sets and self.config is None:
            raise ConfigError(f"--set {self.sets[0]}: belongs to a config; name it with --config")


@dataclass(frozen=True)
class Chosen:
    """Weights on this machine, and what goes with them."""

    path: Path
    sha256: str
    image_size_px: int
    numbering: NumberingModel
    source: dict[str, str]  # file; or model, version, store and what to note of it
    trusted: bool = False  # Loaded in full: the code in the file runs.
    synthetic: bool | None = None  # Trained on synthetic films only; None where nobody knows.

    def text(self) -> str:
        """Return in a line which weights these are, and how levels are given with them."""
        source = self.source
        what = source.get("file") or "model {model} version {version} of {store}".format(**source)
        note = f"; {source['note']}" if source.get("note") else ""
        return (
            f"weights {self.sha256[:_SHOWN_DIGITS]} ({what}), {self.image_size_px} px, levels "
            f"{_levels_text(self.numbering)}{', its code is trusted' if self.trusted else ''}{note}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain values, the hash in full."""
        return {
            "sha256": self.sha256,
            **self.source,
            "image_size_px": self.image_size_px,
            "numbering": self.numbering.numbering,
            "transitional": self.numbering.transitional,
            "columns_learnt": _learnt(self.numbering),
        }


def chosen_model(asked: Asked) -> Chosen:
    """Return the weights that are asked for, fetched to this machine, with what goes with them.

    A registered model numbers as its version says, weights in a run's folder as the run's job
    says, others by whole columns of which nothing is known. Raises WeightsError for a file that is
    no network, ConfigError for a selector or a config that cannot be read, StoreError where the
    store does not answer, has no such model, or holds other weights than it says.
    """
    found = _from_file(asked) if asked.model is None else _registered(asked, asked.model)
    size, numbering = asked.image_size_px or found.image_size_px, found.numbering
    if asked.numbering is not None:
        numbering = numbering.model_copy(update={"numbering": asked.numbering})
    trusted = asked.trust and found.path.suffix.lower() != SAFE  # Nothing runs there anyway.
    return replace(found, image_size_px=size, numbering=numbering, trusted=trusted)


def _registered(asked: Asked, selector: str) -> Chosen:
    from spineseg.tracking.model_versions import model_version, model_weights
    from spineseg.tracking.store import open_existing_store, without_password

    place = store_place(asked)
    store = open_existing_store(place.root, place.mlflow_uri)
    model = model_version(store, selector)
    path, sha256 = model_weights(store, model, Caches(place.root).models)
    prepare_environment(Caches(place.root).trainer)
    source = {"model": model.name, "version": model.version, "store": without_password(store.uri)}
    if model.note:
        source["note"] = model.note
    return Chosen(
        path,
        sha256,
        model.image_size_px,
        model.numbering,
        source,
        synthetic=model.synthetic,
    )


def store_place(asked: Asked) -> StoreConfig:
    """Return the store that is named: by itself, by a config, or the default."""
    place = load_store(asked.config, asked.sets) if asked.config is not None else StoreConfig()
    if asked.store is None:
        return place
    if _URI.match(asked.store):
        return place.model_copy(update={"mlflow_uri": asked.store})
    if not Path(asked.store).is_dir():
        raise StoreError(
            f"--store {asked.store}: is neither a folder nor an address; name a folder of records "
            "as mlruns, a server as http://HOST:5000 or a database as sqlite:///FILE"
        )
    return StoreConfig(root=Path(asked.store))


def _from_file(asked: Asked) -> Chosen:
    from spineseg.prediction.network_file import trained_image_size_px

    weights = asked.weights
    if weights is None or not weights.is_file():
        raise WeightsError(f"{weights}: no such file; name a .pt or .safetensors file")
    prepare_environment(Caches(store_place(asked).root).trainer)
    job = _job_beside(weights)
    size = job.config.image_size_px if job else trained_image_size_px(weights, trust=asked.trust)
    numbering = job.numbering if job else NumberingModel(numbering="sequence")
    return Chosen(
        weights,
        sha256_of(weights),
        size,
        numbering,
        {"file": str(weights)},
        synthetic=job.synthetic if job else None,
    )


def _job_beside(weights: Path) -> Job | None:
    """Return the job of the run whose folder the weights lie in; None where they lie in none."""
    folder = weights.resolve().parent
    run_folder = folder.parent.parent
    if (folder.parent.name, folder.name) != ("train", "weights"):
        return None
    if not (run_folder / JOB_FILE).exists():
        return None
    try:
        return Job.read(run_folder)
    except RecordError as error:
        raise RecordError(
            f"{error}; or copy the weights out of the run's folder, to use them without its job"
        ) from None


def _levels_text(numbering: NumberingModel) -> str:
    if numbering.numbering == "argmax":
        return "one by one"
    known = "as learnt from training films" if _learnt(numbering) else "nothing learnt of them"
    return f"by whole columns ({known})"


def _learnt(numbering: NumberingModel) -> bool:
    return bool(numbering.columns.spans or numbering.columns.framing)
