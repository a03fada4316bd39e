"""How far a study is that stands beside another: what is not finished may still change."""

from __future__ import annotations

from pydantic import Field

from spineseg.config.model import Model
from spineseg.evidence.study_difference import Asked
from spineseg.standing import standing
from spineseg.trials import to_come


class Standing(Model):
    """How far a study is."""

    ended: int
    expected: int = Field(description="Trainings that it comes to, as things stand.")
    failed: int

    @property
    def finished(self) -> bool:
        """Whether nothing is left to run."""
        return self.ended == self.expected

    @classmethod
    def of(cls, asked: Asked) -> Standing:
        """Return it of a study on record."""
        runs = [run for run in standing(asked.study.runs) if run.asked_again is None]
        ended = [run for run in runs if run.end]
        return cls(
            ended=len(ended),
            expected=len(runs) + len(to_come(asked.config, asked.study.runs)),
            failed=sum(run.failed is not None for run in ended),
        )
