"""Show what a random split of films leaks, and what the split by patient does not.

python benchmarks/split_leaks.py DIR --pattern='REGEX'      # about a minute for 400 films

DIR is a dataset in a layout that `spineseg data` reads. Its films are divided at random (20 %
validation, 15 % test) with several seeds, and by patient with the same seeds; the product's own
audit counts the leaks of each.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np

from spineseg.config.data import DataConfig
from spineseg.data.audit import Audit, load_audit
from spineseg.data.layouts import read_folder
from spineseg.data.merge import prepare_dataset
from spineseg.data.merged_labels import label_path

SHARES = {"valid": 0.2, "test": 0.15}


def audited(folder: Path, cache: Path, **settings: object) -> Audit:
    """Return the audit of a folder's films."""
    source = {"kind": "local", "path": str(folder)}
    config = DataConfig.model_validate({"sources": [source], "damaged": "drop", **settings})
    return load_audit(prepare_dataset(config, cache, say=lambda text: None))


def at_random(folder: Path, target: Path, seed: int) -> None:
    """Copy the films into parts that are drawn film by film."""
    films = [film.path for film in read_folder(folder).films]
    rng = np.random.default_rng(seed)
    parts = rng.choice(["valid", "test", "train"], size=len(films), p=[*SHARES.values(), 0.65])
    for film, part in zip(films, parts, strict=True):
        for kind, file in (("images", film), ("labels", label_path(film))):
            (target / part / kind).mkdir(parents=True, exist_ok=True)
            if file.exists():
                shutil.copy(file, target / part / kind / file.name)
    shutil.copy(folder / "data.yaml", target / "data.yaml")


def told(audit: Audit) -> str:
    """Return the leaks of an audit, and the share of held-out films that they spoil."""
    leaks = audit.leaks()
    patients = leaks.get("shared-patients", [])
    counts = ", ".join(f"{kind} {len(found)}" for kind, found in leaks.items()) or "no leak"
    films = sum(len(finding.films) for finding in patients)
    parts = ", ".join(f"{part} {counted.films}" for part, counted in audit.parts.items())
    return f"{parts}: {counts}; {films} films of patients on two sides"


def main() -> None:
    """Print the leaks of both ways to divide."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pattern", required=True, help="Its first group is the patient.")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for seed in range(options.seeds):
            target, cache = Path(name) / f"random-{seed}", Path(name) / "cache"
            at_random(options.folder, target, seed)
            audit = audited(target, cache, split="keep", patient_pattern=options.pattern)
            print(f"seed {seed}, random:     {told(audit)}")
            audit = audited(
                options.folder,
                cache,
                patient_pattern=options.pattern,
                split_seed=seed,
                valid_fraction=SHARES["valid"],
                test_fraction=SHARES["test"],
            )
            print(f"seed {seed}, by patient: {told(audit)}")
        print("findings:", audit.counts())
        for finding in audit.findings:
            if finding.severity in {"doubt", "note"}:
                print(f"  {finding.kind}: {finding.detail} {', '.join(finding.films)}")


if __name__ == "__main__":
    main()
