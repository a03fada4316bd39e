"""What each pattern makes of all names: groups of films, and how groups of two patterns lie."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spineseg.starting.name_parts import Proposal, parts_of

LEAST_TOLD = 0.8
"""Of all films: a pattern for fewer is that of some, not of the folder."""
FEW = 6
"""Films of one patient that are plausible in the smallest folder."""
_MOST_OF_ONE = 0.25  # Of all films: few patients have more of them, but a hospital or a year has.
_MANY = 24  # Films of one patient that are plausible in the largest folder.
_LEAST_REPEATED = 2  # Films for each thing that tells one group's films apart: it comes again.
_LEAST_GRID = 0.3  # Pairs that occur, of all pairs of two numbers: fewer are no films of patients.


@dataclass
class Grouping:
    """What one pattern makes of all names."""

    proposal: Proposal
    groups: dict[tuple[int, str], list[int]]  # By source and name: as the merge tells them.
    told: int
    different: int  # Names told, copies and films of one name in several folders once.
    rests: int  # Different names without the part that the pattern catches, and without dates.
    score: float = 0.0
    more_alike: float | None = None

    @property
    def tagged(self) -> float:
        """Patients among patients and what tells their films apart: 0..1, higher is likelier."""
        return len(self.groups) / (len(self.groups) + self.rests)

    @property
    def largest(self) -> int:
        """Films of the largest group."""
        return max(map(len, self.groups.values()))

    @property
    def shared(self) -> int:
        """How many patients' names occur in several sources."""
        return sum(n > 1 for n in Counter(patient for _, patient in self.groups).values())

    @property
    def repeats(self) -> bool:
        """Whether what tells one group's films apart tells those of the others, too."""
        return self.rests * _LEAST_REPEATED <= self.told

    def __str__(self) -> str:
        return (
            f"'{self.proposal.pattern}' ({len(self.groups)} patients, "
            f"at most {self.largest} films each)"
        )


def made(proposal: Proposal, names: Sequence[str], sources: Sequence[int]) -> Grouping | None:
    """Return the groups that a pattern makes; None where it fits no name."""
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    rests: set[str] = set()
    pattern = re.compile(proposal.pattern)
    for place, name in enumerate(names):
        match = pattern.search(name)
        if match and match[1]:
            groups[sources[place], match[1]].append(place)
            rest = name[: match.start(1)] + "#" + name[match.end(1) :]
            rests.add(_without_dates(rest, proposal.short_dates))
    if not groups:
        return None
    told = sum(map(len, groups.values()))
    different = sum(len({names[place] for place in places}) for places in groups.values())
    return Grouping(proposal, groups, told, different, len(rests))


def _without_dates(name: str, short: frozenset[str]) -> str:
    """Return what is left of a name, but for dates: each film may have another."""
    parts = parts_of(name)
    return "".join("" if p.kind == "date" or p.text in short else p.text for p in parts)


def makes_groups(grouping: Grouping, films: int) -> bool:
    """Return whether a pattern tells films enough of several patients, some with several films."""
    return grouping.told >= LEAST_TOLD * films and 2 <= len(grouping.groups) < grouping.different


def most_of_one(films: int) -> int:
    """Return how many films one patient may have, of so many, where no word says that it is one."""
    return max(FEW, min(_MANY, int(_MOST_OF_ONE * films)))


def same(one: Grouping, other: Grouping) -> bool:
    """Return whether two patterns make the same groups."""
    return _partition(one) == _partition(other)


def within(fine: Grouping, wide: Grouping) -> bool:
    """Return whether each group of the one lies in one group of the other."""
    of = _patients(wide)
    return all(len({of.get(place) for place in g} - {None}) <= 1 for g in fine.groups.values())


def across(one: Grouping, other: Grouping) -> bool:
    """Return whether groups of two patterns lie across each other, so that one of them is wrong."""
    return not within(one, other) and not within(other, one)


def is_grid(one: Grouping, other: Grouping) -> bool:
    """Return whether each group of the one has much the same films in it as the others have."""
    ones, others = _patients(one), _patients(other)
    pairs = {(ones[place], others[place]) for place in ones.keys() & others.keys()}
    return len(pairs) >= _LEAST_GRID * len(one.groups) * len(other.groups)


def outermost(groupings: Iterable[Grouping]) -> Grouping:
    """Return the grouping by what stands first in the names."""
    return min(groupings, key=lambda g: (g.proposal.begin, g.proposal.parts))


def _partition(grouping: Grouping) -> set[tuple[int, ...]]:
    return {tuple(places) for places in grouping.groups.values()}


def _patients(grouping: Grouping) -> dict[int, tuple[int, str]]:
    return {place: patient for patient, places in grouping.groups.items() for place in places}
