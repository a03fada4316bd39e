"""Audits as they could be: patients all told, or with leaks, doubts and a measured search."""

from __future__ import annotations

from spineseg.data.account import Account, LeftOutFiles, PatientAccount, SourceAccount
from spineseg.data.audit import Audit, Finding
from spineseg.data.manifest import Dataset
from spineseg.levels import ANATOMICAL_ORDER
from spineseg.report.audit_claim import KindSeen, Sight

RECALL = Sight(
    rows=(
        KindSeen(kind="exact", found={"phantoms": (40, 40), "radiographs": (60, 60)}),
        KindSeen(kind="cropped by 10 %", found={"phantoms": (31, 40)}),
    ),
    false_alarms={"phantoms": (2, 1000)},
    machine="2 cores",
    date="2026-11-25",
)


def patients(told: int, alone: int, pattern: str | None = r"-(\d+)-AP") -> PatientAccount:
    """Return how the patients of so many films were told."""
    return PatientAccount(
        told_by="data.patient_pattern" if pattern else "file names",
        pattern=pattern,
        films_told=told,
        films_alone=alone,
        patients=told + alone,
        examples_told={"film-162-AP.jpg": "162"} if told else {},
        examples_alone=("other.jpg",) if alone else (),
    )


def account(of: PatientAccount) -> Account:
    """Return an account of one source, with something of each kind in it."""
    source = SourceAccount(
        name="mine",
        layout="YOLO, a folder a part",
        films_seen=14,
        films_used=9,
        films_without_labels=2,
        label_files_seen=8,
        label_files_used=7,
        converted={"DICOM to PNG": 3},
        left_out=(LeftOutFiles(reason="no film of that name", files=5, examples=("a.txt",)),),
        class_map_unused=("D1",),
        drop_classes={"sacrum": 12},
    )
    return Account(sources=(source,), patients=of)


def known_patients(audit: Audit) -> Audit:
    """Return the audit with all patients told."""
    return audit.model_copy(update={"account": account(patients(9, 0))})


def leaking(audit: Audit, data: Dataset) -> Audit:
    """Return the audit with patients in doubt, findings of several kinds, levels and sources."""
    names = [entry.name for entry in data.manifest.entries]
    findings = (
        Finding(
            kind="near-duplicates",
            severity="leak",
            films=(names[0], names[-1]),
            detail=f"{names[0]} and {names[-1]} show the same picture",
        ),
        Finding(kind="shared-patients", severity="leak", films=(), detail="patient 1 ..."),
        Finding(
            kind="outside-column",
            severity="doubt",
            films=(names[1],),
            labels=(1,),
            detail="C2 lies off the line of the others",
        ),
    )
    levels = {level: 3 + rank % 5 for rank, level in enumerate(ANATOMICAL_ORDER)}
    parts = {n: each.model_copy(update={"levels": levels}) for n, each in audit.parts.items()}
    first = audit.sources[0]
    sources = [first.model_copy(update={"name": f"source {n}"}) for n in range(1, 4)]
    changes = {"findings": findings, "parts": parts, "sources": tuple(sources)}
    return audit.model_copy(update=changes | {"account": account(patients(6, 3))})
