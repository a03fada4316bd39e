"""The account of the input in words: what the terminal and the page of the audit both say."""

from __future__ import annotations

from collections.abc import Iterator

from spineseg.data.account import Account, LeftOutFiles, PatientAccount, SourceAccount

HIDDEN = "(not shown)"
_EXAMPLES = 2  # Films of a kind that the terminal names; the page and the JSON name more.


def shown_patient(film: str, patient: str) -> str:
    """Return a patient's mark as people may see it: only what the film's name says anyway."""
    return patient if patient and patient in film else HIDDEN


def shown_account(account: Account) -> Account:
    """Return the account without any patient's mark that no file name says."""
    patients = account.patients
    told = {film: shown_patient(film, patient) for film, patient in patients.examples_told.items()}
    shown = patients.model_copy(update={"examples_told": told})
    return account.model_copy(update={"patients": shown})


def told_by(patients: PatientAccount) -> str:
    """Return by what films' patients were told: a pattern with its text, DICOM, both."""
    if patients.pattern is None:
        return patients.told_by
    pattern = f"data.patient_pattern '{patients.pattern}'"
    return f"{patients.told_by} or {pattern}" if patients.told_by.startswith("DICOM") else pattern


def patient_doubt(patients: PatientAccount) -> str | None:
    """Return what keeps films of one patient from being known as such; None where all were told."""
    films = patients.films_told + patients.films_alone
    if not patients.films_alone:
        return None
    alone = "a patient of its own, so films of one patient can lie in several parts unseen"
    example = f", as {patients.examples_alone[0]}," if patients.examples_alone else ""
    if patients.films_told:
        others = "the other one" if patients.films_alone == 1 else f"each of the others{example}"
        return (
            f"{told_by(patients)} tells the patient of {patients.films_told} of the {films} films; "
            f"{others} counts as {alone}"
        )
    if patients.pattern:
        return (
            f"data.patient_pattern '{patients.pattern}' matches none of the {films} file names"
            f"{example} and each film counts as {alone}"
        )
    return f"no data.patient_pattern is set, and each of the {films} films counts as {alone}"


def patients_text(patients: PatientAccount) -> str:
    """Return in a line how many patients there are, and how they were told."""
    return (
        f"{patients.patients} patients; told by {told_by(patients)}: {patients.films_told} films; "
        f"of their own: {patients.films_alone} films"
    )


def left_out_text(files: LeftOutFiles) -> str:
    """Return in a line what was left out for one reason, and the first of it."""
    more = ", ..." if files.files > len(files.examples) else ""
    examples = f" ({', '.join(files.examples)}{more})" if files.examples else ""
    return f"{_count(files.files, 'file')}: {files.reason}{examples}"


def source_notes(source: SourceAccount) -> Iterator[str]:
    """Yield what else is to be known of a source beside its counts, a line each."""
    for what, films in source.converted.items():
        yield f"converted: {_count(films, 'film')}: {what}"
    if source.films_without_labels:
        yield f"without labels: {_count(source.films_without_labels, 'film')}"
    for files in source.left_out:
        yield f"left out: {left_out_text(files)}"
    if source.class_map_unused:
        yield f"class_map entries that no label has: {', '.join(source.class_map_unused)}"
    for name, labels in source.drop_classes.items():
        yield f"class dropped: {name}, {_count(labels, 'label')}"


def account_lines(account: Account) -> Iterator[str]:
    """Yield the account as the terminal shows it."""
    for source in account.sources:
        yield f"{source.name}  ({source.layout})" if source.layout else source.name
        yield (
            f"  films {source.films_seen} seen, {source.films_used} used; label files "
            f"{source.label_files_seen} seen, {source.label_files_used} used"
        )
        yield from (f"  {note}" for note in source_notes(source))
    patients = shown_account(account).patients
    yield patients_text(patients)
    told = list(patients.examples_told.items())[:_EXAMPLES]
    yield from (f"  {film} is of {patient}" for film, patient in told)
    yield from (f"  {film} is a patient of its own" for film in patients.examples_alone[:_EXAMPLES])


def _count(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"
