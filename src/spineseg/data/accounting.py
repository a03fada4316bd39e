"""Makes the account of the input: of every file seen, used or left out, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from spineseg.config.data import DataConfig, PhantomSource
from spineseg.data.account import Account, SourceAccount
from spineseg.data.film_source import IMAGE_SUFFIXES
from spineseg.data.intake import GatheredFilm
from spineseg.data.left_out import left_out_files
from spineseg.data.opened import OpenedSource
from spineseg.data.patients import patient_account
from spineseg.files import shown
from spineseg.levels import plain_name


def make_account(
    found: Sequence[GatheredFilm], sources: Sequence[OpenedSource], config: DataConfig
) -> Account:
    """Return what went into the merge, counted.

    Raises DataError for a patient pattern that fits no film's name.
    """
    used = [film for film in found if not film.facts.problem]
    return Account(
        sources=tuple(
            _of_source(source, [film for film in found if film.intake.source_number == number])
            for number, source in enumerate(sources)
        ),
        patients=patient_account(
            [film.intake.film.path for film in used], [film.whose for film in used], config
        ),
    )


def _of_source(source: OpenedSource, found: Sequence[GatheredFilm]) -> SourceAccount:
    used = [film for film in found if not film.facts.problem]
    labelled = [film for film in used if film.intake.film.has_labels]
    names: Counter[str] = Counter()
    for film in used:
        for name, labels in film.facts.class_names.items():
            names[plain_name(name)] += labels
    config = source.config
    mapped, dropped = (
        ({}, ()) if isinstance(config, PhantomSource) else (config.class_map, config.drop_classes)
    )
    return SourceAccount(
        name=source.name,
        layout=source.films.layout,
        films_seen=len(found) + sum(_is_film(file.path) for file in source.films.left_out),
        films_used=len(used),
        films_without_labels=len(used) - len(labelled),
        label_files_seen=source.films.label_files_seen,
        label_files_used=len(labelled),
        converted=dict(Counter(f.facts.conversion for f in used if f.facts.conversion)),
        left_out=tuple(
            left_out_files(source, [f.intake.film.path for f in found if f.facts.problem])
        ),
        class_map_unused=tuple(shown(name) for name in mapped if not names[plain_name(name)]),
        drop_classes={shown(name): names[plain_name(name)] for name in dropped},
    )


def _is_film(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES
