"""Where the page of a dataset's audit is, drawn when it is needed."""

from __future__ import annotations

from pathlib import Path

from spineseg.data.audit import load_audit
from spineseg.data.likeness.recall import known_recall
from spineseg.data.manifest import AUDIT_FILE, Dataset

AUDIT_PAGE = "audit.html"


def audit_page(dataset: Dataset) -> Path:
    """Return the page of a dataset's audit, written, whole, unless it is up to date."""
    page, audit = dataset.folder / AUDIT_PAGE, dataset.folder / AUDIT_FILE
    if not page.exists() or page.stat().st_mtime_ns < audit.stat().st_mtime_ns:
        # Slow to import, and seldom needed.
        from spineseg.report.audit import write_audit
        from spineseg.report.audit_claim import measured_sight

        write_audit(dataset, load_audit(dataset), page, measured_sight(known_recall()))
    return page
