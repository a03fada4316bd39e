"""The ledger of promotions and rollbacks: who, when, why, on what; an alias keeps no history.

It lies with the store: in `promotions.jsonl` beside a SQLite file; on a server as tags of the
studies' experiments, `spineseg.promotion.MODEL.NUMBER.ID`, which no page shows and which outlive a
deleted version. Each entry holds its own hash and those of the entries of the number before it:
one that was altered or taken out is noticed. Two that were made at the same moment have one number
and both stay.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlflow.entities import ViewType
from pydantic import Field

from spineseg.chained import entry_hash, now, who
from spineseg.config.model import Model
from spineseg.errors import StoreError
from spineseg.files import append_line
from spineseg.places import locked_within
from spineseg.tracking.store import TrackingStore, experiments, refusing, without_password

LEDGER_FILE = "promotions.jsonl"
_TAG = "spineseg.promotion"
_LONGEST_WHY = 1500  # Of a tag's 5,000 characters in the databases of older servers.
_WRITING_SECONDS = 30.0
Action = Literal["promotion", "rollback"]


class Entry(Model):
    """One promotion or rollback, as the ledger tells of it."""

    number: int = Field(description="By model, from 1.")
    time: str = Field(description="UTC, as 2026-01-31T12:00:00Z.")
    model: str
    version: str
    action: Action
    who: str = Field(description="user@host; empty for an entry of before it was kept.")
    why: str
    study: str
    run: str
    run_id: str
    replaces: str | None = Field(description="The version that was champion before.")
    evidence_sha256: str
    previous: tuple[str, ...] = Field(description="Hashes of the entries of the number before.")
    sha256: str = Field(description="Of all of the above; of an older entry's whole line.")

    @property
    def expected_sha256(self) -> str:
        """The hash that it should hold, by what else it says."""
        if not self.who:
            return self.sha256
        return entry_hash(self.model_dump(mode="json", exclude={"sha256"}))


@dataclass(frozen=True)
class Ledger:
    """What a store tells of its promotions, oldest first, and what is wrong with the telling."""

    place: str  # for people: a file, or a server's tags
    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()

    def last(self, model: str) -> Entry | None:
        """Return what was entered last for a model."""
        return next((entry for entry in reversed(self.entries) if entry.model == model), None)

    def as_json(self) -> str:
        """Return it as JSON, for programs."""
        entries = [entry.model_dump(mode="json") for entry in self.entries]
        told = {"place": self.place, "entries": entries, "problems": list(self.problems)}
        return json.dumps(told)

    def tells_of(self, model: str, version: str, evidence_sha256: str) -> bool:
        """Return whether a version was made champion, on that evidence where both are known.

        A store that was lost and made again counts its versions from 1 once more.
        """
        return any(
            (entry.model, entry.version) == (model, version)
            and (entry.evidence_sha256 or evidence_sha256)
            == (evidence_sha256 or entry.evidence_sha256)
            for entry in self.entries
        )


def enter(
    store: TrackingStore,
    *,
    model: str,
    version: str,
    action: Action,
    why: str,
    run_id: str,
    replaces: str | None,
    study: str,
    run: str,
    evidence_sha256: str,
) -> Entry:
    """Enter a promotion or a rollback, and return the entry.

    Raises StoreError where it cannot be written.
    """
    told = {
        "time": now(),
        "model": model,
        "version": version,
        "action": action,
        "who": who(),
        "why": " ".join(why.split())[:_LONGEST_WHY],
        "study": study,
        "run": run,
        "run_id": run_id,
        "replaces": replaces,
        "evidence_sha256": evidence_sha256,
    }
    file = _file(store)
    if file is None:
        entry = _following(read_ledger(store), told)
        with refusing(store.uri):
            experiment = store.client.get_run(run_id).info.experiment_id
            # The id keeps one of two entries of the same moment from taking the other's place.
            key = f"{_TAG}.{model}.{entry.number}.{uuid.uuid4().hex[:8]}"
            store.client.set_experiment_tag(experiment, key, entry.model_dump_json())
        return entry
    with locked_within(file.with_name(f".{file.name}.lock"), _WRITING_SECONDS) as free:
        if not free:
            raise StoreError(
                f"{file}: another process has been writing it for {_WRITING_SECONDS:.0f} s; try "
                "again when that has ended"
            )
        entry = _following(read_ledger(store), told)
        append_line(file, entry.model_dump_json())
    return entry


def read_ledger(store: TrackingStore) -> Ledger:
    """Return all that was entered, of every model, and what was altered or taken out since.

    Raises StoreError where the store does not answer.
    """
    file = _file(store)
    if file is not None:
        texts, place = _lines(file), str(file)
    else:
        texts, place = _tags(store), f"tags of the experiments of {without_password(store.uri)}"
        older = store.root / LEDGER_FILE
        if older.exists():  # A store's ledger was once a file on whichever machine promoted.
            place += f"; {older} tells of another store, or of earlier"
    entries, problems = [], []
    for where, text in texts:
        try:
            entries.append(_entry(text))
        except (ValueError, KeyError, TypeError, AttributeError):  # No JSON, or no entry.
            problems.append(f"{where}: cannot be read as a promotion; put a backup in place")
    entries = sorted(_numbered(entries), key=lambda e: (e.model, e.number, e.time))
    return Ledger(place, tuple(entries), (*problems, *_altered(entries)))


def _following(ledger: Ledger, told: Mapping[str, Any]) -> Entry:
    """Return the next entry of a model, which names those that it follows."""
    before = [entry for entry in ledger.entries if entry.model == told["model"]]
    number = max((entry.number for entry in before), default=0)
    last = tuple(sorted(entry.sha256 for entry in before if entry.number == number))
    entry = dict(told) | {"number": number + 1, "previous": last}
    return Entry(**entry, sha256=entry_hash(entry))


def _altered(entries: Iterable[Entry]) -> list[str]:
    """Return what contradicts the hashes that entries hold."""
    problems, known = [], {entry.sha256: entry for entry in entries}
    for entry in known.values():
        name = f"entry {entry.number} of {entry.model}"
        if entry.sha256 != entry.expected_sha256:
            problems.append(f"{name}: was altered after it was entered; put a backup in place")
        problems += [
            f"{name}: what it follows, entry {entry.number - 1} with the hash {sha256[:12]}, was "
            "altered or taken out; put a backup in place"
            for sha256 in entry.previous
            if sha256 not in known
        ]
    return problems


def _entry(text: str) -> Entry:
    """Return one entry. Raises ValueError, KeyError or TypeError for what is none."""
    told = json.loads(text)
    if "sha256" in told:
        if not told["who"]:  # Who entered it is always known since entries hold hashes.
            raise ValueError("nobody entered it")
        return Entry.model_validate(told)
    evidence = told["evidence"]  # As entries were before they held hashes.
    at = time.gmtime(float(told["time"]))
    rollback = bool(evidence.get("rollback"))
    return Entry(
        number=0,
        time=time.strftime("%Y-%m-%dT%H:%M:%SZ", at),
        model=str(told["model"]),
        version=str(told["version"]),
        action="rollback" if rollback else "promotion",
        who="",
        why="",
        study=str(evidence.get("study", "")),
        run=str(evidence.get("run", "")),
        run_id=str(told["run_id"]),
        replaces=told["replaces"],
        evidence_sha256="",
        previous=(),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _numbered(entries: Iterable[Entry]) -> list[Entry]:
    """Number entries of before numbers were kept by their place in the file."""
    found: list[Entry] = []
    for entry in entries:
        number = entry.number or 1 + sum(other.model == entry.model for other in found)
        found.append(entry.model_copy(update={"number": number}))
    return found


def _file(store: TrackingStore) -> Path | None:
    """Return the ledger's file beside a SQLite store; None where the store is a server."""
    if not store.is_local:
        return None
    return Path(store.uri.removeprefix("sqlite:///")).with_name(LEDGER_FILE)


def _lines(file: Path) -> list[tuple[str, str]]:
    if not file.exists():
        return []
    lines = enumerate(file.read_text(errors="replace").splitlines(), start=1)
    return [(f"{file}:{number}", line) for number, line in lines if line.strip()]


def _tags(store: TrackingStore) -> list[tuple[str, str]]:
    return [
        (f"experiment {experiment.name!r}, tag {key}", value)
        for experiment in experiments(store, ViewType.ALL)  # A deleted one keeps its tags.
        for key, value in experiment.tags.items()
        if key.startswith(f"{_TAG}.")
    ]
