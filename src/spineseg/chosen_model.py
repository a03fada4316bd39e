"""Which weights a person asks for, and what goes with them: input size, numbering."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spineseg.chosen_run import named_run, usable_runs
from spineseg.config.numbering import Numbering
from spineseg.config.study import StoreConfig
from spineseg.config.yaml_files import load_store, load_study, read_mapping
from spineseg.errors import ConfigError, NoneYetError, RecordError, StoreError, WeightsError
from spineseg.files import sha256_of, shown
from spineseg.job import JOB_FILE, Job
from spineseg.places import Caches
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.prediction.suffixes import SAFE
from spineseg.process_setup import prepare_environment
from spineseg.training.weights import bundled_weights

DEFAULT_MODEL = "spine-vertebrae@champion"
BUNDLED = "bundled"
"""The word for the weights that come with the project."""
_URI = re.compile(r"[A-Za-z][\w+.-]*://")
_SHOWN_DIGITS = 12
_MOST_RUNS = 3  # Named in one line, where there is no champion.
_TRAINED_ON = {
    True: "synthetic X-rays only",
    False: "radiographs, not synthetic films only",
    None: "not known",
}


@dataclass(frozen=True)
class Asked:
    """What a person named: a file, a run or a registered model, and what to override.

    Without any of the three, the champion is meant.
    """

    weights: Path | str | None = None  # A file, or the word BUNDLED.
    model: str | None = None  # NAME, NAME@ALIAS or NAME/VERSION
    run: str | None = None  # STUDY/RUN, or STUDY: its best run.
    store: str | None = None  # An MLflow tracking URI, or a root folder of records.
    config: Path | None = None  # A study's config, for its store.
    sets: tuple[str, ...] = ()
    numbering: Numbering | None = None  # None: as the weights' own.
    image_size_px: int | None = None  # None: as trained.
    trust: bool = False  # A .pt file is loaded in full: the code in it runs.

    def __post_init__(self) -> None:
        """Raise ConfigError for a choice that contradicts itself."""
        named = {"--weights": self.weights, "--model": self.model, "--run": self.run}
        given = [f"{option} {value}" for option, value in named.items() if value is not None]
        if len(given) > 1:
            raise ConfigError(f"{given[0]} and {given[1]} are both given; name one of them")
        if self.weights is not None and self.store is not None:
            raise ConfigError(
                f"--store {self.store} says where a model or a run is, --weights names a file; "
                "leave one of them out"
            )
        if self.run is not None and self.store is not None and _URI.match(self.store):
            raise ConfigError(
                f"--store {self.store}: --run names a run's folder; name a folder of records, as "
                "mlruns, or a --model of that store"
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
    source: dict[str, str]  # file, and its run; or model, version, store and what to note of it
    trusted: bool = False  # Loaded in full: the code in the file runs.
    synthetic: bool | None = None  # Trained on synthetic films only; None where nobody knows.

    @property
    def label(self) -> str:
        """What the weights are called, in a few words."""
        source = self.source
        if "model" in source:
            return f"{source['model']} version {source['version']}"
        if "run" in source:
            return f"run {source['run']}"
        return "bundled weights" if source["file"] == str(bundled_weights()) else self.path.name

    @property
    def short_sha256(self) -> str:
        """The first digits of the hash, which are shown."""
        return self.sha256[:_SHOWN_DIGITS]

    @property
    def levels_text(self) -> str:
        """How levels are given, in words."""
        return _levels_text(self.numbering)

    def text(self) -> str:
        """Return in a line which weights these are, and how levels are given with them."""
        source = self.source
        what = source.get("file") or "model {model} version {version} of {store}".format(**source)
        if "run" in source:
            what = f"run {source['run']}, {what}"
        note = f"; {source['note']}" if source.get("note") else ""
        return (
            f"weights {self.short_sha256} ({what}), {self.image_size_px} px, levels "
            f"{self.levels_text}{', its code is trusted' if self.trusted else ''}{note}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain values, the hash in full."""
        return {
            "sha256": self.sha256,
            **self.source,
            "label": self.label,
            "synthetic": self.synthetic,
            "trained_on": _TRAINED_ON[self.synthetic],
            "image_size_px": self.image_size_px,
            "numbering": self.numbering.numbering,
            "transitional": self.numbering.transitional,
            "columns_learnt": _learnt(self.numbering),
        }


def chosen_model(asked: Asked) -> Chosen:
    """Return the weights that are asked for, fetched to this machine, with what goes with them.

    A registered model numbers as its version says, a run's weights as the run's job says, a file
    as it says itself, others by whole columns of which nothing is known. Raises WeightsError for a
    file that is no network, RecordError for a run that there is not, ConfigError for a selector or
    a config that cannot be read, StoreError where the store does not answer, has no such model, or
    holds other weights than it says; without a champion it names what else can be used.
    """
    found = _found(asked)
    size, numbering = asked.image_size_px or found.image_size_px, found.numbering
    if asked.numbering is not None:
        numbering = numbering.model_copy(update={"numbering": asked.numbering})
    trusted = asked.trust and found.path.suffix.lower() != SAFE  # Nothing runs there anyway.
    return replace(found, image_size_px=size, numbering=numbering, trusted=trusted)


def _found(asked: Asked) -> Chosen:
    if asked.weights is not None:
        is_bundled = str(asked.weights) == BUNDLED
        return _from_file(asked, bundled_weights() if is_bundled else Path(asked.weights))
    if asked.run is not None:
        return _from_run(asked, asked.run)
    if asked.model is not None:
        return _registered(asked, asked.model)
    try:
        return _registered(asked, f"{_model_name(asked)}@champion")
    except NoneYetError as error:
        runs = [f"--run {name}" for name in usable_runs(store_place(asked).root)[:_MOST_RUNS]]
        others = ", ".join([*runs, f"--weights {BUNDLED}"])
        raise NoneYetError(
            f"no champion: {error.what}", f"use {others}, or make one with `spineseg promote`"
        ) from None


def _model_name(asked: Asked) -> str:
    """Return the name under which the study of the config registers; else the default."""
    if asked.config is None or "data" not in read_mapping(asked.config):
        return DEFAULT_MODEL.partition("@")[0]
    return load_study(asked.config, asked.sets).promote.model_name


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


def _from_run(asked: Asked, name: str) -> Chosen:
    run, how = named_run(store_place(asked).root, name)
    chosen = _from_file(asked, run.best_weights)
    return replace(
        chosen, source=chosen.source | {"run": f"{run.job.study}/{run.name}", "note": how}
    )


def _from_file(asked: Asked, weights: Path) -> Chosen:
    from spineseg.prediction.network_file import numbering_in, trained_image_size_px

    if not weights.is_file():
        raise WeightsError(
            f"{shown(weights)}: no such file; name a .pt or .safetensors file, or say {BUNDLED}"
        )
    prepare_environment(Caches(store_place(asked).root).trainer)
    sha256, job = sha256_of(weights), _job_beside(weights)
    size = job.config.image_size_px if job else trained_image_size_px(weights, trust=asked.trust)
    numbering, synthetic = (job.numbering, job.synthetic) if job else numbering_in(weights)
    if synthetic is None and sha256 == sha256_of(bundled_weights()):
        synthetic = True  # As their card says; the file does not.
    return Chosen(
        weights,
        sha256,
        size,
        numbering or NumberingModel(numbering="sequence"),
        {"file": str(weights)},
        synthetic=synthetic,
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
