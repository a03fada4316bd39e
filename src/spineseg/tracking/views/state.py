"""What MLflow keeps of a named view: a tag of the experiment, read by its pages since 3.15.

The format is not documented; it is what the pages of MLflow 3.17 write when a person saves a view,
and what they read (`experiment-page-ui-state` and `experiment-page-search-facets` there).
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

PREFIX = "mlflow.sharedViewState."
OURS = "spineseg-"
"""Begins the id of each view that a study writes; one that a person saves has a random id."""
LEAST_VERSION = (3, 15)
"""The first MLflow whose pages read views with a name."""
_DEFLATED = "deflate;"
_MOST_LETTERS = 20_000  # Of an experiment's tag, by MLflow's own check.
State = dict[str, Any]


@dataclass(frozen=True)
class View:
    """A view: its own short name, its name on the page, and what it shows."""

    slug: str
    name: str
    state: State
    charts: bool = False
    """Whether it opens on its charts; else on its table."""

    @property
    def id(self) -> str:
        """What it is known by: the same each time, so that it is replaced and not multiplied."""
        return OURS + self.slug

    @property
    def tag(self) -> str:
        """The experiment's tag that holds it."""
        return PREFIX + self.id


@dataclass(frozen=True)
class Kept:
    """A view as an experiment holds it."""

    name: str
    created_ms: int
    state: State


def as_tag(name: str, state: State, created_ms: int, updated_ms: int) -> str | None:
    """Return the value of a view's tag; None where it is more than a tag holds."""
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()
    value = json.dumps(
        {
            "name": name,
            "createdAt": created_ms,
            "updatedAt": updated_ms,
            "state": _DEFLATED + packed,
        }
    )
    return value if len(value) <= _MOST_LETTERS else None


def from_tag(value: str) -> Kept | None:
    """Return the view that a tag holds; None for one that this version does not understand."""
    try:
        found = json.loads(value)
        state = found["state"]
        if state.startswith(_DEFLATED):
            state = zlib.decompress(base64.b64decode(state.removeprefix(_DEFLATED))).decode()
        return Kept(str(found["name"]), int(found["createdAt"]), dict(json.loads(state)))
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return None


def address(experiment: str, view: View | None) -> str:
    """Return where a view is, behind a server's address; without one, the experiment's runs."""
    asked = {"viewStateShareKey": view.id} if view else {}
    asked |= {"compareRunsMode": "CHART"} if view and view.charts else {}
    # Else MLflow's menus are those for work with language models.
    asked |= {"workflowType": "machine_learning"}
    return f"#/experiments/{quote(experiment)}/runs?{urlencode(asked)}"
