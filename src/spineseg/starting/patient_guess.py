"""Guesses whose films are whose: by names or DICOM identifiers; where nothing is sure, says so."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from spineseg.config.model import Model
from spineseg.starting.alikeness import Alike
from spineseg.starting.name_parts import Proposal, parts_of, proposals

Certainty = Literal["sure", "likely", "none"]

_SHOWN_GROUPS, _SHOWN_FILMS = 5, 3
_LEAST_TOLD = 0.8  # Of all films: a pattern for fewer is that of some, not of the folder.
_MOST_OF_ONE = 0.25  # Of all films: no patient has more of them, but a hospital or a year has.
_FEW = 6  # Films of one patient that are plausible in the smallest folder,
_MANY = 24  # and in the largest.
_LEAST_GROUPS = 5  # Patients that a structure must show before it is sure without a word for it.
_LEAST_TAGGED = 0.6  # Patients among patients and what tells their films apart (views, visits).
_CLEARLY = 0.15  # By how much the best pattern must lead one that groups otherwise.


class Group(Model):
    """Films that would be of one patient."""

    patient: str = Field(description="As names say it; of DICOM identifiers nothing is shown.")
    films: int
    examples: tuple[str, ...]


class PatientGuess(Model):
    """How the films' patients would be told, and how sure that is."""

    certainty: Certainty
    patients_from: Literal["names", "folders", "dicom-patient"] = "names"
    pattern: str | None = None
    patients: int = Field(description="Groups, films of no group among them.")
    films_told: int = 0
    films_alone: int = Field(description="Films that would count as a patient of their own.")
    alone: tuple[str, ...] = Field((), description="The first of these.")
    largest: tuple[Group, ...] = ()
    why: str = Field(description="What speaks for it, or why nothing is guessed.")
    in_several: int = Field(0, description="Patients' names that occur in several sources.")
    others: tuple[str, ...] = Field((), description="Other patterns that could be meant.")


@dataclass
class _Grouping:
    """What one pattern makes of all names."""

    proposal: Proposal
    groups: dict[tuple[int, str], list[int]]  # By source and name: as the merge tells them.
    told: int
    tagged: float  # Patients among patients and tags: 0..1, higher is likelier.
    score: float = 0.0
    more_alike: float | None = None

    @property
    def largest(self) -> int:
        return max(map(len, self.groups.values()))

    @property
    def shared(self) -> int:
        """How many patients' names occur in several sources."""
        return sum(n > 1 for n in Counter(patient for _, patient in self.groups).values())


def guessed_by_names(
    names: Sequence[str], sources: Sequence[int] = (), alike: Alike | None = None
) -> PatientGuess:
    """Return the guess that names allow; films of one name, as copies, count as one.

    `names` are those of the films without suffix (`source_stem`), `sources` the source of each;
    `alike` says how alike films look, by their places among the names.
    """
    sources = sources or [0] * len(names)
    proposed = proposals(list(dict.fromkeys(names)))
    found = [g for proposal in proposed if (g := _made(proposal, names, sources))]
    shared = max((g.shared for g in found if g.told >= _LEAST_TOLD * len(names)), default=0)
    guess = _best_guess(found, names, alike)
    return guess.model_copy(update={"in_several": shared})


def _best_guess(
    found: Sequence[_Grouping], names: Sequence[str], alike: Alike | None
) -> PatientGuess:
    numbered = any(len(g.groups) == g.told for g in found)
    plausible = [g for g in found if _is_plausible(g, len(names))]
    for grouping in plausible:
        grouping.more_alike = alike.within(list(grouping.groups.values())) if alike else None
        grouping.score = _score(grouping, len(names))
    plausible.sort(key=lambda g: (-g.score, len(g.proposal.pattern)))
    if not plausible:
        return _nothing(names, numbered)
    best = plausible[0]
    rivals = [g for g in plausible[1:] if _partition(g) != _partition(best)]
    close = [g for g in rivals if g.score > best.score - _CLEARLY and not best.proposal.is_named]
    # Of groups within groups the larger are taken: then no patient can lie on two sides.
    widest = min((best, *close), key=lambda g: len(g.groups))
    others = tuple(_told(g) for g in (best, *rivals) if g is not widest)[:3]
    if not all(_within(g, widest) for g in (best, *close)):
        return _nothing(names, numbered).model_copy(
            update={"why": "several patterns are as likely", "others": (_told(widest), *others)}
        )
    return _guess(widest, names, others, clearly=not close)


def guessed_by_folders(radiographs: Sequence[str], sources: Sequence[int]) -> PatientGuess | None:
    """Return the guess by the folders that films lie in, none where these are no patients'.

    `radiographs` are films' places within their sources (`radiograph_of`).
    """
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for place, radiograph in enumerate(radiographs):
        folder, inner, _ = radiograph.partition("/")
        if inner:
            groups[sources[place], folder].append(place)
    told = sum(map(len, groups.values()))
    films = len(radiographs)
    if told < _LEAST_TOLD * films or not 2 <= len(groups) < told:
        return None
    if max(map(len, groups.values())) > _most(films):
        return None
    rests = {radiograph.partition("/")[2] for radiograph in radiographs}
    likely = len(groups) / (len(groups) + len(rests)) < _LEAST_TAGGED
    return PatientGuess(
        certainty="likely" if likely else "sure",
        patients_from="folders",
        patients=len(groups) + films - told,
        films_told=told,
        films_alone=films - told,
        alone=tuple(r for r in radiographs if "/" not in r)[:_SHOWN_FILMS],
        largest=_largest({f"{s}:{folder}": g for (s, folder), g in groups.items()}, radiographs),
        why=f"{told} of {films} films lie in {len(groups)} folders, their names tell no patient",
    )


def guessed_by_identifiers(
    names: Sequence[str], identifiers: Sequence[str | None]
) -> PatientGuess | None:
    """Return the guess by DICOM PatientIDs, none where they tell too few films or only one patient.

    An identifier is compared and counted, never shown.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for place, identifier in enumerate(identifiers):
        if identifier:
            groups[identifier].append(place)
    told = sum(map(len, groups.values()))
    if told < _LEAST_TOLD * len(names) or len(groups) < 2:
        return None
    if max(map(len, groups.values())) > _most(len(names)):
        return None
    return PatientGuess(
        certainty="sure",
        patients_from="dicom-patient",
        patients=len(groups) + len(names) - told,
        films_told=told,
        films_alone=len(names) - told,
        alone=tuple(n for n, i in zip(names, identifiers, strict=True) if not i)[:_SHOWN_FILMS],
        largest=_largest({f":patient {n}": g for n, g in enumerate(groups.values(), 1)}, names),
        why=f"{told} of {len(names)} films have a DICOM PatientID, {len(groups)} different ones",
    )


def _made(proposal: Proposal, names: Sequence[str], sources: Sequence[int]) -> _Grouping | None:
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    rests: set[str] = set()
    pattern = re.compile(proposal.pattern)
    for place, name in enumerate(names):
        match = pattern.search(name)
        if match and match[1]:
            groups[sources[place], match[1]].append(place)
            rests.add(_rest(name[: match.start(1)] + "#" + name[match.end(1) :]))
    if not groups:
        return None
    told = sum(map(len, groups.values()))
    return _Grouping(proposal, groups, told, len(groups) / (len(groups) + len(rests)))


def _rest(name: str) -> str:
    """Return what is left of a name, but for dates: each film may have another."""
    return "".join("" if part.kind == "date" else part.text for part in parts_of(name))


def _is_plausible(grouping: _Grouping, films: int) -> bool:
    """Return whether patients of such sizes can be meant: several, some with several films."""
    return (
        grouping.told >= _LEAST_TOLD * films
        and 2 <= len(grouping.groups) < grouping.told
        and grouping.largest <= _most(films)
    )


def _most(films: int) -> int:
    return max(_FEW, min(_MANY, int(_MOST_OF_ONE * films)))


def _score(grouping: _Grouping, films: int) -> float:
    proposal = grouping.proposal
    score = grouping.told / films + grouping.tagged + 2 * proposal.is_named
    score -= 0.2 * proposal.is_word + 0.05 * (proposal.parts > 1)
    if grouping.more_alike is not None:
        score += 2 * (grouping.more_alike - 0.5)
    return score


def _guess(
    best: _Grouping, names: Sequence[str], others: tuple[str, ...], *, clearly: bool
) -> PatientGuess:
    told = {place for places in best.groups.values() for place in places}
    alone = [name for place, name in enumerate(names) if place not in told]
    sure = best.proposal.is_named or (
        clearly
        and best.tagged >= _LEAST_TAGGED
        and best.told >= 0.9 * len(names)
        and len(best.groups) >= _LEAST_GROUPS
        and (best.more_alike is None or best.more_alike > 0.5)
    )
    reasons = [f"it fits {best.told} of {len(names)} names"]
    if best.proposal.is_named:
        reasons.append("a word for patients stands before it")
    reasons.append(f"no group has more than {best.largest} films")
    if best.more_alike is not None:
        reasons.append(
            f"films of one group look more alike than others in {best.more_alike:.0%} of pairs "
            "(50 % is chance)"
        )
    return PatientGuess(
        certainty="sure" if sure else "likely",
        pattern=best.proposal.pattern,
        patients=len(best.groups) + len(dict.fromkeys(alone)),
        films_told=best.told,
        films_alone=len(alone),
        alone=tuple(alone[:_SHOWN_FILMS]),
        largest=_largest({f"{s}:{p}": g for (s, p), g in best.groups.items()}, names),
        why="; ".join(reasons),
        others=others,
    )


def _largest(groups: Mapping[str, Sequence[int]], names: Sequence[str]) -> tuple[Group, ...]:
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        Group(
            patient=patient.partition(":")[2],
            films=len(places),
            examples=tuple(names[place] for place in places[:_SHOWN_FILMS]),
        )
        for patient, places in ordered[:_SHOWN_GROUPS]
    )


def _nothing(names: Sequence[str], numbered: bool) -> PatientGuess:
    why = (
        "each film has a number of its own and nothing else tells films of one patient"
        if numbered
        else "nothing in the names tells films of one patient"
    )
    return PatientGuess(
        certainty="none",
        patients=len(set(names)),
        films_alone=len(names),
        alone=tuple(names[:_SHOWN_FILMS]),
        why=why,
    )


def _told(grouping: _Grouping) -> str:
    return (
        f"'{grouping.proposal.pattern}' ({len(grouping.groups)} patients, "
        f"at most {grouping.largest} films each)"
    )


def _partition(grouping: _Grouping) -> set[tuple[int, ...]]:
    return {tuple(places) for places in grouping.groups.values()}


def _within(fine: _Grouping, wide: _Grouping) -> bool:
    """Return whether each group of the one lies in one group of the other."""
    of = {place: patient for patient, places in wide.groups.items() for place in places}
    return all(len({of.get(place) for place in g} - {None}) <= 1 for g in fine.groups.values())
