"""What is wrong with a config, in one line: the key, the rule, what there is instead."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from spineseg.config.data import DataConfig
from spineseg.config.described import opened, study_keys, tagged, under
from spineseg.config.key import Key
from spineseg.config.model import PATTERNS
from spineseg.config.nearest import did_you_mean, question, spelled_like
from spineseg.config.study import StoreConfig
from spineseg.config.training import TrainConfig
from spineseg.errors import ConfigError

AnyModel = TypeVar("AnyModel", bound=BaseModel)
_MOST_LISTED = 8  # Of more keys only the nearest are named.
_PLACES: dict[type[BaseModel], str] = {
    DataConfig: "data",
    TrainConfig: "baseline",
    StoreConfig: "store",
}
"""Where the models that are also read by themselves lie in a study."""


def checked(model: type[AnyModel], content: Any, where: Path | str) -> AnyModel:
    """Return `content` as `model`. Raises ConfigError with `where`, key, rule and remedy."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_first_problem(error, model)}") from None


def _first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """Return the first thing that `model` found wrong, an unknown key before all others."""
    problems = error.errors(include_url=False)
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    problem = (unknown or problems)[0]
    more = sum(not _follows(one, problems) for one in problems if one is not problem)
    rest = f" (and {more} more)" if more else ""
    return f"{_said(problem, model)}{rest}"


def _follows(problem: Mapping[str, Any], problems: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a list is only called too short because its items are wrong."""
    place = problem["loc"]
    return problem["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in problems
    )


def _said(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    path, table = _written(problem["loc"], model)
    place = ".".join([_PLACES.get(model, ""), *path]).strip(".")
    key = ".".join(path)
    match problem["type"]:
        case "extra_forbidden":
            return _unknown(key, place, table)
        case "missing":
            return f"key {key!r} is missing; add it{_told(place)}"
        case "union_tag_not_found":
            name = str(problem["ctx"]["discriminator"]).strip("'")
            return f"key '{key}.{name}' is missing; add it{_told(f'{place}.{name}')}"
        case "union_tag_invalid":
            name = str(problem["ctx"]["discriminator"]).strip("'")
            allowed = problem["ctx"]["expected_tags"].replace("'", "").split(", ")
            return _none_of(f"{key}.{name}", allowed, problem["ctx"]["tag"])
        case "literal_error":
            allowed = re.split(", | or ", problem["ctx"]["expected"].replace("'", ""))
            return _none_of(key, allowed, problem["input"])
        case "list_type" | "tuple_type":
            return f"{key}: must be a list{_got(problem)}"
        case "dict_type" | "model_type" | "model_attributes_type":
            names = [found.name for found in _own(place, table)]
            return f"{key or model.__name__}: must be a table{_of(names)}{_got(problem)}"
        case "string_pattern_mismatch":
            rule = PATTERNS.get(problem["ctx"]["pattern"], f"match {problem['ctx']['pattern']}")
            return f"{key}: must be {rule}{_got(problem)}"
        case "string_type" if isinstance(problem["input"], int | float | date):
            written = str(problem["input"])
            return f"{key}: must be text, got {written}; put it in quotes, as '{written}'"
        case "path_type":
            return f"{key}: must be a path{_got(problem)}"
    rule = problem["msg"].removeprefix("Value error, ")
    rule = rule[0].lower() + rule[1:]
    return f"{key}: {rule}{_got(problem)}" if key else rule


def _written(
    location: Sequence[int | str], model: type[BaseModel]
) -> tuple[list[str], type[BaseModel]]:
    """Return a location as a person wrote it, tags of unions left out, and its last table."""
    inner: Any = model
    metadata: list[Any] = []
    path, table = [], model
    for part in location:
        members, _ = tagged(inner, metadata)
        if members:
            inner, metadata = members.get(str(part)), []
            table = inner or table
            continue
        path.append(str(part))
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            table = inner
            field = inner.model_fields.get(str(part))
            inner, metadata, _ = opened(field.annotation if field else None)
        else:
            items = getattr(inner, "__args__", (None,))
            inner, metadata, _ = opened(items[-1] if isinstance(part, str) else items[0])
    return path, inner if isinstance(inner, type) and issubclass(inner, BaseModel) else table


def _unknown(key: str, place: str, table: type[BaseModel]) -> str:
    """Return what to write instead of a key that is not there, and where the others are listed."""
    holder, _, wrong = place.rpartition(".")
    own = _own(holder, table)
    other = [found for found in under(holder) if found.name == wrong]
    if other and other not in own and other[0].only_with:
        return f"unknown key {key!r}; it belongs to {other[0].only_with}"
    names = [found.name for found in own]
    has = f"has {', '.join(names)}" if len(names) <= _MOST_LISTED else f"has {len(names)} keys"
    hints = [did_you_mean(wrong, own, study_keys()), f"{holder or 'a study'} {has}"]
    return f"unknown key {key!r}; {' '.join(filter(None, hints))}: {_pointer(holder)}"


def _own(place: str, table: type[BaseModel]) -> list[Key]:
    """Return the keys that the table at `place` may have, being of the kind that it is."""
    extra = {"extends"} if place == "baseline" else set()
    keys = [key for key in under(place) if key.name in table.model_fields.keys() | extra]
    return list({key.name: key for key in keys}.values())


def _pointer(place: str) -> str:
    return f"see `spineseg keys {place}`" if place else "see `spineseg keys`"


def _told(place: str) -> str:
    """Return what a key is, in brackets."""
    holder, _, name = place.rpartition(".")
    key = next((found for found in under(holder) if found.name == name), None)
    if key is None:
        return ""
    if key.type == "one of":
        return f", one of {key.allowed}"
    return f" ({key.type}): {key.meaning[:1].lower()}{key.meaning[1:].rstrip('.')}"


def _none_of(key: str, allowed: list[str], got: Any) -> str:
    near = question(spelled_like(str(got), allowed))
    return f"{key}: must be one of {', '.join(allowed)}, got {got!r}{'; ' * bool(near)}{near}"


def _of(names: list[str]) -> str:
    return f" with {', '.join(names)}" if 0 < len(names) <= _MOST_LISTED else " of keys"


def _got(problem: Mapping[str, Any]) -> str:
    got = problem.get("input")
    if got is None:
        return ", got nothing; give a value, or leave the key out"
    return "" if isinstance(got, (dict, list, tuple)) else f", got {got!r}"
