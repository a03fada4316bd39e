"""Champions that a challenger has to beat: scored on its own test part, paired with it.

A champion defends every model that its films are shared with, whatever the models are called. One
that was trained on films of this test part, or started from weights that were, would win or lose
for that reason alone: then nothing is decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spineseg.data.labelled import read_films
from spineseg.evaluation.stored import is_evaluated, stored_records
from spineseg.evidence.arms import Arm, MatchReader, effect_of
from spineseg.evidence.candidacy import Defender
from spineseg.evidence.effects import Effect
from spineseg.evidence.run_matches import RunMatches
from spineseg.evidence.sealed_part import score_on
from spineseg.live_line import doing
from spineseg.seal.known import FILMS, tested_films
from spineseg.seal.opening import PART, OpenedFilm
from spineseg.seal.overlap import same_films
from spineseg.study_record import StudyRecord
from spineseg.tracking.known_films import champions, evidence_of_weights
from spineseg.tracking.model_versions import model_weights
from spineseg.tracking.store import TrackingStore

_LEARNT_FROM = ("train", "valid")


def defenders(store: TrackingStore, study: StudyRecord, model_name: str) -> list[Defender]:
    """Return the champion of a model, and those of others that share films with its study.

    Raises StoreError where the store does not answer.
    """
    contents = {entry.content_sha256 for entry in study.manifest.entries}
    found = []
    for each in champions(store):
        known = {content for films in _told(each.evidence).values() for content, _ in films}
        if each.name == model_name or known & contents:
            found.append(Defender(each, _problem(store, study, each.evidence)))
    return found


def starts(store: TrackingStore, study: StudyRecord, arms: Sequence[Arm]) -> tuple[str, list[str]]:
    """Return why the weights that arms started from cannot be measured here, and what is unknown.

    The first is empty where nothing is against them. Raises StoreError as `defenders` does.
    """
    jobs = [run.job for arm in arms for run in arm.runs]
    files = {
        sha: path
        for job in jobs
        for path, sha in ((job.weights, job.weights_sha256), (job.prompter, job.prompter_sha256))
        if sha is not None and path is not None
    }
    named = {
        name
        for job in jobs
        for name in (job.config.weights, getattr(job.config, "prompts", "baseline"))
    }
    unknown = []
    for sha, path in files.items():
        evidence = evidence_of_weights(store, sha)
        if evidence is None:
            if str(path) in named:  # No published or bundled file: somebody's own.
                unknown.append(path.name)
            continue
        problem = _problem(store, study, evidence)
        if problem:
            return f"{path.name}: {problem}", unknown
    return "", unknown


def _told(evidence: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    return dict(evidence.get(FILMS) or {})


def _problem(store: TrackingStore, study: StudyRecord, evidence: Mapping[str, Any]) -> str:
    """Return why weights cannot be measured on a study's test part; empty where they can."""
    if evidence.get("data_fingerprint") == study.manifest.fingerprint:
        return ""  # Its training films are this study's.
    told = _told(evidence)
    if not told:
        return "what it was trained on is not on record, and its data are not this study's"
    films = tested_films(study.manifest, study.needed_data().folder)
    learnt = [
        OpenedFilm(content=content, look=look)
        for part in _LEARNT_FROM
        for content, look in told.get(part, ())
    ]
    met = int(same_films(films, learnt).sum())
    if met:
        return f"{met} of this test part's {len(films)} films were among those it learnt from"
    start = evidence.get("weights_from")
    before = evidence_of_weights(store, start) if start else None
    return _problem(store, study, before) if before else ""


def score_defenders(
    store: TrackingStore, study: StudyRecord, found: Sequence[Defender], device: str
) -> None:
    """Score champions on the study's test part, once; what was scored before is kept."""
    for each in found:
        place = _place(study, each)
        if is_evaluated(place, PART):
            continue
        doing(f"scoring {each.name}, a champion, on the test part")
        weights, _ = model_weights(store, each.champion, study.places.models)
        place.mkdir(parents=True, exist_ok=True)
        films, size = read_films(study.needed_data().folder, PART), each.champion.image_size_px
        score_on(films, weights, size, each.champion.numbering, device, place)


def against_defenders(
    study: StudyRecord, found: Sequence[Defender], chosen: Arm, tested: Effect
) -> list[Effect]:
    """Return how far a configuration lies above each champion, on the same films.

    In the metric, and with the chance of a false alarm, of its effect on the baseline, `tested`.
    """
    reader = MatchReader(study.manifest, PART)
    after = reader.runs(chosen.runs)
    patients = reader.patients(after[0])
    effects = []
    for each in found:
        way = each.champion.numbering.numbering
        records = stored_records(_place(study, each), PART, way)
        before = [RunMatches.of(records)]
        effect = effect_of(each.name, before, after, patients, tested.metric)
        effects.append(effect.model_copy(update={"error": tested.error}))
    return effects


def _place(study: StudyRecord, each: Defender) -> Path:
    """Return where a champion's scores lie: by its weights, which no other version has."""
    sha = each.champion.weights_sha256 or f"{each.champion.name}-{each.champion.version}"
    return study.places.folder / "champions" / f"{sha[:16]}-{study.manifest.fingerprint[:12]}"
