"""A source whose films are on this disk, with its record for the manifest."""

from __future__ import annotations

from dataclasses import dataclass

from spineseg.config.data import Source
from spineseg.data.film_source import FilmSource
from spineseg.data.manifest import ManifestSource


@dataclass(frozen=True)
class OpenedSource:
    """A source of the config, and what lies in it."""

    config: Source
    record: ManifestSource
    films: FilmSource

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.record.name
