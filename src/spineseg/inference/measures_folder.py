"""A folder of measures: a picture and a JSON a film, a table of all, and what they were made by."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spineseg.code_version import code_version
from spineseg.decoding.decode import DecodedFilm, decode, film_content
from spineseg.dicom_out.by import By
from spineseg.errors import DataError
from spineseg.files import shown, write_whole
from spineseg.films import CAUTION, Outline
from spineseg.inference.folder import MEASURES, write_record
from spineseg.inference.given import MEASURES_FILE
from spineseg.inference.table import cell
from spineseg.levels import View
from spineseg.measurement.aspect import known_aspect
from spineseg.measurement.figures import CONVENTIONS, FilmMeasures, Side
from spineseg.measurement.film import MASK_EDGE_PX, Given, measure
from spineseg.measurement.listing import left_out, listed
from spineseg.measurement.metal import MOST_WHITE, white_share
from spineseg.strip import PLAIN, WARNING, with_strip

TABLE_FILE = "measures.csv"
_OBJECTS = (".seg.dcm", ".sr.dcm")
_COLUMNS = ("film", "measure", "of", "value", "low_95", "high_95", "unit", "note")
_MOST_IN_STRIP = 14


@dataclass(frozen=True)
class How:
    """What a person says of the films beside naming them."""

    aspect: float | None = None  # True width over height, of all of them.
    sizes: Path | None = None  # A table of their true sizes.
    view: View | None = None
    front: Side | None = None
    outline_error: float | None = None  # Share of the film's height; None: as the weights' own.
    dicom: bool = False  # DICOM SEG and SR are written, too.
    metal: bool = False  # Films with metal on the column are measured, too.


class Step(NamedTuple):
    """One film that is done."""

    number: int  # From 1.
    of: int
    answer: dict[str, Any]
    folder: Path

    def text(self) -> str:
        """Return in a line what came of it."""
        film = shown(self.answer["image"])
        if self.answer["error"]:
            return shown(f"not measured: {self.answer['error']}")
        measures = FilmMeasures.model_validate(self.answer["measures"])
        first = next(iter(listed(measures)))
        return f"{film}: {first.text()}"


@dataclass
class Done:
    """What a call came to."""

    folder: Path
    films: int
    measured: int = 0
    errors: list[str] = field(default_factory=list)
    left_out: str = ""

    def text(self) -> str:
        """Return what a person is told at the end."""
        lines = [f"{self.measured} of {self.films} film{'s' * (self.films != 1)} measured"]
        lines += [f"skipped: {self.left_out} (listed in {MEASURES_FILE})"] * bool(self.left_out)
        if self.errors:
            lines.append(f"not measured {len(self.errors)}, as {shown(self.errors[0])}")
        return "\n".join([*lines, f"{shown(self.folder / TABLE_FILE)}, pictures and .json"])


Outlined = Callable[[DecodedFilm, Path], tuple[Sequence[Outline], float]]
"""A film's outlines, and the cell of the masks that they are of, px; 0 for outlines of none."""
Task = tuple[str, Path, Outlined]
"""A film's name in the folder, its file, and who outlines it."""


class MeasuresFolder:
    """Measures films one after the other into a folder."""

    def __init__(
        self,
        how: How,
        sizes: Mapping[str, float],
        outline_error: float | None,
        folder: Path,
        made_by: Mapping[str, Any],
        by: By,
        origin: str = "",
    ) -> None:
        self._how, self._sizes, self._outline_error = how, sizes, outline_error
        self._folder, self._made_by, self._by = folder, made_by, by
        self._caution = f"{origin} {CAUTION}".strip()

    def through(
        self,
        tasks: Sequence[Task],
        films: Mapping[str, str],
        skipped: Sequence[tuple[str, str]],
        left_out: str,
        each: Callable[[Step], None],
    ) -> Done:
        """Measure all films, and write the table of what was done, at any end."""
        done = Done(self._folder, len(tasks), left_out=left_out)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_record(self._folder, self._made_by, films, {"finished": None}, MEASURES)
        table = [_line(_COLUMNS)]
        try:
            for number, (name, path, outlined) in enumerate(tasks, 1):
                answer = self._answer(name, path, outlined)
                done.measured += not answer["error"]
                done.errors += [answer["error"]] if answer["error"] else []
                table += _rows(answer)
                each(Step(number, len(tasks), answer, self._folder))
        finally:
            write_whole(self._folder / TABLE_FILE, "".join(table))
            more = {"measured": done.measured, "errors": done.errors, "skipped": list(skipped)}
            is_whole = done.measured + len(done.errors) == done.films
            more |= {"finished": is_whole, "caution": self._caution, "software": code_version()}
            write_record(self._folder, self._made_by, films, more, MEASURES)
        return done

    def _answer(self, name: str, path: Path, outlined: Outlined) -> dict[str, Any]:
        answer: dict[str, Any] = {"image": str(path), "error": None, "measures": None}
        picture = self._folder / f"{name}.png"
        try:
            content = film_content(path)
            film = decode(content, path)
            outlines, cell = outlined(film, path)
            self._refuse_metal(film, outlines)
            measures = measure(outlines, self._given(film, path, cell))
            objects = self._objects(film, content, outlines, measures)
        except DataError as error:
            told = str(error)
            where = f"{shown(path)}: "
            answer["error"] = told if told.startswith(where) else where + told
            for stale in (picture, *(self._folder / f"{name}{end}" for end in _OBJECTS)):
                stale.unlink(missing_ok=True)
        else:
            answer |= {"measures": measures.model_dump(mode="json")}
            for end, made in objects.items():
                write_whole(self._folder / f"{name}{end}", made)
            write_whole(picture, self._picture(film.pixels(), measures))
        answer |= {
            "made_by": self._made_by,
            "caution": self._caution,
            "conventions": list(CONVENTIONS),
        }
        write_whole(self._folder / f"{name}.json", json.dumps(answer, indent=1))
        return answer

    def _refuse_metal(self, film: DecodedFilm, outlines: Sequence[Outline]) -> None:
        share = 0.0 if self._how.metal else white_share(film.pixels(), outlines)
        if share > MOST_WHITE:
            raise DataError(
                f"has {100 * share:.0f} % of its bodies as white as metal or an overexposed film, "
                "where outlines are not to be trusted; look at it, and measure it all the same "
                "with --metal"
            )

    def _objects(
        self,
        film: DecodedFilm,
        content: bytes,
        outlines: Sequence[Outline],
        measures: FilmMeasures,
    ) -> dict[str, bytes]:
        """Return a film's SEG and SR by their files' ends; none where they are not asked for."""
        if not self._how.dicom:
            return {}
        if film.dicom is None:
            raise DataError(
                "is no DICOM film, so that no DICOM SEG or SR can refer to it; leave --dicom out"
            )
        from spineseg.dicom_out.source import source_header
        from spineseg.dicom_out.written import as_seg, as_sr

        header = source_header(content)
        try:
            seg = as_seg(header, outlines, self._by)
            sr = as_sr(header, listed(measures), self._by, seg)
        except Exception as error:  # highdicom quotes values of the film, a birth date too.
            raise DataError(
                "has a header of which no DICOM SEG and SR can be made "
                f"({type(error).__name__}); mend it, or leave --dicom out"
            ) from None
        return dict(zip(_OBJECTS, (seg, sr), strict=True))

    def _given(self, film: DecodedFilm, path: Path, cell_px: float) -> Given:
        width, height = film.size
        known = known_aspect(
            path.name,
            (height, width),
            film.spacing,
            sizes=self._sizes,
            pixel_aspect=film.dicom.pixel_aspect if film.dicom else None,
        )
        aspect = self._how.aspect or known
        told = self._how.aspect or self._sizes.get(path.name)
        if film.spacing and known and told and not 0.98 < known / told < 1.02:
            raise DataError(
                f"has a width to height of {known:.3f} by its own spacing, and is said to have "
                f"{told:.3f}; leave --aspect or its line of --sizes out"
            )
        if aspect is None:
            raise DataError(
                f"is {width}x{height} px, and its true width to height is not known; give it with "
                "--aspect 755:2125 or --sizes FILE.csv (--aspect 1: truly square)"
            )
        return Given(
            (height, width),
            aspect,
            self._how.view,
            self._how.front,
            self._outline_error,
            film.spacing,
            MASK_EDGE_PX if cell_px else 0.0,
            cell_px,
        )

    def _picture(self, pixels: np.ndarray, measures: FilmMeasures) -> bytes:
        from PIL import Image

        from spineseg.measurement.drawn import draw_measures

        told = [one.text() for one in listed(measures) if one.measure != "tilt"]
        lines = [(self._caution, WARNING), (self._by.text(), PLAIN)]
        lines += [(text, PLAIN) for text in told[:_MOST_IN_STRIP]]
        if len(told) > _MOST_IN_STRIP:
            lines.append((f"and {len(told) - _MOST_IN_STRIP} more in {TABLE_FILE}", PLAIN))
        lines += [(note, WARNING) for note in left_out(measures)]
        content = io.BytesIO()
        marked = with_strip(draw_measures(pixels, measures), lines)
        Image.fromarray(marked).save(content, format="PNG", compress_level=3)
        return content.getvalue()


def _rows(answer: Mapping[str, Any]) -> Iterator[str]:
    film = cell(answer["image"])
    if answer["error"]:
        why = shown(answer["error"]).removeprefix(f"{shown(answer['image'])}: ")
        yield _line([film, "", "", "", "", "", "", f"not measured: {why}"])
        return
    for one in listed(FilmMeasures.model_validate(answer["measures"])):
        figure = one.figure
        yield _line(
            [film, one.measure, one.of, figure.value, figure.low, figure.high, one.unit, one.note]
        )


def _line(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
