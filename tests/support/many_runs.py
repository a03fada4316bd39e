"""A large study's folders, written without any training: files as real runs leave them, quickly."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from exports import write_export
from made_up_records import made_up_record

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.data.labelled import read_films
from spineseg.data.manifest import Dataset
from spineseg.data.merge import prepare_dataset
from spineseg.evaluation.evaluate import evaluated_records
from spineseg.evaluation.stored import evaluation_files, save_evaluation
from spineseg.events import EVENTS_FILE, Finished, Phase, Started
from spineseg.films import LabelledFilm
from spineseg.job import Job
from spineseg.levels import CLASS_NAMES
from spineseg.places import StudyPlaces
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.recorded_job import new_job
from spineseg.search_rules import place_in_space
from spineseg.study_config import keep_study_config
from spineseg.study_record import keep_data_record
from spineseg.trials import FRESH_SEED, TrialSpec, train_config
from study.driver import numbering_learnt

LARGE = """
name: large
description: Made up, to time what reads it.
data:
  sources: [{{kind: local, path: {export}}}]
  split: keep
  group_near_duplicates: false
  accept_leaks: [near-duplicates]
baseline: {{weights: random, epochs: {epochs}, optimizer: AdamW, lr0: 0.003, mosaic: 1.0}}
variants: [{variants}]
search:
  trials: {searched}
  startup_trials: 10
  space:
    lr0: {{low: 0.001, high: 0.02, log: true}}
    mosaic: {{low: 0.0, high: 1.0}}
    cls_gain: {{low: 0.25, high: 4.0, log: true}}
  pruner: {{keep_percent: 50, startup_trials: 5, warmup_epochs: 20}}
confirm: {confirm}
devices: {{device: cpu}}
store: {{root: {root}}}
"""
_VARIANTS = ("fliplr: 0.0", "lr0: 0.001", "degrees: 10.0", "mosaic: 0.5", "box_gain: 5.0")
_BEGUN = 1_760_000_000.0
_EPOCH_SECONDS = 9.0
_LIKENESSES = 12  # Evaluations that differ; runs share them, as files of several links.


@dataclass(frozen=True)
class _Template:
    """What a run of one quality leaves: its scores and records, and its log but for names."""

    folder: Path
    metrics: dict[str, float]
    epochs: tuple[str, ...]  # The rest of each epoch's line, after its time.


def write_many(
    folder: Path,
    trials: int,
    epochs: int = 250,
    films: int = 50,
    going: bool = False,
    doubtful: int = 0,
) -> Path:
    """Write a study of so many trials, a third of them pruned; return its config.

    With 60 or more there are 15 trainings on fresh seeds among them. With `going`, the last is cut
    off halfway, as a `kill -9` leaves it, and the study is to go on. `films` are those of the
    validation part, of all 24 levels each; on each stand `doubtful` detections that do not count.
    """
    path = _config(folder, trials, epochs, films)
    config = load_study(path)
    places = StudyPlaces(config.store.root, config.name)
    dataset = prepare_dataset(config.data, places.data, say=lambda text: None)
    keep_study_config(config, places, path)
    page = places.data_record / "audit.html"
    keep_data_record(places, dataset)
    page.write_text("<html></html>")
    shown = read_films(dataset.folder, "valid")
    templates = [
        _template(folder / "templates" / str(number), share, shown, epochs, doubtful)
        for number, share in enumerate(np.linspace(0.35, 0.9, _LIKENESSES))
    ]
    for number, spec in enumerate(_specs(config, trials)):
        chosen = _chosen(spec, templates)
        pruned = spec.kind == "search" and number % 3 == 2
        ended = "pruned" if pruned else "completed"
        if going and number == trials - 1:
            ended = ""
        _write_run(config, dataset, spec, number, chosen, ended)
    return path


def _config(folder: Path, trials: int, epochs: int, films: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    export = write_export(
        folder / "export", {"train": 2 * films, "valid": films, "test": films}, names=CLASS_NAMES
    )
    variants = _VARIANTS[: min(len(_VARIANTS), trials // 4)]
    confirm = trials >= 60
    path = folder / "large.yaml"
    path.write_text(
        LARGE.format(
            export=export,
            root=folder / "mlruns",
            epochs=epochs,
            variants=", ".join(
                f"{{name: variant-{i}, hypothesis: It helps., changes: {{{text}}}}}"
                for i, text in enumerate(variants)
            ),
            searched=trials - 1 - len(variants) - (15 if confirm else 0),
            confirm="{top: 2, seeds: 5}" if confirm else "null",
        )
    )
    return path


def _specs(config: StudyConfig, trials: int) -> list[TrialSpec]:
    """Return what the study trained, in order; its finalists are the first two of the search."""
    rng = np.random.default_rng(5)
    found = [TrialSpec("baseline", "baseline", {})]
    found += [TrialSpec("variant", v.name, v.changes, v.hypothesis) for v in config.variants]
    for number in range(1, config.search.trials + 1):
        drawn = {
            "lr0": float(0.001 * 20 ** rng.uniform()),
            "mosaic": float(rng.uniform()),
            "cls_gain": float(0.25 * 16 ** rng.uniform()),
        }
        found.append(TrialSpec("search", f"search-{number:03d}", drawn))
    best = [spec for spec in found if spec.kind == "search"][:2]
    seeds = range(1, 6) if config.confirm else ()
    for seed in seeds:
        for arm in [found[0], *best]:
            changes = {**arm.changes, "seed": config.baseline.seed + FRESH_SEED + seed}
            reason = f"{arm.name} once more, on a fresh seed"
            found.append(
                TrialSpec("confirm", f"{arm.name}-seed-{seed}", changes, reason, arm=arm.name)
            )
    assert len(found) == trials
    return found


def _chosen(spec: TrialSpec, templates: list[_Template]) -> _Template:
    """Return what a trial came to: its first two of the search, and their seeds, the best."""
    if (spec.arm or spec.name) in ("search-001", "search-002"):
        return templates[-1 - (spec.changes.get("seed", 0) % 2)]
    worth = 1 - abs(np.log10(spec.changes.get("lr0", 0.003)) + 2.5) / 0.9
    worth = 0.7 * worth + 0.3 * (1 - spec.changes.get("mosaic", 1.0))
    place = round(worth * (len(templates) - 3)) + spec.changes.get("seed", 0) % 2
    return templates[int(np.clip(place, 0, len(templates) - 3))]


def _write_run(
    config: StudyConfig,
    dataset: Dataset,
    spec: TrialSpec,
    number: int,
    template: _Template,
    outcome: str,
) -> None:
    places = StudyPlaces(config.store.root, config.name)
    parameters: dict[str, Any] = {}
    if spec.kind != "confirm":
        training = train_config(config, spec)
        parameters = place_in_space(training, config.baseline, config.search) or {}
    known = numbering_learnt(config, dataset)
    job = new_job(config, places, dataset, known, spec, number=number, parameters=parameters)
    whole = len(template.epochs)
    begun = _BEGUN + number * (whole * _EPOCH_SECONDS + 200)
    job = job.model_copy(update={"created": begun})
    folder = places.folder / job.folder_name
    job.write(folder)
    trained = whole if outcome == "completed" else whole // 2
    (folder / EVENTS_FILE).write_text("".join(_log(job, template, trained, outcome)))
    weights = folder / "train" / "weights"
    weights.mkdir(parents=True)
    for name in ("best.pt", "last.pt"):
        (weights / name).write_bytes(os.urandom(1000))
    (folder / "train" / "results.csv").write_text("epoch\n1\n")
    (folder / "lock").write_text("1")
    os.utime(folder / "lock", (begun + 5, begun + 5))
    if outcome:
        for file in evaluation_files(template.folder, "valid"):
            os.link(file, folder / file.name)


def _log(job: Job, template: _Template, trained: int, outcome: str) -> list[str]:
    started = Started(
        run=job.id,
        time=job.created + 20,
        pid=1,
        device="CPU",
        parameters=2_800_000,
        resolved={f"setting_{number}": number for number in range(100)} | {"batch": 16},
        environment=dict.fromkeys(("python", "platform", "code", "torch", "numpy"), "1.0")
        | {"processor": "a processor", "cores": "16"},
    )
    lines = [json.dumps(started.model_dump()) + "\n"]
    now = started.time
    for rest in template.epochs[:trained]:
        now += _EPOCH_SECONDS
        lines.append(f'{{"run": "{job.id}", "time": {now}, {rest}')
    if not outcome:
        return lines
    for name in ("scoring", "pictures", "recording"):
        now += 5
        lines.append(json.dumps(Phase(run=job.id, time=now, name=name).model_dump()) + "\n")
    end = Finished(
        run=job.id,
        time=now + 5,
        outcome=outcome,
        epochs=trained,
        best_epoch=trained,
        batch=16,
        optimizer="AdamW",
        trainer_metrics={f"trainer/{k}_{n}": 0.5 for k in ("mask", "box") for n in "abcd"},
        metrics=template.metrics,
        train_seconds=trained * _EPOCH_SECONDS,
        best_weights="train/weights/best.pt",
        last_weights="train/weights/last.pt",
    )
    return [*lines, json.dumps(end.model_dump()) + "\n"]


def _template(
    folder: Path, share: float, films: list[LabelledFilm], epochs: int, doubtful: int
) -> _Template:
    rng = np.random.default_rng(round(share * 1000))
    folder.mkdir(parents=True)
    evaluated = evaluated_records(
        [made_up_record(film, share, rng, doubtful) for film in films], NumberingModel()
    )
    save_evaluation(folder, evaluated, "valid")
    scores = evaluated.scores["sequence"]
    final = scores.value("mask_map50_95")
    return _Template(
        folder,
        scores.metrics(),
        tuple(_epoch(number, final * number / epochs, rng) for number in range(1, epochs + 1)),
    )


def _epoch(number: int, score: float, rng: np.random.Generator) -> str:
    """Return an epoch's line after its time: 24 figures, as a real one has."""
    losses = [f"{p}/{n}_loss" for p in ("train", "valid") for n in ("box", "seg", "cls", "dfl")]
    rates = [f"valid/{k}_{n}" for k in ("mask", "box") for n in ("precision", "recall", "map50")]
    metrics = {name: 1 / number + float(rng.uniform(0, 0.1)) for name in losses}
    metrics |= {name: score + float(rng.uniform(0, 0.01)) for name in rates}
    metrics |= {f"valid/{kind}_map50_95": score for kind in ("mask", "box")}
    metrics |= {f"lr/pg{group}": 0.003 for group in range(3)}
    told = {
        "type": "epoch",
        "epoch": number,
        "metrics": metrics,
        "system": {f"system/{n}": float(rng.uniform(0, 100)) for n in ("cpu", "memory", "gpu")},
        "epoch_seconds": _EPOCH_SECONDS,
        "validation_seconds": 1.0,
    }
    return json.dumps(told)[1:] + "\n"
