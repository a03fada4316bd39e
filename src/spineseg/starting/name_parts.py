"""Film names taken apart: words, numbers, dates and identifiers, and what stands between them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

Kind = Literal["uuid", "date", "code", "word", "number", "between"]

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_CODE = r"(?=[0-9a-fA-F]*[a-fA-F])(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{16,}"
_DATE = (
    r"(?<!\d)(?:(?:19|20)\d\d(?P<sep>[-_.]?)(?:0[1-9]|1[0-2])(?P=sep)(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[1-9]|[12]\d|3[01])(?P<dot>[-_.]?)(?:0[1-9]|1[0-2])(?P=dot)(?:19|20)\d\d"
    r"|(?:0[1-9]|1[0-2])(?P<us>[-_.]?)(?:0[1-9]|[12]\d|3[01])(?P=us)(?:19|20)\d\d"
    rf"|\d\d?[-_. ]?(?i:{_MONTHS})[a-z]*[-_. ]?(?:19|20)\d\d)(?!\d)"
)
_SHORT_DATES = (  # Year, month, day; day, month, year; month, day, year: two digits of each.
    re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"),
    re.compile(r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d"),
    re.compile(r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d\d"),
)
_LEAST_DATES = 3  # Different ones, before a column of six digits is taken for dates.
_PARTS = re.compile(
    rf"(?P<uuid>{_UUID})|(?P<date>{_DATE})|(?P<code>{_CODE})"
    r"|(?P<word>[^\W\d_]+)|(?P<number>\d+)|(?P<between>[\W_]+)"
)
_LOOKED_AT = 300  # Names of one shape, to tell whether a pattern means the part that it is to mean.
_MOST_SHAPES = 4
_LEAST_SHARE = 0.05  # Of all names, that a shape has to make a pattern of it.

_VIEWS = """
    ap pa lat lateral frontal front side l r left right ll rl cor coronal sag sagittal standing
    supine pre post preop postop flex ext flexion extension neutral bending bend oblique
"""
_OF_PATIENTS = """
    patient pat pt subject subj sub case person pid id p participant proband volunteer vol
    paciente paziente
"""
_OF_FILMS = """
    visit v view vw im film frame series ser page rev side follow fu scan copy
    session ses exam date time year age mask xray x ray dsc pic photo picture screenshot pose shot
    img image slice
"""
_OF_PLACES = "site hospital clinic center centre batch scanner"
_SEXES = ({"f", "m"}, {"w", "m"}, {"female", "male"})  # Beside a number that is the age.
_FRAME = "f"  # Of a frame, where another number stands before it.
VIEWS, OF_PATIENTS, OF_FILMS = (
    frozenset(words.split()) for words in (_VIEWS, _OF_PATIENTS, f"{_OF_FILMS} {_OF_PLACES}")
)
"""Words in small letters: of views, those before a patient's number, and before any other's."""


class NamePart(NamedTuple):
    """One part of a name."""

    kind: Kind
    text: str


class Proposal(NamedTuple):
    """A pattern that could find the patient, and what speaks for it in the names alone."""

    pattern: str
    is_named: bool  # After a word such as "patient".
    is_word: bool  # It catches words, not numbers.
    parts: int  # Of a name, that it catches.
    begin: int = 0  # Which part of a name is the first of them.
    is_number: bool = False  # It catches one number and nothing else.
    short_dates: frozenset[str] = frozenset()  # Six digits that are dates in names of its shape.


def parts_of(name: str) -> tuple[NamePart, ...]:
    """Return the parts of a film's name, in order."""
    found = []
    for match in _PARTS.finditer(name):
        kind = match.lastgroup or "between"
        found.append(NamePart(kind, match[0]))  # type: ignore[arg-type]
    return tuple(found)


def proposals(names: Sequence[str]) -> list[Proposal]:
    """Return patterns whose first group could be the patient, made of the names' own parts.

    For each common shape of a name every part that varies is tried alone, with what it is written
    to, and as all that stands before it; never a date, a view or a film's number by its word.
    """
    shapes: dict[tuple[str, ...], list[tuple[NamePart, ...]]] = defaultdict(list)
    for name in names:
        parts = parts_of(name)
        shapes[tuple(p.text if p.kind == "between" else p.kind for p in parts)].append(parts)
    common = sorted(shapes.values(), key=len, reverse=True)[:_MOST_SHAPES]
    found: dict[str, Proposal] = {}
    for alike in common:
        if len(alike) >= max(2, _LEAST_SHARE * len(names)):
            for proposal in _of_shape(alike):
                found.setdefault(proposal.pattern, proposal)
    return list(found.values())


def one_patient(names: Sequence[str]) -> str | None:
    """Return a pattern for the one number that all names have after a patient's word, if any.

    A single letter is no such word here: it may stand for a part or a phase.
    """
    said = [_after_word(name) for name in names]
    if not said or not said[0] or set(said) != {said[0]}:
        return None
    return rf"{said[0]}(\d+)"


def names_a_patient(name: str) -> bool:
    """Return whether a name begins with a patient's word and goes on with a number."""
    words = [part for part in parts_of(name) if part.kind != "between"][:2]
    return [part.kind for part in words] == ["word", "number"] and (
        words[0].text.casefold() in OF_PATIENTS
    )


def _after_word(name: str) -> str:
    """Return the word of patients, as it is written, and what parts it from its number."""
    parts = parts_of(name)
    for at, part in enumerate(parts[:-1]):
        if part.kind == "word" and len(part.text) > 1 and part.text.casefold() in OF_PATIENTS:
            between = parts[at + 1].text if parts[at + 1].kind == "between" else ""
            number = at + 1 + bool(between)
            if number < len(parts) and parts[number].kind == "number":
                return re.escape(part.text + between).replace(r"\-", "-")
    return ""


def _of_shape(names: Sequence[tuple[NamePart, ...]]) -> list[Proposal]:
    columns = [[name[place].text for name in names] for place in range(len(names[0]))]
    kinds = [part.kind for part in names[0]]
    short = [at for at, kind in enumerate(kinds) if kind == "number" and _are_dates(columns[at])]
    for at in short:
        kinds[at] = "date"
    dates = frozenset(date for at in short for date in columns[at])
    vary = [len(set(column)) > 1 for column in columns]
    found = []
    for begin, end in _spans(kinds, vary, columns):
        pattern = _pattern(names, columns, kinds, begin, end)
        if pattern is not None:
            words = all(kinds[at] in ("word", "between") for at in range(begin, end))
            named = _word_before(columns, kinds, vary, begin) in OF_PATIENTS
            number = end - begin == 1 and kinds[begin] == "number"
            found.append(
                Proposal(pattern, named, words, end - begin, begin, number, short_dates=dates)
            )
    return found


def _are_dates(values: Sequence[str]) -> bool:
    """Return whether six digits are dates in all names of a shape, and no running number."""
    different = set(values)
    if len(different) < _LEAST_DATES:
        return False
    if not any(all(form.fullmatch(value) for value in different) for form in _SHORT_DATES):
        return False
    numbers = [int(value) for value in different]
    return max(numbers) - min(numbers) >= 2 * len(numbers)


def _spans(
    kinds: Sequence[Kind], vary: Sequence[bool], columns: Sequence[Sequence[str]]
) -> list[tuple[int, int]]:
    """Return from which to before which part something could be the patient."""
    spans = []
    for at, kind in enumerate(kinds):
        if kind in ("between", "date") or not vary[at]:
            continue
        of_film = _is_of_film(columns, kinds, vary, at)
        views = {value.casefold() for value in columns[at]} <= VIEWS
        if views or (of_film and kind != "word"):
            continue
        if not of_film:
            spans.append((at, at + 1))
        begin = end = at  # With what it is written to, as in AB12.
        while begin and kinds[begin - 1] not in ("between", "date"):
            begin -= 1
        while end + 1 < len(kinds) and kinds[end + 1] not in ("between", "date"):
            end += 1
        numbered = begin == at < end and kind == "word" and vary[at + 1]
        if numbered and not _is_of_film(columns, kinds, vary, at + 1):
            spans.append((at, end + 1))
        if of_film:
            continue
        whole = not any(k == "date" for k in kinds[:at])
        if begin > 0 and whole and end + 1 < len(kinds) and any(vary[:begin]):
            spans.append((0, end + 1))
    return list(dict.fromkeys(spans))


def _is_of_film(
    columns: Sequence[Sequence[str]], kinds: Sequence[Kind], vary: Sequence[bool], at: int
) -> bool:
    """Return whether a part tells one patient's films apart: a view, a letter, a visit's number."""
    values = {value.casefold() for value in columns[at]}
    if kinds[at] == "word" and all(value in VIEWS or len(value) == 1 for value in values):
        return True
    if kinds[at] != "number":
        return False
    word = _word_before(columns, kinds, vary, at)
    before = any(kinds[place] == "number" and vary[place] for place in range(at))
    return word in OF_FILMS or (before and (word == _FRAME or _is_age(columns, at)))


def _is_age(columns: Sequence[Sequence[str]], at: int) -> bool:
    """Return whether a number of two digits stands beside the sexes, as in F32."""
    beside = columns[max(0, at - 2) : at + 3]
    sexes = any({value.casefold() for value in column} in _SEXES for column in beside)
    return sexes and all(len(value) <= 2 for value in columns[at])


def _word_before(
    columns: Sequence[Sequence[str]], kinds: Sequence[Kind], vary: Sequence[bool], at: int
) -> str:
    """Return the one word, in small letters, that stands before a part in all names; else ""."""
    before = at - 1
    if before > 0 and kinds[before] == "between":
        before -= 1
    if before < 0 or kinds[before] != "word" or vary[before]:
        return ""
    return columns[before][0].casefold()


def _pattern(
    names: Sequence[tuple[NamePart, ...]],
    columns: Sequence[Sequence[str]],
    kinds: Sequence[Kind],
    begin: int,
    end: int,
) -> str | None:
    """Return the shortest pattern that catches just these parts in every name of the shape."""
    pieces = [_piece(kind, column) for kind, column in zip(kinds, columns, strict=True)]
    caught = "".join(pieces[begin:end])
    step = max(1, len(names) // _LOOKED_AT)
    looked = [
        ("".join(p.text for p in name), "".join(p.text for p in name[begin:end]))
        for name in names[::step]
    ]
    lefts = [pieces[begin - 1], "^" + "".join(pieces[:begin])] if begin else ["^"]
    for left in lefts:
        for last in range(end, len(pieces) + 1):
            pattern = f"{left}({caught}){''.join(pieces[end:last])}"
            if all((m := re.search(pattern, name)) and m[1] == want for name, want in looked):
                return pattern
        pattern += "$"
        if all((m := re.search(pattern, name)) and m[1] == want for name, want in looked):
            return pattern
    return None


def _piece(kind: Kind, values: Sequence[str]) -> str:
    """Return an expression for one part of all names of a shape."""
    if len(set(values)) == 1 and kind != "date":
        return re.escape(values[0]).replace(r"\-", "-").replace(r"\ ", " ")
    match kind:
        case "uuid":
            return "[0-9a-fA-F-]{36}"
        case "code":
            return "[0-9a-fA-F]+"
        case "number":
            return r"\d+"
        case "date":
            return ".+"
    if all(len(value) == 1 and value.isascii() for value in values):
        upper = all(value.isupper() for value in values)
        return "[A-Z]" if upper else "[a-z]" if all(v.islower() for v in values) else "[A-Za-z]"
    return r"[^\W\d_]+"
