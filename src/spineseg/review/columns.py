"""Films whose whole column of labels lies one level off from what a model reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spineseg.chosen_model import Chosen
from spineseg.config.model import Model
from spineseg.data.audit import Finding
from spineseg.data.labelled import read_merged_film
from spineseg.data.manifest import Dataset
from spineseg.errors import RecordError
from spineseg.evaluation.records import FilmRecord
from spineseg.job import Job
from spineseg.levels import RANK, levels_apart

_LEAST_MET = 4  # Labels met by detections: of fewer, the model has seen no column.
_LEAST_SHARE_MET = 0.5
_NEARLY_ALL = 0.9
_MANY = 0.1  # A larger share of columns off by one: perhaps it is the model that is off.
_DIRECTIONS = {1: "lower", -1: "higher"}


class ColumnCheck(Model):
    """How a model's reading of whole columns agrees with the labels."""

    weights: str
    trained_on_these: bool | None  # None: not known.
    compared: int
    agreed: int  # Films of which the model reads nearly all labels as they are.
    shifted: dict[str, int]  # "lower" or "higher" -> films
    unread: int  # Films of which the model meets too few labels to judge.
    trained_films: int = 0  # Of those compared: films of the training part.
    test_films: int  # Not compared: the test part is sealed.
    findings: tuple[Finding, ...]

    def lines(self) -> list[str]:
        """Return what was compared and how far it can be trusted, a sentence a line."""
        shifted = sum(self.shifted.values())
        ways = ", ".join(f"{films} one {way}" for way, films in self.shifted.items())
        other = self.compared - self.agreed - shifted - self.unread
        lines = [
            f"columns compared with {self.weights}",
            f"{self.compared} films: the model agrees on {self.agreed}; whole columns off by one "
            f"level: {shifted}{f' ({ways})' if ways else ''}; otherwise apart: {other}; too few "
            f"labels met: {self.unread}",
        ]
        if self.test_films:
            were = "was" if self.test_films == 1 else "were"
            films = f"{self.test_films} film{'s' * (self.test_films != 1)}"
            lines.append(f"{films} of the sealed test part {were} not compared with the model")
        lines.append(_CAUTION[self.trained_on_these].format(trained=self.trained_films))
        if shifted > _MANY * (self.compared - self.unread):
            lines.append(
                f"{shifted} of {self.compared - self.unread} columns off by one are many: the "
                "model itself may number so; look at some before mending any"
            )
        return lines


_CAUTION = {
    True: "the model was trained on these very labels of {trained} of the films, the training "
    "part: there where it agrees says little, where it contradicts them says more",
    False: "the model was trained on data of another fingerprint: perhaps on some of these films, "
    "whose labels it then has learnt, perhaps on films unlike these, which it may number wrongly",
    None: "it is not known what the model was trained on: on films that it has seen its agreement "
    "says little, and films unlike those it may number wrongly",
}


def compared_columns(
    dataset: Dataset, chosen: Chosen, *, device: str, say: Callable[[str], None]
) -> ColumnCheck:
    """Return how `chosen` reads the labelled films outside the test part.

    Raises WeightsError for weights that cannot be used.
    """
    from spineseg.evaluation.matching import record_film
    from spineseg.evaluation.renumber import numbered_record
    from spineseg.prediction.segmenter import load_segmenter

    entries = [e for e in dataset.manifest.entries if e.levels and not e.augmented]
    open_ = [entry for entry in entries if entry.part != "test"]
    films = [
        read_merged_film(dataset.folder / entry.part / "images" / entry.name) for entry in open_
    ]
    segmenter = load_segmenter(
        chosen.path, image_size_px=chosen.image_size_px, device=device, trust=chosen.trusted
    )
    say(f"comparing {len(films)} films with {chosen.text()}")
    predictions = segmenter.predict_many(film.path for film in films)
    records = [
        numbered_record(record_film(film, prediction), chosen.numbering)
        for film, prediction in zip(films, predictions, strict=True)
    ]
    return column_check(
        records,
        weights=chosen.text(),
        trained_on_these=trained_on(chosen, dataset.fingerprint),
        trained_films=sum(entry.part == "train" for entry in open_),
        test_films=len(entries) - len(open_),
    )


def column_check(
    records: Sequence[FilmRecord],
    *,
    weights: str,
    trained_on_these: bool | None,
    test_films: int,
    trained_films: int = 0,
) -> ColumnCheck:
    """Return what records of films say about whole columns."""
    shifts = [column_shift(record) for record in records]
    off = [(record, shift) for record, shift in zip(records, shifts, strict=True) if shift]
    ways = {
        word: number
        for by, word in _DIRECTIONS.items()
        if (number := sum(shift == by for _, shift in off))
    }
    return ColumnCheck(
        weights=weights,
        trained_on_these=trained_on_these,
        compared=len(records),
        agreed=shifts.count(0),
        shifted=ways,
        unread=sum(not _is_read(record) for record in records),
        trained_films=trained_films,
        test_films=test_films,
        findings=tuple(_finding(record, shift) for record, shift in off),
    )


def column_shift(record: FilmRecord) -> int | None:
    """Return by how many levels a film's whole column is read lower than labelled: 1, 0, -1.

    None where too few labels are met, or those met do not agree by nine in ten on one of these.
    """
    if not _is_read(record):
        return None
    apart = list(_levels_apart(record).values())
    return next((by for by in (0, 1, -1) if apart.count(by) >= _NEARLY_ALL * len(apart)), None)


def _is_read(record: FilmRecord) -> bool:
    met = len(_levels_apart(record))
    return met >= _LEAST_MET and met >= _LEAST_SHARE_MET * len(record.truths)


def _levels_apart(record: FilmRecord) -> dict[int, int | None]:
    """Return label -> levels that its detection lies below it, None for a T13 or an L6."""
    return {
        label: levels_apart(record.truths[label].level, found.level)
        if found.level in RANK
        else None
        for found, label in zip(record.found, record.met, strict=True)
        if label >= 0
    }


def _finding(record: FilmRecord, shift: int) -> Finding:
    apart = _levels_apart(record)
    labels = tuple(sorted(label for label, by in apart.items() if by == shift))
    first = record.truths[labels[0]].level
    read = next(f.level for f, at in zip(record.found, record.met, strict=True) if at == labels[0])
    return Finding(
        kind="column-shifted",
        severity="doubt",
        films=(record.name,),
        detail=f"the model reads {len(labels)} of the {len(apart)} labels that it meets one level "
        f"{_DIRECTIONS[shift]}, as {first} as {read}",
        labels=labels,
    )


def trained_on(chosen: Chosen, fingerprint: str) -> bool | None:
    """Return whether the run that weights lie in was trained on a dataset; None: not known."""
    if "file" not in chosen.source:
        return None
    try:
        job = Job.read(chosen.path.resolve().parents[2])
    except (RecordError, IndexError, OSError):
        return None
    return job.data_fingerprint == fingerprint
