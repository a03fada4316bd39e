"""Openings of test films shared by all who use one tracking server, as tags of its experiments.

Beside a SQLite store the ledger is a file. On a server each entry is kept in the tags
`spineseg.opening.HASH.PART.PARTS` of its study's experiment, which no page shows: compressed and in
pieces, since databases of older servers take 5,000 characters of a tag. What the server knows is
written beside a root's own ledger, from where it is read like every other copy.
"""

from __future__ import annotations

import base64
import zlib
from collections import defaultdict
from pathlib import Path

from mlflow.entities import ViewType

from spineseg.errors import StoreError
from spineseg.files import write_whole
from spineseg.seal.ledger import SERVERS_FILE, read_ledger
from spineseg.seal.opening import Opening
from spineseg.tracking.store import (
    TrackingStore,
    experiment_id,
    experiments,
    refusing,
    without_password,
)

_TAG = "spineseg.opening"
_LONGEST = 4500


def bring_openings(store: TrackingStore, root: Path) -> None:
    """Write what a server knows of openings beside a root's own ledger.

    Raises StoreError where the server does not answer, or a tag is none that was written here.
    """
    if store.is_local:
        return
    lines = sorted(_entries(store).values())
    root.mkdir(parents=True, exist_ok=True)
    write_whole(root / SERVERS_FILE, "".join(f"{line}\n" for line in lines))


def share_openings(store: TrackingStore, root: Path, study: str) -> None:
    """Give a server the openings of a root that it does not know yet.

    Raises StoreError where the server does not answer.
    """
    if store.is_local:
        return
    known = _entries(store)
    missing = [e for e in read_ledger(root).entries if e.sha256 not in known and not e.seal]
    if not missing:
        return
    place = experiment_id(store, study)
    for entry in missing:
        packed = base64.b64encode(zlib.compress(entry.model_dump_json().encode())).decode()
        pieces = [packed[at : at + _LONGEST] for at in range(0, len(packed), _LONGEST)]
        with refusing(store.uri):
            for number, piece in enumerate(pieces):
                key = f"{_TAG}.{entry.sha256[:32]}.{number}.{len(pieces)}"
                store.client.set_experiment_tag(place, key, piece)


def _entries(store: TrackingStore) -> dict[str, str]:
    """Return the entries that a server holds whole, as lines by their hash."""
    pieces: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)
    for experiment in experiments(store, ViewType.ALL):  # A deleted one keeps its tags.
        for key, value in experiment.tags.items():
            if key.startswith(f"{_TAG}."):
                name, at, of = key.removeprefix(f"{_TAG}.").split(".")
                pieces[name, int(of)][int(at)] = value
    whole = {}
    for (name, count), found in pieces.items():
        if len(found) < count:  # Its writer was killed; whoever has the entry gives it again.
            continue
        try:
            packed = "".join(found[number] for number in range(count))
            line = zlib.decompress(base64.b64decode(packed)).decode()
        except (ValueError, zlib.error):
            raise StoreError(
                f"{without_password(store.uri)}: the opening {name[:12]} among its experiments' "
                "tags cannot be read, so it is not known what was opened; put a backup in place"
            ) from None
        whole[Opening.model_validate_json(line).sha256] = line
    return whole
