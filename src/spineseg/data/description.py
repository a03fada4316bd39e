"""What a merged dataset holds, for a person or as JSON: counts, and what its audit found."""

from __future__ import annotations

from pathlib import Path

from spineseg.config.data import Leak
from spineseg.config.model import Model
from spineseg.data.account import Account
from spineseg.data.account_text import account_lines, patient_doubt, shown_account
from spineseg.data.audit import LEAKS, load_audit
from spineseg.data.manifest import AUDIT_FILE, Dataset
from spineseg.films import PARTS, Part
from spineseg.levels import ANATOMICAL_ORDER


class DataDescription(Model):
    """Counts of a merged dataset, and what its audit found."""

    folder: Path
    page: Path
    audit: Path
    fingerprint: str
    synthetic: bool
    sources: tuple[str, ...]
    films: dict[Part, int]
    patients: dict[Part, int]
    instances: dict[Part, dict[str, int]]  # part -> level -> labelled vertebrae
    findings: dict[str, int]  # kind -> how often
    accepted_leaks: tuple[Leak, ...]
    account: Account  # What was seen, used and left out; no patient that names hide.

    @property
    def standing_leaks(self) -> list[str]:
        """Return the kinds of leak that are found and not accepted."""
        return [kind for kind in LEAKS if kind in self.findings and kind not in self.accepted_leaks]

    def text(self) -> str:
        """Return the counts as a person reads them."""
        kind = "synthetic X-rays" if self.synthetic else "radiographs"
        parts = [part for part, count in self.films.items() if count]
        lines = [
            f"{sum(self.films.values())} {kind} from {', '.join(self.sources)}",
            f"folder       {self.folder}",
            f"fingerprint  {self.fingerprint}",
            "",
            "          " + "".join(f"{part:>8}" for part in parts),
            "films     " + "".join(f"{self.films[part]:8}" for part in parts),
            "patients  " + "".join(f"{self.patients[part]:8}" for part in parts),
        ]
        for level in ANATOMICAL_ORDER:
            counts = [self.instances[part].get(level, 0) for part in parts]
            if any(counts):
                lines.append(f"{level:<10}" + "".join(f"{count:8}" for count in counts))
        lines += self._account_lines()
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

    def _account_lines(self) -> list[str]:
        doubt = patient_doubt(self.account.patients)
        phantoms_alone = self.synthetic and len(self.sources) == 1
        warning = [f"NOTE: {doubt}"] if doubt and not phantoms_alone else []
        return ["", "input", *account_lines(self.account), *warning]


def described(dataset: Dataset, page: Path, accepted_leaks: tuple[Leak, ...]) -> DataDescription:
    """Return the description of a dataset whose audit is drawn on `page`."""
    manifest, audit = dataset.manifest, load_audit(dataset)
    return DataDescription(
        folder=dataset.folder,
        page=page,
        audit=dataset.folder / AUDIT_FILE,
        fingerprint=manifest.fingerprint,
        synthetic=manifest.synthetic,
        sources=manifest.source_names,
        films={part: manifest.count(part) for part in PARTS},
        patients={part: counts.patients for part, counts in audit.parts.items()},
        instances={part: dict(manifest.instances(part)) for part in PARTS},
        findings=audit.counts(),
        accepted_leaks=accepted_leaks,
        account=shown_account(audit.account),
    )
