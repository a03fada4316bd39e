"""A source whose films are on this disk, with its record for the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spineseg.config.data import PhantomSource, Source
from spineseg.data.film_source import FilmSource
from spineseg.data.manifest import ManifestSource
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.measurement.aspect import SIZES_FILE, read_sizes


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

    @property
    def sizes_file(self) -> Path | None:
        """The table of its films' true sizes, if it has one; phantoms bring theirs."""
        if isinstance(self.config, PhantomSource):
            brought = self.films.folder / SIZES_FILE
            return brought if brought.is_file() else None
        return self.config.true_sizes.expanduser() if self.config.true_sizes else None

    def true_aspects(self) -> dict[str, float]:
        """Return the true width over height of its films by their names, as its table says.

        Raises DataError for a table that cannot be read, or speaks of other films.
        """
        if self.sizes_file is None:
            return {}
        found = read_sizes(self.sizes_file)
        if not found.keys() & {film.path.name for film in self.films.films}:
            raise DataError(
                f"{shown(self.sizes_file)}: names no film of {self.name}; its column `film` is to "
                "have their file names"
            )
        return found
