"""What the search for films that show one picture was measured to find, and to mistake.

`benchmarks/planted_leaks.py --write` writes it; the audit's page shows it.
"""

from __future__ import annotations

from datetime import date as Date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

_FILE = Path(__file__).with_name("recall.json")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recall(_Record):
    """How many copies of one kind were planted among which films, and found."""

    way: str
    films: str  # Which: "synthetic X-rays" or "public radiographs (AASCE 2019)".
    planted: int
    found: int
    mark: float  # The share that was asked for; 0: none.

    @property
    def share(self) -> float:
        """The share that was found; 0 where none was planted."""
        return self.found / self.planted if self.planted else 0.0


class FalseAlarms(_Record):
    """How many films that show different pictures were taken for copies."""

    films: str
    distinct: int
    alarms: int  # Pairs of them, without copies planted.
    same: int  # Pairs that were found and looked at, and do show one picture.
    copies: int
    mistaken: int  # Films that were taken for copies of others, among copies in all rounds.


class KnownRecall(_Record):
    """All that was measured, each row with its films."""

    recalls: tuple[Recall, ...]
    alarms: tuple[FalseAlarms, ...]
    date: Date
    machine: str


def known_recall() -> KnownRecall:
    """Return what was measured of the version that is installed."""
    return KnownRecall.model_validate_json(_FILE.read_text())


def write_recall(measured: KnownRecall) -> None:
    """Write what was measured; of other films, what was written stays."""
    others = known_recall() if _FILE.exists() else None
    if others:
        new = {row.films for row in measured.alarms}
        measured = measured.model_copy(
            update={
                "recalls": measured.recalls
                + tuple(row for row in others.recalls if row.films not in new),
                "alarms": measured.alarms
                + tuple(row for row in others.alarms if row.films not in new),
            }
        )
    _FILE.write_text(measured.model_dump_json(indent=1) + "\n")
