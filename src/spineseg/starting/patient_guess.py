"""Guesses by their names whose films are whose; where nothing is sure, says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from spineseg.config.model import Model
from spineseg.starting.alikeness import Alike
from spineseg.starting.groupings import (
    FEW,
    LEAST_TOLD,
    Grouping,
    across,
    is_grid,
    made,
    makes_groups,
    most_of_one,
    outermost,
    same,
    within,
)
from spineseg.starting.name_parts import one_patient, proposals

Certainty = Literal["sure", "likely", "none"]

_SHOWN_GROUPS, SHOWN_FILMS = 5, 3
"""Groups that are shown, and films of each."""
_LEAST_GROUPS = 5  # Patients that a structure must show before it is sure without a word for it.
LEAST_TAGGED = 0.6
"""Patients among patients and what tells their films apart (views, visits), to be sure."""
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
    notes: tuple[str, ...] = Field((), description="What else is to be asked.")


def guessed_by_names(
    names: Sequence[str], sources: Sequence[int] = (), alike: Alike | None = None
) -> PatientGuess:
    """Return the guess that names allow; films of one name, as copies, count as one.

    `names` are those of the films without suffix (`source_stem`), `sources` the source of each;
    `alike` says how alike films look, by their places among the names.
    """
    sources = sources or [0] * len(names)
    proposed = proposals(list(dict.fromkeys(names)))
    found = [g for proposal in proposed if (g := made(proposal, names, sources))]
    shared = max((g.shared for g in found if g.told >= LEAST_TOLD * len(names)), default=0)
    guess = _best_guess(found, names, alike)
    return guess.model_copy(update={"in_several": shared})


def _best_guess(
    found: Sequence[Grouping], names: Sequence[str], alike: Alike | None
) -> PatientGuess:
    numbered = any(len(g.groups) == g.different for g in found)
    groups = [g for g in found if makes_groups(g, len(names))]
    is_large = {id(g): g.largest > most_of_one(len(names)) for g in groups}
    # A patient by its word may have any number of films; by a number alone, where they come again.
    plausible = [g for g in groups if g.proposal.is_named or not is_large[id(g)]]
    large = [g for g in groups if g not in plausible and g.proposal.is_number and g.repeats]
    for grouping in plausible:
        grouping.more_alike = alike.within(list(grouping.groups.values())) if alike else None
        grouping.score = _score(grouping, len(names))
    plausible.sort(key=lambda g: (-g.score, len(g.proposal.pattern)))
    best = plausible[0] if plausible else None
    if best is not None and best.proposal.is_named:
        return _named(best, plausible, names)
    pattern = one_patient(names)
    if pattern is not None:
        return _of_one(pattern, names)
    if best is None:
        return _outer(outermost(large), large, names) if large else _nothing(names, numbered)
    before = [g for g in (*plausible, *large) if g.proposal.begin < best.proposal.begin]
    first = [
        g
        for g in before
        if g.proposal.is_number and across(g, best) and (g not in large or is_grid(g, best))
    ]
    if first:
        return _outer(outermost(first), (best, *before), names)
    return _by_number(best, plausible, large, names, numbered=numbered)


def _named(best: Grouping, plausible: Sequence[Grouping], names: Sequence[str]) -> PatientGuess:
    """Return the guess by a patient's word; of two such words, none is sure."""
    rivals = [g for g in plausible if not same(g, best)]
    clearly = not any(g.proposal.is_named for g in rivals)
    return _guess(best, names, _others(rivals), sure=clearly)


def _outer(outer: Grouping, others: Sequence[Grouping], names: Sequence[str]) -> PatientGuess:
    """Return the guess that of two numbers without a word the first is the patient."""
    rest = [g for g in others if not same(g, outer)]
    guess = _guess(outer, names, _others(rest), sure=False)
    return guess.model_copy(update={"why": f"{guess.why}; it is the first of two numbers"})


def _by_number(
    best: Grouping,
    plausible: Sequence[Grouping],
    large: Sequence[Grouping],
    names: Sequence[str],
    *,
    numbered: bool,
) -> PatientGuess:
    rivals = [g for g in plausible if not same(g, best)]
    close = [g for g in rivals if g.score > best.score - _CLEARLY]
    # Of groups within groups the larger are taken: then no patient can lie on two sides.
    around = [g for g in (*rivals, *large) if within(best, g)]
    wide = [g for g in around if g in close or g.largest <= FEW]
    if beside := [g for g in close if _are_two_numbers(best, g)]:
        return _outer(best, beside, names)
    widest = min((best, *close, *wide), key=lambda g: len(g.groups))
    others = _others([g for g in (best, *around, *rivals) if not same(g, widest)])
    if not all(within(g, widest) for g in (best, *close)):
        return _nothing(names, numbered).model_copy(
            update={"why": "several patterns are as likely", "others": (str(widest), *others)[:4]}
        )
    sure = (
        widest is best
        and not close
        and not around
        and best.tagged >= LEAST_TAGGED
        and best.told >= 0.9 * len(names)
        and len(best.groups) >= _LEAST_GROUPS
        and (best.more_alike is None or best.more_alike > 0.5)
    )
    return _guess(widest, names, others, sure=sure)


def _are_two_numbers(one: Grouping, other: Grouping) -> bool:
    both = one.proposal.is_number and other.proposal.is_number
    return both and across(one, other) and is_grid(one, other)


def _others(groupings: Sequence[Grouping]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, groupings)))[:3]


def _score(grouping: Grouping, films: int) -> float:
    proposal = grouping.proposal
    score = grouping.told / films + grouping.tagged + 2 * proposal.is_named
    score -= 0.2 * proposal.is_word + 0.05 * (proposal.parts > 1)
    if grouping.more_alike is not None:
        score += 2 * (grouping.more_alike - 0.5)
    return score


def _guess(
    best: Grouping, names: Sequence[str], others: tuple[str, ...], *, sure: bool
) -> PatientGuess:
    told = {place for places in best.groups.values() for place in places}
    alone = [name for place, name in enumerate(names) if place not in told]
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
        alone=tuple(alone[:SHOWN_FILMS]),
        largest=largest_groups({f"{s}:{p}": g for (s, p), g in best.groups.items()}, names),
        why="; ".join(reasons),
        others=others,
    )


def largest_groups(groups: Mapping[str, Sequence[int]], names: Sequence[str]) -> tuple[Group, ...]:
    """Return the largest groups with their films; each group's key is SOURCE:PATIENT."""
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        Group(
            patient=patient.partition(":")[2],
            films=len(places),
            examples=tuple(names[place] for place in places[:SHOWN_FILMS]),
        )
        for patient, places in ordered[:_SHOWN_GROUPS]
    )


def _of_one(pattern: str, names: Sequence[str]) -> PatientGuess:
    """Return the guess that all films are of the one patient that their names say."""
    places = list(range(len(names)))
    match = re.search(pattern, names[0])
    return PatientGuess(
        certainty="likely",
        pattern=pattern,
        patients=1,
        films_told=len(names),
        films_alone=0,
        largest=largest_groups({f":{match[1] if match else ''}": places}, names),
        why=f"all {len(names)} names say '{match[0] if match else ''}': one patient?",
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
        alone=tuple(names[:SHOWN_FILMS]),
        why=why,
    )
