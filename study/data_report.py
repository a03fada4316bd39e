"""What a study's data are, in counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from spineseg.config import Model
from spineseg.config_files import load_data, load_store
from spineseg.data.merge import prepare_dataset
from spineseg.levels import ANATOMICAL_ORDER


class DataDescription(Model):
    """Counts of a merged dataset."""

    folder: Path
    fingerprint: str
    synthetic: bool
    sources: tuple[str, ...]
    images: dict[str, int]
    patients: dict[str, int]
    instances: dict[str, dict[str, int]]  # part -> level -> labelled vertebrae

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
        return "\n".join(lines)


def describe_data(
    path: Path, overrides: Iterable[str], say: Callable[[str], None]
) -> DataDescription:
    """Make or merge the data that the config at `path` names, and count them."""
    overrides = tuple(overrides)
    dataset = prepare_dataset(
        load_data(path, overrides), load_store(path, overrides).root / "work" / "data", say
    )
    manifest = dataset.manifest
    parts = ("train", "valid", "test")
    return DataDescription(
        folder=dataset.folder,
        fingerprint=manifest.fingerprint,
        synthetic=manifest.synthetic,
        sources=manifest.sources,
        images={part: manifest.count(part) for part in parts},
        patients={
            part: len({entry.patient for entry in manifest.entries if entry.part == part})
            for part in parts
        },
        instances={part: dict(manifest.instances(part)) for part in parts},
    )
