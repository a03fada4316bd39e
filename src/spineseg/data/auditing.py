"""Audits a merged dataset: leaks between its parts, doubtful labels, balance, unlike sources."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from spineseg.data.account import Account, PatientAccount
from spineseg.data.audit import Audit, Finding, PartCounts, SourceLook
from spineseg.data.intake import FilmFacts
from spineseg.data.likeness.pairs import Pair
from spineseg.data.manifest import Manifest
from spineseg.films import PARTS
from spineseg.levels import ANATOMICAL_ORDER, view_of

_UNLIKELY = 0.001  # A share of films that chance gives less often is reported.
_DARKER = 40.0  # Grey levels between two sources' means that a network will notice.


def make_audit(
    manifest: Manifest,
    account: Account,
    facts: Sequence[FilmFacts],
    pairs: Iterable[Pair],
    stems: Sequence[str],
    left_out: Iterable[Finding],
) -> Audit:
    """Return the audit of a merged dataset.

    `facts` and `stems` (the radiographs that films were made from) go with the first entries;
    the augmented copies, which follow, are not looked at again. `pairs` are films that look alike.
    """
    findings = [*_leaks(manifest, stems, pairs), *_patients(account.patients), *_doubts(facts)]
    findings += [*left_out, *_balance(manifest)]
    sources = tuple(_look(manifest, facts, number) for number in range(len(manifest.sources)))
    findings += _unlike_sources(sources)
    return Audit(
        fingerprint=manifest.fingerprint,
        synthetic=manifest.synthetic,
        account=account,
        parts={part: _counts(manifest, part) for part in PARTS if manifest.count(part)},
        sources=sources,
        findings=tuple(findings),
    )


def _leaks(manifest: Manifest, stems: Sequence[str], pairs: Iterable[Pair]) -> list[Finding]:
    entries = manifest.entries
    found = []
    for pair in pairs:
        one, other = entries[pair.first], entries[pair.second]
        apart = one.part != other.part
        found.append(
            Finding(
                kind="near-duplicates" if apart else "alike-in-one-part",
                severity="leak" if apart else "note",
                films=(one.name, other.name),
                detail=f"{one.name} ({one.part}) shows the picture of {other.name} "
                f"({other.part}): {pair.how}",
            )
        )
    patients: dict[tuple[int, str], list[int]] = defaultdict(list)
    radiographs: dict[tuple[int, str], list[int]] = defaultdict(list)
    for i, (entry, stem) in enumerate(zip(entries, stems, strict=False)):
        patients[entry.source, entry.patient].append(i)
        radiographs[entry.source, stem].append(i)
    for kind, groups, what in (
        ("shared-patients", patients, "patient"),
        ("shared-radiographs", radiographs, "radiograph"),
    ):
        for (_, name), members in groups.items():
            parts = sorted({entries[i].part for i in members}, key=PARTS.index)
            if len(parts) > 1:
                found.append(
                    Finding(
                        kind=kind,
                        severity="leak",
                        films=tuple(entries[i].name for i in members),
                        detail=f"{what} {name} has {len(members)} films in {' and '.join(parts)}",
                    )
                )
    return found


def _patients(account: PatientAccount) -> Iterable[Finding]:
    """Report films whose patient was asked for and is not known."""
    if account.films_alone and account.films_told:
        yield Finding(
            kind="patient-unknown",
            severity="doubt",
            films=account.examples_alone,
            detail=f"{account.films_alone} of {account.films_alone + account.films_told} films are "
            f"told no patient by {account.told_by}, as {account.examples_alone[0]}: each counts as "
            "a patient of its own",
        )


def _doubts(facts: Sequence[FilmFacts]) -> Iterable[Finding]:
    for film in facts:
        if not film.levels:
            yield Finding(
                kind="no-labels", severity="doubt", films=(film.name,), detail="has no outline"
            )
        for doubt in film.doubts:
            yield Finding(
                kind=doubt.kind,
                severity="doubt",
                films=(film.name,),
                detail=doubt.text,
                labels=doubt.labels,
            )
        for note in film.notes:
            yield Finding(
                kind="label-dropped" if note.kind == "damaged" else note.kind,
                severity="mended",
                films=(film.name,),
                detail=f"{note.where}: {note.text}",
            )


def _counts(manifest: Manifest, part: str) -> PartCounts:
    entries = [entry for entry in manifest.entries if entry.part == part]
    levels = manifest.instances(part)
    return PartCounts(
        films=len(entries),
        patients=len({(entry.source, entry.patient) for entry in entries}),
        views=dict(Counter(view_of(e.levels) if e.levels else "unlabelled" for e in entries)),
        levels={level: levels[level] for level in ANATOMICAL_ORDER if levels[level]},
    )


def _balance(manifest: Manifest) -> Iterable[Finding]:
    """Report levels and views that a part lacks, or has a share of that chance hardly gives."""
    from scipy.stats import binomtest  # Takes a second to import; a known dataset needs it not.

    entries = [entry for entry in manifest.entries if not entry.augmented]
    shares = Counter(entry.part for entry in entries)
    parts = [part for part in PARTS if shares[part]]
    strata: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        if entry.levels:
            strata[f"{view_of(entry.levels)} films"][entry.part] += 1
        for level in set(entry.levels):
            strata[level][entry.part] += 1
    for name, having in strata.items():
        for part in parts:
            total, share = having.total(), shares[part] / len(entries)
            what = name if name.endswith("films") else f"films with {name}"
            if not having[part]:
                detail = f"{part} has none of the {total} {what}"
            elif binomtest(having[part], total, share).pvalue < _UNLIKELY:
                detail = (
                    f"{part} has {having[part]} of the {total} {what}, {having[part] / total:.0%}; "
                    f"it has {share:.0%} of all films"
                )
            else:
                continue
            yield Finding(kind="unbalanced", severity="doubt", films=(), detail=detail)


def _look(manifest: Manifest, facts: Sequence[FilmFacts], number: int) -> SourceLook:
    films = [
        film for film, entry in zip(facts, manifest.entries, strict=False) if entry.source == number
    ]
    brightness = np.array([film.brightness for film in films])
    sizes = Counter(f"{film.size_px[0]}x{film.size_px[1]}" for film in films)
    return SourceLook(
        name=manifest.source_names[number],
        films=len(films),
        sizes=dict(sizes.most_common(12)),
        brightness_mean=float(brightness.mean()) if films else 0.0,
        brightness_sd=float(brightness.std()) if films else 0.0,
        brightness=tuple(int(n) for n in np.histogram(brightness, bins=16, range=(0, 256))[0]),
    )


def _unlike_sources(sources: Sequence[SourceLook]) -> Iterable[Finding]:
    """Report sources that a network can tell apart by their size or brightness alone."""
    looks = [source for source in sources if source.films]
    for i, one in enumerate(looks):
        for other in looks[i + 1 :]:
            if abs(one.brightness_mean - other.brightness_mean) > _DARKER:
                detail = (
                    f"{one.name} has mean grey {one.brightness_mean:.0f}, {other.name} "
                    f"{other.brightness_mean:.0f}"
                )
                yield Finding(kind="unlike-sources", severity="note", films=(), detail=detail)
            if not set(one.sizes) & set(other.sizes):
                detail = (
                    f"{one.name} has films of {next(iter(one.sizes))} px, {other.name} of "
                    f"{next(iter(other.sizes))} px"
                )
                yield Finding(kind="unlike-sources", severity="note", films=(), detail=detail)
