"""The audit of a dataset: what is to be known of it before anything is trained on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, get_args

from pydantic import Field

from spineseg.config.data import Leak
from spineseg.config.model import Model
from spineseg.data.account import Account
from spineseg.data.manifest import AUDIT_FILE, Dataset
from spineseg.errors import DataError

Severity = Literal["leak", "doubt", "mended", "note"]
LEAKS: tuple[Leak, ...] = get_args(Leak)


class Finding(Model):
    """One thing found, and the films that it concerns."""

    kind: str
    severity: Severity
    films: tuple[str, ...] = Field(description="Names in the merged dataset, or files left out.")
    detail: str
    labels: tuple[int, ...] = Field((), description="The labels concerned, by line, from 0.")


class PartCounts(Model):
    """How much there is of one part."""

    films: int
    patients: int
    views: dict[str, int]
    levels: dict[str, int]


class SourceLook(Model):
    """How the films of one source look."""

    name: str
    films: int
    sizes: dict[str, int] = Field(description="Width x height in px -> films.")
    brightness_mean: float = Field(description="Mean grey of its films, 0..255.")
    brightness_sd: float = Field(description="Standard deviation of the films' means.")
    brightness: tuple[int, ...] = Field(description="Films by mean grey, 16 bins of 16.")


class Audit(Model):
    """What was found, as counts and one by one."""

    fingerprint: str
    synthetic: bool
    account: Account
    parts: dict[str, PartCounts]
    sources: tuple[SourceLook, ...]
    findings: tuple[Finding, ...]

    def counts(self) -> dict[str, int]:
        """Return how many findings there are of each kind, leaks first."""
        order = {severity: i for i, severity in enumerate(get_args(Severity))}
        found = sorted(self.findings, key=lambda f: (order[f.severity], f.kind))
        return dict(Counter(finding.kind for finding in found))

    def leaks(self) -> dict[str, list[Finding]]:
        """Return the leaks by kind."""
        found = defaultdict(list)
        for finding in self.findings:
            if finding.severity == "leak":
                found[finding.kind].append(finding)
        return dict(found)

    def refuse_leaks(self, accepted: Sequence[Leak]) -> None:
        """Raise DataError where films leak between parts in a way that is not accepted by name."""
        standing = {kind: found for kind, found in self.leaks().items() if kind not in accepted}
        if not standing:
            return
        told = ", ".join(f"{kind} ({len(found)})" for kind, found in standing.items())
        first = next(iter(standing.values()))[0]
        raise DataError(
            f"the data leak between their parts: {told}, as {first.detail}; use `split: patients`, "
            f"mend the data, or set data.accept_leaks: [{', '.join(standing)}]"
        )


def load_audit(dataset: Dataset) -> Audit:
    """Return the audit that was made with a dataset."""
    return Audit.model_validate_json((dataset.folder / AUDIT_FILE).read_bytes())
