"""What the audit may claim of leaks: what was looked for, how patients are known, what it sees."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from spineseg.config.model import Model
from spineseg.data.account_text import patient_doubt, told_by
from spineseg.data.audit import Audit
from spineseg.data.likeness.recall import KnownRecall
from spineseg.report.wording import count, listed

_MOST_NAMED = 3


class KindSeen(Model):
    """How many planted copies of one kind were found."""

    kind: str = Field(description="As 'JPEG quality 60' or 'cropped by 2 %'.")
    found: dict[str, tuple[int, int]] = Field(description="Data set -> (found, planted).")


class Sight(Model):
    """What the search for copies was measured to see, and what it takes for a copy wrongly."""

    rows: tuple[KindSeen, ...]
    false_alarms: dict[str, tuple[int, int]] = Field(
        description="Data set -> (pairs taken for one picture, distinct films)."
    )
    machine: str
    date: str

    @property
    def data_sets(self) -> list[str]:
        """The data sets that copies were planted in, in the order of their first row."""
        return list(dict.fromkeys(name for row in self.rows for name in row.found))

    @property
    def circumstances(self) -> str:
        """What was taken for a copy wrongly, and when and where all this was measured."""
        alarms = [
            f"{count(wrong, 'pair')} of {films} distinct {name}"
            for name, (wrong, films) in self.false_alarms.items()
        ]
        return (
            f"Taken for a copy wrongly: {'; '.join(alarms) or 'not measured'}. Measured "
            f"{self.date} on {self.machine}."
        )

    @property
    def missed(self) -> list[str]:
        """The kinds of copy of which any was missed anywhere."""
        return [
            row.kind for row in self.rows if any(found < all_ for found, all_ in row.found.values())
        ]


def measured_sight(measured: KnownRecall) -> Sight:
    """Return what was measured of the search, by kind of copy."""
    kinds: dict[str, dict[str, tuple[int, int]]] = {}
    for row in measured.recalls:
        kinds.setdefault(row.way, {})[row.films] = (row.found, row.planted)
    return Sight(
        rows=tuple(KindSeen(kind=kind, found=found) for kind, found in kinds.items()),
        false_alarms={row.films: (row.alarms, row.distinct) for row in measured.alarms},
        machine=measured.machine,
        date=measured.date.isoformat(),
    )


class Claim(NamedTuple):
    """What the page says first of leaks."""

    good: bool
    text: str
    patients: str  # How far patients are known.
    doubtful: bool  # Whether patients are not all known.


def claim(audit: Audit, recall: Sight | None) -> Claim:
    """Return what the audit found, and no more than it can see."""
    leaks = audit.leaks()
    told, doubtful = _patients(audit)
    if leaks:
        kinds = listed([f"{kind} ({len(found)})" for kind, found in leaks.items()])
        return Claim(
            False, f"The parts leak: {kinds}. Scores on such data say too much.", told, doubtful
        )
    looked = ["the same picture", "copies of one radiograph by their names"]
    if not doubtful:
        looked.append("one patient")
    text = (
        f"No leak between the parts was found. Looked for across the parts: {listed(looked)}. "
        f"{_sight(recall)}"
    )
    return Claim(not doubtful, text, told, doubtful)


def _sight(recall: Sight | None) -> str:
    if recall is None:
        return "A copy that is altered beyond what the search was measured on is not seen."
    found, planted = (
        sum(pair[i] for row in recall.rows for pair in row.found.values()) for i in (0, 1)
    )
    missed = f"; missed in part: {listed(recall.missed)}" if recall.missed else ""
    if len(recall.missed) > _MOST_NAMED:
        missed = f"; missed in part: {len(recall.missed)} of {len(recall.rows)} kinds, see below"
    return (
        f"Of {planted} copies planted to measure the search, {found} were found "
        f"({found / planted:.1%}){missed}."
    )


def _patients(audit: Audit) -> tuple[str, bool]:
    """Return how patients are known, and whether that leaves a doubt."""
    patients = sum(counts.patients for counts in audit.parts.values())
    if audit.synthetic and len(audit.sources) == 1:
        return "Each synthetic film is a patient of its own.", False
    doubt = patient_doubt(audit.account.patients)
    if doubt is not None:
        return f"Patients are not all known: {doubt}.", True
    lies = "" if "shared-patients" in audit.leaks() else "No patient lies in two parts: "
    by = told_by(audit.account.patients)
    return f"{lies}{count(patients, 'patient')}, all told by {by}.", False
