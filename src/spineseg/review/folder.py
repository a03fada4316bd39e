"""Writes a review: contact sheets, copies of the films, and tasks for Label Studio, in a folder."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spineseg.config.model import Model
from spineseg.data.audit import Audit
from spineseg.data.labelled import read_merged_film
from spineseg.data.manifest import Dataset
from spineseg.decoding.decode import decode, film_content
from spineseg.errors import DataError
from spineseg.files import staging
from spineseg.report.contact_sheet import SheetFilm, write_sheets
from spineseg.report.wording import count
from spineseg.review.choice import WORST_FIRST, Choice, FilmToReview, chosen_films, rank
from spineseg.review.columns import ColumnCheck
from spineseg.review.label_studio import IMAGES, label_config, task
from spineseg.review.readme import PATTERN, readme_text

PSEUDONYM = re.compile(r"p-[0-9a-f]{16}")
"""A patient told by DICOM identifiers, which no copy has: data/patients.py."""


class Review(Model):
    """What a review holds."""

    folder: Path
    doubtful_films: int
    doubts: dict[str, int]  # kind -> films, worst first
    sound_films: int  # in the sample
    all_sound_films: int
    all_films: int
    related_films: int  # Left out, of patients who have a film here.
    renamed_films: int  # Their copies' names say whose they are, as DICOM did.
    columns: ColumnCheck | None

    def text(self) -> str:
        """Return what was written, as a person reads it."""
        doubts = ", ".join(f"{kind} {films}" for kind, films in self.doubts.items())
        lines = [
            f"review       {self.folder}",
            f"doubtful     {count(self.doubtful_films, 'film')}"
            + (f", worst first: {doubts}" if doubts else ""),
            f"sound        {self.sound_films} of {count(self.all_sound_films, 'film')}, by chance",
        ]
        if self.related_films:
            left = count(self.related_films, "film")
            lines.append(f"not here     {left} of the same patients: README.txt, step 9")
        if self.renamed_films:
            renamed = count(self.renamed_films, "film")
            lines.append(f"renamed      {renamed}, to say whose they are: {PATTERN}")
        lines += self.columns.lines() if self.columns else []
        return "\n".join([*lines, f"Next: {self.folder / 'README.txt'}"])


def refuse_taken(folder: Path) -> None:
    """Raise DataError where a review would overwrite something."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        what = "is not empty" if folder.is_dir() else "is no folder"
        raise DataError(f"{folder}: {what}; name a new folder for the review")


def write_review(
    dataset: Dataset,
    audit: Audit,
    folder: Path,
    *,
    sound: int,
    columns: ColumnCheck | None,
    say: Callable[[str], None],
) -> Review:
    """Write the review of a dataset's labels into `folder`, whole or not at all.

    Raises DataError where `folder` holds anything, or a film cannot be read.
    """
    refuse_taken(folder)
    choice = chosen_films(dataset, [*audit.findings, *(columns.findings if columns else ())], sound)
    say(f"drawing {len(choice.films)} films")
    folder = folder.absolute()
    with staging(folder.parent, folder.name) as staged:
        (staged / IMAGES).mkdir()
        copies = {film.name: _copied(film, staged / IMAGES) for film in choice.films}
        _write_sheets(choice, columns, staged / "sheets")
        tasks = list(_tasks(choice, copies))
        review = _described(choice, folder, copies, columns)
        lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in tasks)
        (staged / "tasks.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        (staged / "label-config.xml").write_text(label_config())
        (staged / "films.csv").write_text(_films_csv(dataset, choice, copies), encoding="utf-8")
        (staged / "README.txt").write_text(
            readme_text(choice, review.text(), folder, bool(review.renamed_films)), encoding="utf-8"
        )
        staged.replace(folder)
    return review


def _described(
    choice: Choice, folder: Path, copies: dict[str, str], columns: ColumnCheck | None
) -> Review:
    kinds = Counter(kind for film in choice.doubtful for kind in {f.kind for f in film.findings})
    return Review(
        folder=folder,
        doubtful_films=len(choice.doubtful),
        doubts={kind: kinds[kind] for kind in sorted(kinds, key=lambda kind: (rank(kind), kind))},
        sound_films=len(choice.sound),
        all_sound_films=choice.all_sound,
        all_films=choice.all_films,
        related_films=choice.related,
        renamed_films=sum(name != copy for name, copy in copies.items()),
        columns=columns,
    )


def _copied(film: FilmToReview, images: Path) -> str:
    """Copy a film among the images; return its name there, which says whose it is as before."""
    pseudonym = PSEUDONYM.fullmatch(film.patient)
    copy = f"{film.patient}_{film.name}" if pseudonym else film.name
    shutil.copyfile(film.path, images / copy)
    return copy


def _write_sheets(choice: Choice, columns: ColumnCheck | None, folder: Path) -> None:
    worst = "Worst first: " + ", ".join(WORST_FIRST) + "; then any other doubt."
    compared = [f"{line[0].upper()}{line[1:]}." for line in columns.lines()] if columns else []
    sample = (
        f"{len(choice.sound)} of {choice.all_sound} films about which nothing was found, drawn by "
        "chance: what the audit does not see can be here."
    )
    doubtful, sound = _sheet(choice.doubtful), _sheet(choice.sound)
    write_sheets("doubtful", "Doubtful films", [worst, *compared], doubtful, folder)
    write_sheets("sound", "Sound films", [sample], sound, folder)


def _sheet(films: tuple[FilmToReview, ...]) -> list[SheetFilm]:
    return [
        SheetFilm(read_merged_film(film.path), film.part, film.text, film.marked) for film in films
    ]


def _tasks(choice: Choice, copies: dict[str, str]) -> list[dict[str, Any]]:
    """Return a task a film, the worst first; its score is its place among the doubtful."""
    scores = [place / len(choice.doubtful) for place in range(len(choice.doubtful))]
    return [
        task(
            film,
            copies[film.name],
            read_merged_film(film.path).outlines,
            decode(film_content(film.path), film.path).size,
            score,
        )
        for film, score in zip(choice.films, scores + [1.0] * len(choice.sound), strict=True)
    ]


def _films_csv(dataset: Dataset, choice: Choice, copies: dict[str, str]) -> str:
    sources = {e.name: dataset.manifest.source_names[e.source] for e in dataset.manifest.entries}
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["film", "image", "source", "part", "findings"])
    for film in choice.films:
        rows.writerow([film.name, copies[film.name], sources[film.name], film.part, film.text])
    return out.getvalue()
