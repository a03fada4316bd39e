"""A second study, made of an ended one's folder: other trainings, other scores, other data."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from fake_trainer import records_scoring
from small_study import places

from spineseg.config.study import StudyConfig
from spineseg.config.training import TrainConfig
from spineseg.data.manifest import MANIFEST_FILE, Manifest, ManifestEntry
from spineseg.evaluation.evaluate import evaluated_records
from spineseg.evaluation.stored import save_evaluation
from spineseg.evidence.study_difference import Asked
from spineseg.job import Job
from spineseg.places import StudyPlaces
from spineseg.study_record import read_study

Films = Callable[[list[ManifestEntry]], list[ManifestEntry]]


def asked(config: StudyConfig, label: str | None = None) -> Asked:
    """Return a study with its record."""
    study = read_study(StudyPlaces(config.store.root, config.name))
    return Asked(label or config.name, config, study)


def twin_study(
    config: StudyConfig,
    root: Path,
    name: str = "twin",
    *,
    score_of: Callable[[TrainConfig], float] | None = None,
    films: Films | None = None,
    keep_ids: bool = False,
) -> StudyConfig:
    """Write a study of the same trainings with ids of their own under `root`; return its config.

    `score_of` scores them anew; `films` changes what the manifest says of the data, which then
    have another fingerprint.
    """
    folder = root / "work" / "studies" / name
    shutil.copytree(places(config).folder, folder)
    manifest = Manifest.model_validate_json((folder / "data" / MANIFEST_FILE).read_bytes())
    changed = manifest
    if films is not None:
        entries = tuple(films(list(manifest.entries)))
        changed = manifest.model_copy(update={"entries": entries, "fingerprint": "e" * 64})
        (folder / "data" / MANIFEST_FILE).write_text(changed.model_dump_json())
    valid = [entry.name for entry in changed.entries if entry.part == "valid"]
    for run in sorted(folder.glob("[0-9]*-*")):
        _renew(run, name, changed.fingerprint, keep_ids)
        if score_of is not None:
            job = Job.read(run)
            records = records_scoring(score_of(job.config), valid)
            save_evaluation(run, evaluated_records(records, job.numbering), "valid")
    return config.model_copy(
        update={"name": name, "store": config.store.model_copy(update={"root": root})}
    )


def _renew(run: Path, study: str, fingerprint: str, keep_ids: bool) -> None:
    content = json.loads((run / "job.json").read_text())
    before, now = content["id"], uuid.uuid4().hex
    content |= {"study": study, "data_fingerprint": fingerprint}
    (run / "job.json").write_text(json.dumps(content))
    for file in () if keep_ids else (run / "job.json", run / "events.jsonl"):
        file.write_text(file.read_text().replace(before, now))
