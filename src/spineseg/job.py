"""What one run is and was asked to do: `job.json` of its folder, which knows everything of it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from spineseg.config.model import Model
from spineseg.config.search import Axis
from spineseg.config.training import TrainConfig
from spineseg.errors import RecordError
from spineseg.files import sync, write_whole
from spineseg.metrics import OBJECTIVES
from spineseg.prediction.numbering.model import NumberingModel

JOB_FILE = "job.json"
FORMAT = 2
"""Raised with every change of a run folder that an older reader would take for something else."""
WEIGHTS = ("weights", "prompter")
"""The fields that name a file of weights, each with its hash beside it."""
AS_CONFIGURED = "as configured"
"""The baseline's difference from itself, in words."""
TOLD = ("kind", "changes", "hypothesis", "arm", "name")
"""What is told of a run beside its trial, in the order of its writing: who has a name has all."""
RunKind = Literal["baseline", "variant", "search", "confirm", "timing"]
_OF_THE_PLACE = {
    *("id", "created", "code_version", "commit", "user"),
    *("dataset", "weights", "prompter", "hypothesis", "space"),
}
"""Fields that may differ between a job on record and the same job asked for again."""


class Job(Model):
    """One training, fully resolved: a child needs nothing else, nor does any reader later."""

    format: int = FORMAT
    id: str = Field(default_factory=lambda: uuid.uuid4().hex, description="Its own, for all time.")
    study: str
    number: int = Field(ge=0, description="Its place in the study, and its trial's in Optuna.")
    kind: RunKind
    name: str
    arm: str = Field(description="The configuration that it trains: its own name, or another's.")
    changes: dict[str, Any] = Field(description="Its difference from the baseline.")
    hypothesis: str | None = None
    config: TrainConfig
    objective: str = Field(description="What its study maximises.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Where it lies in the searched space; empty: outside."
    )
    space: dict[str, Axis] = Field(
        default_factory=dict, description="The axes that the parameters lie on."
    )
    data_fingerprint: str
    synthetic: bool
    dataset: Path = Field(description="Where the merged dataset lay, with data.yaml.")
    weights: Path | None = Field(description="Where the starting weights lay; none: random.")
    weights_sha256: str | None = Field(description="What the starting weights were.")
    prompter: Path | None = Field(None, description="Where the weights lay that prompt a SAM.")
    prompter_sha256: str | None = Field(None, description="What these were.")
    numbering: NumberingModel = Field(description="How its columns are numbered, beside plainly.")
    code_version: str = Field(description="Of this software, when the run was asked for.")
    commit: str = Field("", description="The whole commit of that; empty: not known.")
    user: str = Field("", description="Who asked for it; empty: not known.")
    created: float = Field(
        default_factory=time.time, ge=0, lt=1e11, description="Seconds since the Unix epoch."
    )
    fraction: float = Field(1.0, gt=0, le=1, description="Part of the training films to use.")

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Job:
        if self.objective not in OBJECTIVES:
            raise ValueError(f"objective {self.objective!r} is none of {', '.join(OBJECTIVES)}")
        told = {} if self._is_changed() else self._contradicted()
        for name, value in told.items():
            trained = getattr(self.config, name)
            raise ValueError(f"changes.{name} is {value!r}, and config has {trained!r}")
        for name, value in self.parameters.items():
            if name not in self.space or not self.space[name].holds(value):
                raise ValueError(f"parameters.{name} is {value!r}, which lies on no axis of space")
        return self

    def _is_changed(self) -> bool:
        """Return whether `config` has all `changes` as they are written: so it mostly is."""
        trained = vars(self.config)
        return all(
            name in trained and type(trained[name]) is type(value) and trained[name] == value
            for name, value in self.changes.items()
        )

    def _contradicted(self) -> dict[str, Any]:
        return self.config.difference(self.config.with_(**self.changes))

    @property
    def key(self) -> str:
        """The study's name and its number, for people."""
        return f"{self.study}/{self.number}"

    @property
    def changed(self) -> str:
        """Its difference from the baseline in words: "mosaic 0, lr0 0.002"."""
        return changes_in_words(self.changes) or AS_CONFIGURED

    @property
    def folder_name(self) -> str:
        """What its folder is called."""
        return f"{self.number:03d}-{self.name}"

    def write(self, run_folder: Path) -> None:
        """Make the run's folder, with `job.json` in it: both or neither.

        Raises RecordError where the folder is there already: nothing on record is overwritten.
        """
        if run_folder.exists():
            raise RecordError(f"{run_folder}: is there already; move it away and run again")
        staging = run_folder.with_name(f".{run_folder.name}.part")
        staging.mkdir(parents=True, exist_ok=True)
        write_whole(staging / JOB_FILE, self.model_dump_json(indent=1))
        sync(staging / JOB_FILE)  # A power cut may keep a name, and not what it names.
        staging.replace(run_folder)

    @classmethod
    def read(cls, run_folder: Path) -> Job:
        """Read what `write` wrote.

        Raises RecordError for a folder without a job, and for a job that is damaged or of another
        version of this software.
        """
        path = run_folder / JOB_FILE
        try:
            text = path.read_bytes()
            content = json.loads(text)
        except FileNotFoundError:
            raise RecordError(
                f"{run_folder}: has no {JOB_FILE}, so it is not known what ran there; put the file "
                "back, or move the folder away"
            ) from None
        except (OSError, ValueError) as error:
            raise RecordError(
                f"{path}: cannot be read ({type(error).__name__}); put a backup in its place, or "
                "move the folder away"
            ) from None
        version = content.get("format", 1) if isinstance(content, dict) else None
        if version != FORMAT:
            raise RecordError(
                f"{path}: is of another version of this software (format {version}, this one reads "
                f"{FORMAT}); use that version, or give the study another name"
            )
        try:
            return cls.model_validate_json(text)  # Twice as fast as from what was read.
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = "".join(f"{part}: " for part in first["loc"])
            problem = where + first["msg"].removeprefix("Value error, ")
            raise RecordError(
                f"{path}: {problem}; put a backup in its place, or move the folder away"
            ) from None

    def refuse_unlike(self, asked: Job, run_folder: Path) -> None:
        """Raise RecordError, naming both values, where the job on record is not the one asked for.

        Where it was made, when, by whom, and by which version of the code may differ.
        """
        mine, other = (job.model_dump(mode="json", exclude=_OF_THE_PLACE) for job in (self, asked))
        for key, value in other.items():
            if mine[key] != value:
                key, before, now = first_difference(key, mine[key], value)
                raise RecordError(
                    f"{run_folder}: was asked for with {key} {before}, now with {now}; restore the "
                    "value, or give the study another name"
                )


def changes_in_words(changes: Mapping[str, Any]) -> str:
    """Return a difference from the baseline in a line: "mosaic 0, lr0 0.002"; empty for none."""
    return ", ".join(f"{name} {_plain(value)}" for name, value in changes.items())


def _plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def first_difference(key: str, before: Any, now: Any) -> tuple[str, str, str]:
    """Return the dotted name of the first value that differs, and both values in short."""
    while isinstance(before, dict) and isinstance(now, dict):
        name = next(n for n in {**now, **before} if before.get(n) != now.get(n))
        key, before, now = f"{key}.{name}", before.get(name), now.get(name)
    return key, _short(before), _short(now)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 24 else text[:20] + '..."'
