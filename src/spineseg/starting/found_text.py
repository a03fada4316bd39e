"""What was found in a folder, whose films they are and what was sized, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from spineseg.data.account_text import left_out_text
from spineseg.films import PARTS
from spineseg.starting.enough import LEAST_FOR_PROMOTION, Division
from spineseg.starting.found import Found, FoundSource
from spineseg.starting.patient_guess import Group, PatientGuess
from spineseg.starting.sizing import LEAST_BODY_PX, Sized, hours_text

_SHOWN = 5


def found_text(found: Found) -> str:
    """Return what lies in the folder."""
    return "\n".join([*_films(found), *_left_out(found), *_twice(found), "", *_patients(found)])


def division_text(division: Division, sized: Sized, device: str) -> str:
    """Return how the study would be divided and sized."""
    parts = ", ".join(
        f"{part} {division.films[part]} films of {division.part_patients[part]}"
        for part in PARTS
        if division.films[part]
    )
    body = f", bodies {sized.body_px:.0f} px across their shorter side" if sized.body_px else ""
    lines = [
        "",
        f"parts        {parts} patients",
        f"training     {sized.image_size_px} px{body}, batch {sized.batch}, {sized.epochs} epochs: "
        f"{sized.steps.an_epoch} steps an epoch, {sized.steps.updates} changes of the weights",
        f"study        {sized.trainings} trainings ({len(sized.variants)} variants, {sized.trials} "
        f"searched, {sized.seeds} fresh seeds each), {hours_text(sized, device)}",
    ]
    if division.unlabelled_patients:
        lines.append(
            f"NOTE: {_count(division.unlabelled_patients, 'patient')} without a labelled film "
            f"beside these {division.patients}: they count in no part"
        )
    if sized.body_px is not None and sized.body_px < LEAST_BODY_PX:
        lines.append(
            f"NOTE: bodies of {sized.body_px:.1f} px are below {LEAST_BODY_PX:g} px, two cells of "
            "the network's masks, so outlines will be coarse; use a GPU, for larger images, or "
            "films of a higher resolution"
        )
    if sized.over_budget:
        lines.append(
            f"NOTE: more than the {sized.budget_hours:g} h asked for; raise --hours, or use a GPU"
        )
    if not division.can_promote:
        lines.append(
            f"NOTE: {division.patients} patients leave no sealed test part, so nothing can be "
            f"promoted; {LEAST_FOR_PROMOTION - division.patients} more would do"
            if division.patients < LEAST_FOR_PROMOTION
            else "NOTE: the test part has too few patients, so nothing can be promoted"
        )
    return "\n".join(lines)


def patient_lines(guess: PatientGuess) -> Iterator[str]:
    """Yield in lines of a comment how patients are told, and what that groups."""
    if guess.certainty == "none":
        yield f"Each film is a patient of its own: {guess.why}."
        yield "If a patient has several films, name a pattern whose first group is the patient."
    else:
        how = {"names": "a pattern", "folders": "folders"}.get(guess.patients_from, "DICOM")
        sure = "sure" if guess.certainty == "sure" else "not sure"
        yield f"Guessed by {how}, {sure}, look at it: {guess.patients} patients; {guess.why}."
        for group in guess.largest[:2]:
            yield f"{_group(group)}"
    if guess.certainty != "none" and guess.films_alone:
        yield f"{guess.films_alone} films are told no patient, as {guess.alone[0]}: each its own."
    for other in guess.others:
        yield f"Another that could be meant: {other}"
    for note in guess.notes:
        yield f"NOTE: {note}"


def _films(found: Found) -> Iterator[str]:
    yield f"{found.folder}: {_count(found.films, 'film')}{found.sampled}, {found.labelled} labelled"
    for source in found.sources:
        yield from _source(source, named=len(found.sources) > 1)
    yield f"formats      {_counts(found.formats)}"
    yield f"sizes        {_counts(found.sizes)} px; {found.longest_px} px long (median)"
    yield f"labels       {found.levels_a_film} levels a film (median); views {_counts(found.views)}"
    yield f"levels       {_counts(found.levels)}"
    if found.labelled < found.films:
        yield f"unlabelled   {found.films - found.labelled} films, taken as showing no vertebra"
    if found.boxes:
        yield f"boxes        {found.boxes} labels are boxes: their rectangles are taken"


def _source(source: FoundSource, *, named: bool) -> Iterator[str]:
    place = f"{source.path}: " if named else ""
    yield f"layout       {place}{source.layout}; {source.films} films, {source.labelled} labelled"
    for files in source.left_out:
        yield f"left out     {left_out_text(files)}"


def _left_out(found: Found) -> Iterator[str]:
    for path, reason in list(found.not_read.items())[:_SHOWN]:
        yield f"not read     {path}: {reason}"
    if found.no_levels:
        yield f"left out     labels of {', '.join(found.no_levels)}: none of the 24 levels"
    for problem in list(found.problems.values())[:_SHOWN]:
        yield f"left out     {problem}"
    if len(found.problems) > _SHOWN:
        yield f"left out     {len(found.problems) - _SHOWN} more films that cannot be used"
    if found.mended:
        yield f"mended       {_counts(found.mended)} (labels with one remedy)"


def _twice(found: Found) -> Iterator[str]:
    for pair in found.twice[:_SHOWN]:
        labels = {True: "the same labels", False: "OTHER labels", None: "labels not compared"}
        yield (
            f"twice        {pair.first} and {pair.second} are one file, with "
            f"{labels[pair.same_labels]}; remove one"
        )
    if len(found.twice) > _SHOWN:
        yield f"twice        {len(found.twice) - _SHOWN} more films are there twice"
    if found.alike:
        yield f"alike        {found.alike} pairs show one picture; they stay in one part"
    for two in found.across[:_SHOWN]:
        yield f"alike        {two} show one picture and would be of two patients"


def _patients(found: Found) -> Iterator[str]:
    guess = found.guess
    if guess.certainty == "none":
        yield f"patients     not told: {guess.why}"
        yield (
            "             each film is a patient of its own; if a patient has several films, name "
            "data.patient_pattern"
        )
    else:
        how = (
            f"data.patient_pattern '{guess.pattern}'"
            if guess.patients_from == "names"
            else f"data.patients_from: {guess.patients_from}"
        )
        certainty = "sure" if guess.certainty == "sure" else "NOT SURE"
        yield f"patients     {guess.patients}, by {how}; {certainty}: look at the groups"
        yield f"             {guess.why}"
        yield from (f"             {_group(group)}" for group in guess.largest)
        if guess.films_alone:
            yield (
                f"             told no patient, each its own: {guess.films_alone} films, as "
                f"{', '.join(guess.alone)}"
            )
    if guess.in_several and not guess.patients_from.startswith("dicom"):
        yield (
            f"             NOTE: {guess.in_several} patients' numbers occur in several of the "
            "folders and count as different patients: if they are the same, export them as one"
        )
    yield from (f"             could be meant, too: {other}" for other in guess.others)
    yield from (f"             NOTE: {note}" for note in guess.notes)


def _group(group: Group) -> str:
    more = ", ..." if group.films > len(group.examples) else ""
    return f"{group.patient}: {group.films} films, {', '.join(group.examples)}{more}"


def _counts(counts: Mapping[str, int] | Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in dict(counts).items()) or "none"


def _count(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else one + 's'}"
