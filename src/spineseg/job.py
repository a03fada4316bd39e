"""What one training is and was asked to do: `job.json` of its run folder."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from spineseg.config.model import Model
from spineseg.config.training import TrainConfig
from spineseg.prediction.numbering.model import NumberingModel

JOB_FILE = "job.json"


class Job(Model):
    """One training, fully resolved: a child needs nothing else."""

    config: TrainConfig
    dataset: Path = Field(description="Folder of the merged dataset, with data.yaml.")
    weights: Path | None = Field(description="Starting weights; none: random.")
    numbering: NumberingModel = Field(
        default_factory=NumberingModel, description="How columns are numbered, beside plainly."
    )
    fraction: float = Field(1.0, gt=0, le=1, description="Part of the training images to use.")

    def write(self, run_folder: Path) -> None:
        """Write `job.json` into the run folder, whole or not at all."""
        run_folder.mkdir(parents=True, exist_ok=True)
        part = run_folder / (JOB_FILE + ".part")
        part.write_text(self.model_dump_json(indent=1))
        part.replace(run_folder / JOB_FILE)

    @classmethod
    def read(cls, run_folder: Path) -> Job:
        """Read what `write` wrote."""
        return cls.model_validate_json((run_folder / JOB_FILE).read_text())
