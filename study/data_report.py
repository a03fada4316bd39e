"""What a study's data are: counts, the audit, and its page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from spineseg.config.data import Leak
from spineseg.config.model import Model
from spineseg.config.yaml_files import load_data, load_store
from spineseg.data.audit import LEAKS
from spineseg.data.manifest import AUDIT_FILE, Dataset
from spineseg.data.merge import load_audit, prepare_dataset
from spineseg.films import PARTS
from spineseg.levels import ANATOMICAL_ORDER

AUDIT_PAGE = "audit.html"


class DataDescription(Model):
    """Counts of a merged dataset, and what its audit found."""

    folder: Path
    page: Path
    audit: Path
    fingerprint: str
    synthetic: bool
    sources: tuple[str, ...]
    images: dict[str, int]
    patients: dict[str, int]
    instances: dict[str, dict[str, int]]  # part -> level -> labelled vertebrae
    findings: dict[str, int]  # kind -> how often
    accepted_leaks: tuple[Leak, ...]

    @property
    def standing_leaks(self) -> list[str]:
        """Return the kinds of leak that are found and not accepted."""
        return [kind for kind in LEAKS if kind in self.findings and kind not in self.accepted_leaks]

    def text(self) -> str:
        """Return the counts as a person reads them."""
        kind = "synthetic X-rays" if self.synthetic else "radiographs"
        parts = [part for part, count in self.images.items() if count]
        lines = [
            f"{sum(self.images.values())} {kind} from {', '.join(self.sources)}",
            f"folder       {self.folder}",
            f"fingerprint  {self.fingerprint}",
            "",
            "          " + "".join(f"{part:>8}" for part in parts),
            "images    " + "".join(f"{self.images[part]:8}" for part in parts),
            "patients  " + "".join(f"{self.patients[part]:8}" for part in parts),
        ]
        for level in ANATOMICAL_ORDER:
            counts = [self.instances[part].get(level, 0) for part in parts]
            if any(counts):
                lines.append(f"{level:<10}" + "".join(f"{count:8}" for count in counts))
        lines += ["", "audit" if self.findings else "audit: nothing found"]
        for found, count in self.findings.items():
            mark = "  LEAK" if found in self.standing_leaks else ""
            mark = "  leak, accepted" if found in self.accepted_leaks else mark
            lines.append(f"{found:<24}{count:6}{mark}")
        lines += ["", f"Page with the films drawn: {self.page}"]
        if self.standing_leaks:
            lines.append(
                "A study on these data is refused; use `split: patients`, mend them, or set "
                f"data.accept_leaks: [{', '.join(self.standing_leaks)}]"
            )
        return "\n".join(lines)


def describe_data(
    path: Path, overrides: Iterable[str], say: Callable[[str], None]
) -> DataDescription:
    """Make or merge the data that the config at `path` names, audit and count them."""
    overrides = tuple(overrides)
    config = load_data(path, overrides)
    dataset = prepare_dataset(config, load_store(path, overrides).root / "work" / "data", say)
    manifest, audit = dataset.manifest, load_audit(dataset)
    return DataDescription(
        folder=dataset.folder,
        page=audit_page(dataset),
        audit=dataset.folder / AUDIT_FILE,
        fingerprint=manifest.fingerprint,
        synthetic=manifest.synthetic,
        sources=manifest.source_names,
        images={part: manifest.count(part) for part in PARTS},
        patients={part: counts.patients for part, counts in audit.parts.items()},
        instances={part: dict(manifest.instances(part)) for part in PARTS},
        findings=audit.counts(),
        accepted_leaks=config.accept_leaks,
    )


def audit_page(dataset: Dataset) -> Path:
    """Return the page of a dataset's audit, written unless it is there."""
    page = dataset.folder / AUDIT_PAGE
    audit = dataset.folder / AUDIT_FILE
    if not page.exists() or page.stat().st_mtime_ns < audit.stat().st_mtime_ns:
        from spineseg.report.audit_page import write_audit_page

        write_audit_page(dataset, load_audit(dataset), page)
    return page
