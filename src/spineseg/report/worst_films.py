"""Chooses the films on which the baseline and the leading run make the most mistakes."""

from __future__ import annotations

from collections.abc import Sequence

from spineseg.data.labelled import read_films
from spineseg.errors import DataError
from spineseg.evaluation.records import FilmRecord
from spineseg.evidence.results import StudySummary
from spineseg.films import LabelledFilm, Part
from spineseg.report.chosen_runs import challenger
from spineseg.report.comparison import FilmComparison
from spineseg.study_record import StudyRecord

_PART: Part = "valid"
_MOST_FILMS = 6


def worst_films(study: StudyRecord, summary: StudySummary) -> list[FilmComparison]:
    """Return the validation films with most mistakes of baseline and leading run, worst first.

    They are chosen by the runs' records; a film that is not on this machine, or labelled otherwise
    than it was scored, comes without its picture. Empty where the baseline left no records.
    """
    baseline, best = study.run("baseline"), study.run(challenger(summary) or "")
    if baseline is None or not baseline.is_evaluated(_PART):
        return []
    beside = best.records(_PART) if best and best.is_evaluated(_PART) else None
    chosen = ranked(baseline.records(_PART), beside)[:_MOST_FILMS]
    films = _films(study)
    return [
        FilmComparison(_as_scored(films.get(c.name), c.baseline), c.baseline, c.best)
        for c in chosen
    ]


def ranked(
    baseline: Sequence[FilmRecord], best: Sequence[FilmRecord] | None
) -> list[FilmComparison]:
    """Return the films that all the runs were scored on, by mistakes, the worst first."""
    beside = None if best is None else {record.name: record for record in best}
    pairs = [
        FilmComparison(None, record, beside[record.name] if beside is not None else None)
        for record in baseline
        if beside is None or record.name in beside
    ]
    return sorted(pairs, key=lambda pair: pair.mistakes, reverse=True)


def _films(study: StudyRecord) -> dict[str, LabelledFilm]:
    folder = study.data_folder()
    if folder is None:
        return {}
    try:
        return {film.path.name: film for film in read_films(folder, _PART)}
    except (DataError, OSError):  # Removed in part, or damaged since: the page goes without.
        return {}


def _as_scored(film: LabelledFilm | None, record: FilmRecord) -> LabelledFilm | None:
    if film is None or not film.path.is_file():
        return None
    levels = [truth.level for truth in record.truths]
    return film if [outline.level for outline in film.outlines] == levels else None
