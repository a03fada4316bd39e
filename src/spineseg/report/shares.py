"""What became of the labelled vertebrae: right level, one level off, further off, missed."""

from __future__ import annotations

from typing import NamedTuple

from spineseg.evaluation.result import Evaluation, ViewScore


class Shares(NamedTuple):
    """Shares of the labelled vertebrae; right, near, far and missed make up all of them."""

    found: float
    right: float
    near: float  # one level off
    instances: int

    @property
    def wrong(self) -> float:
        """Found, with another level."""
        return self.found - self.right

    @property
    def far(self) -> float:
        """Found, further than one level off."""
        return self.wrong - self.near

    @property
    def missed(self) -> float:
        """Not found."""
        return 1 - self.found

    def number(self, share: float) -> int:
        """Return how many vertebrae a share is."""
        return round(share * self.instances)


def shares(scores: Evaluation | ViewScore) -> Shares:
    """Return what became of the labelled vertebrae of an evaluation or one view."""
    rates = scores.scores
    return Shares(
        found=rates["found_rate"],
        right=rates["right_level_rate"],
        near=rates["off_by_one_rate"],
        instances=scores.instances,
    )


def right_by_level(evaluation: Evaluation) -> dict[str, float]:
    """Return level -> share of its labelled vertebrae found with that level."""
    return {
        level: score.right / score.instances
        for level, score in evaluation.levels.items()
        if score.instances
    }
