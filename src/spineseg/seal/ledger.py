"""The ledger of openings: a line each, chained by hash, beside the store; what is wrong with it.

It lies at the root of records, for all studies; each study's folder has a copy of its own openings,
which goes with it to another machine. All copies are read as one. An entry that was altered, taken
out of the middle, brought from another root, or dated before one that it follows is noticed; so is
one that was cut off the end, as long as a study's copy still tells of it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from spineseg.chained import entry_hash, now, who
from spineseg.errors import StoreError
from spineseg.files import append_line, shown, write_whole
from spineseg.places import locked_within
from spineseg.seal.opening import Opening

LEDGER_FILE = "test-openings.jsonl"
SERVERS_FILE = "test-openings-of-server.jsonl"
"""At a root: what the tracking server that it uses knew last."""
_ID_FILE = ".store-id"
_WRITING_SECONDS = 30.0


@dataclass(frozen=True)
class SealLedger:
    """All openings that a root of records knows of, oldest first, and what is wrong with them."""

    file: Path
    entries: tuple[Opening, ...]
    problems: tuple[str, ...] = ()

    @property
    def undecided(self) -> tuple[str, ...]:
        """What is wrong, and nobody has chosen to go on with."""
        accepted = {problem for entry in self.entries for problem in entry.accepted}
        return tuple(problem for problem in self.problems if problem not in accepted)

    def lacking(self, promoted_on: Iterable[Mapping[str, Any]]) -> SealLedger:
        """Return it with what it lacks of openings that registered versions were promoted on.

        Those of before entries had hashes say nothing.
        """
        known = {entry.sha256 for entry in self.entries}
        missing = tuple(
            f"it lacks the opening of {told['time']} by study {told['study']!r}, on which a "
            "registered version was promoted"
            for told in promoted_on
            if told.get("sha256") and told["sha256"] not in known
        )
        return replace(self, problems=(*self.problems, *dict.fromkeys(missing)))

    @property
    def heads(self) -> tuple[str, ...]:
        """The hashes of the entries that no other follows."""
        followed = {sha for entry in self.entries for sha in entry.previous}
        return tuple(sorted(e.sha256 for e in self.entries if e.sha256 not in followed))


def read_ledger(root: Path) -> SealLedger:
    """Return all openings that a root and its studies know of.

    Raises StoreError for a line that cannot be read: what it told of is not known.
    """
    file = root / LEDGER_FILE
    here = _lines(file)
    known = {entry.sha256: entry for entry in here}
    copies = sorted((root / "work" / "studies").glob(f"*/{LEDGER_FILE}"))
    for copy in (root / SERVERS_FILE, *copies):
        known |= {entry.sha256: entry for entry in _lines(copy)}
    entries = tuple(sorted(known.values(), key=lambda entry: entry.time))
    problems = _altered(known) + _unlike(file, here, entries, _id(root))
    return SealLedger(file, entries, tuple(problems))


def enter(root: Path, own: Path | None, opening: Opening) -> Opening:
    """Enter an opening, which names those that it follows, in a root's ledger and a study's own.

    Raises StoreError where another process keeps the ledger.
    """
    file = root / LEDGER_FILE
    root.mkdir(parents=True, exist_ok=True)
    with locked_within(file.with_name(f".{file.name}.lock"), _WRITING_SECONDS) as free:
        if not free:
            raise StoreError(
                f"{shown(file)}: another process has been writing it for {_WRITING_SECONDS:.0f} s; "
                "try again when that has ended"
            )
        heads = read_ledger(root).heads
        told: dict[str, Any] = opening.model_dump(mode="json", exclude={"sha256"})
        told |= {"time": now(), "who": who(), "store": _made_id(root), "previous": list(heads)}
        entered = Opening(**told, sha256=entry_hash(told))
        for ledger in (file, own):
            if ledger is not None:
                append_line(ledger, entered.model_dump_json())
    return entered


def refuse_problems(ledger: SealLedger, reason: str) -> None:
    """Raise StoreError where a ledger is not whole, and no reason is given to go on with it."""
    if ledger.undecided and not reason:
        more = len(ledger.undecided) - 1
        raise StoreError(
            f"{shown(ledger.file)}: {ledger.undecided[0]}{f' (and {more} more)' if more else ''}; "
            "put a backup in place, or say with --reason why it is to be gone on with"
        )


def _lines(file: Path) -> list[Opening]:
    if not file.exists():
        return []
    found = []
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(_entry(line))
        except (ValueError, TypeError, AttributeError):  # No JSON, or no entry.
            raise StoreError(
                f"{shown(file)}:{number}: cannot be read, so it is not known what was opened; mend "
                "the line or put a backup in place"
            ) from None
    return found


def _entry(line: str) -> Opening:
    told = json.loads(line)
    if not told.get("sha256"):
        if not told.get("seal"):
            raise ValueError("no hash, and no entry of before there were any")
        told["sha256"] = sha256(line.encode()).hexdigest()
    return Opening.model_validate(told)


def _altered(known: dict[str, Opening]) -> list[str]:
    """Return what contradicts the hashes and the times that entries hold."""
    problems = []
    for entry in known.values():
        name = f"the entry of {entry.time} by study {entry.study!r}"
        if entry.sha256 != entry.expected_sha256:
            problems.append(f"{name} was altered after it was entered")
        for sha in entry.previous:
            before = known.get(sha)
            if before is None:
                problems.append(f"{name} follows one that was altered or taken out ({sha[:12]})")
            elif not before.seal and before.time > entry.time:
                problems.append(f"{name} follows one of {before.time}: a clock ran backwards")
    return problems


def _unlike(file: Path, here: Sequence[Opening], entries: Iterable[Opening], own: str) -> list[str]:
    """Return what a ledger lacks that was entered in it, and what was entered in another's."""
    told = {entry.sha256 for entry in here}
    problems = [
        f"it lacks the entry of {entry.time} by study {entry.study!r}, which another copy has: "
        "it was cut"
        for entry in entries
        if entry.store == own and entry.store and entry.sha256 not in told
    ]
    foreign = {entry.store for entry in here if entry.store and entry.store != own}
    problems += [
        f"it has entries of another root of records ({store[:12]}): it was copied from elsewhere"
        for store in sorted(foreign)
    ]
    return problems


def _id(root: Path) -> str:
    try:
        return (root / _ID_FILE).read_text().strip()
    except OSError:
        return ""


def _made_id(root: Path) -> str:
    """Return a root's id, made where there is none."""
    if not (found := _id(root)):
        found = uuid.uuid4().hex
        write_whole(root / _ID_FILE, found)
    return found
