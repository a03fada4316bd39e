"""One opening of test films, as its ledger tells of it."""

from __future__ import annotations

from pydantic import Field

from spineseg.chained import entry_hash
from spineseg.config.model import Model
from spineseg.films import Part

PART: Part = "test"


class OpenedFilm(Model):
    """One film that was looked at, so that it is known again wherever it lies."""

    content: str = Field(description="SHA-256 of the film, as its dataset's manifest has it.")
    look: str = Field(description="Its look, which copies share; 64 hexadecimal digits.")
    patient: str = Field("", description="SHA-256 of its source and patient; empty: not known.")


class Decision(Model):
    """What was to be decided, written down before anything was scored."""

    metric: str
    min_gain: float
    seeds: int = Field(description="Fresh seeds of each finalist.")
    finalists: tuple[str, ...]
    chosen: str = Field(description="The finalist that is to be promoted.")


class Opening(Model):
    """One time that test films were opened: entered before anything is scored on them."""

    time: str = Field(description="UTC, as 2026-01-31T12:00:00Z.")
    who: str = Field("", description="user@host; empty for an entry of before it was kept.")
    store: str = Field("", description="Id of the root of records whose ledger it was entered in.")
    study: str = Field(description="Whose films; of `evaluate`, what was scored.")
    films: tuple[OpenedFilm, ...] = ()
    weights: dict[str, str] = Field(
        default_factory=dict, description="SHA-256 of each file that is scored, by its run."
    )
    decision: Decision | None = Field(None, description="None where nothing was to be promoted.")
    reason: str
    accepted: tuple[str, ...] = Field(
        (), description="What was wrong with the ledger, and a person chose to go on with."
    )
    seal: str = Field("", description="Of an entry of before films were entered one by one.")
    runs: list[str]
    previous: tuple[str, ...] = Field((), description="Hashes of the entries that it follows.")
    sha256: str = Field("", description="Of all of the above; of an older entry's whole line.")

    @property
    def expected_sha256(self) -> str:
        """The hash that it should hold, by what else it says."""
        if self.seal:
            return self.sha256
        return entry_hash(self.model_dump(mode="json", exclude={"sha256"}))
