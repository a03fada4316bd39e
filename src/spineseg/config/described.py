"""Every key that a person may write, read off the models: path, type, default, unit, meaning."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, SecretStr, Tag
from pydantic.fields import FieldInfo

from spineseg.config.key import Key
from spineseg.config.model import PATTERNS, OneOf, Unit
from spineseg.config.networks import KeyOf
from spineseg.config.study import StudyConfig

_TYPES = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "text, never shown",
    datetime: "time, as 2026-12-24T08:00",
}
_BOUNDS = {
    "ge": "at least {}",
    "gt": "above {}",
    "le": "at most {}",
    "lt": "below {}",
    "multiple_of": "a multiple of {}",
}
EXTENDS = Key(
    "baseline.extends",
    "path",
    "Name of a file with keys of baseline, relative to this one; the other keys here go over it.",
)
"""The one key that no model has: it is gone when the file has been read."""


@cache
def study_keys() -> tuple[Key, ...]:
    """Return every key of a study, in the order of the models, each table before its keys."""
    keys: list[Key] = []
    for key in keys_of(StudyConfig):
        keys.append(key)
        if key.path == "baseline":
            keys.append(EXTENDS)
    return tuple(keys)


def under(table: str) -> list[Key]:
    """Return the keys that lie directly under `table`, where items have their real names."""
    depth = table.count(".") + 2 if table else 1
    return [key for key in study_keys() if key.under(table) and key.path.count(".") + 1 == depth]


def keys_of(model: type[BaseModel], path: str = "", only_with: str = "") -> Iterator[Key]:
    """Yield the keys of `model`, which lies at `path`, and of every model inside it."""
    for name, field in model.model_fields.items():
        key, inside = _described(f"{path}.{name}".lstrip("."), field, only_with)
        yield key
        yield from _merged([found for part in inside for found in keys_of(*part)])


def _merged(keys: list[Key]) -> list[Key]:
    """Return the keys of a union's members: what several have in common once, their tag once."""
    merged: list[Key] = []
    for key in keys:
        for i, other in enumerate(merged):
            if replace(other, only_with="") == replace(key, only_with=""):
                both = f"{other.only_with} or {key.only_with.rpartition(': ')[2]}"
                merged[i] = replace(key, only_with=both)
                break
            if other.path == key.path and key.only_with == f"{key.name}: {key.allowed}":
                values, meaning = f"{other.allowed}, {key.allowed}", f"{other.meaning} {_tag(key)}"
                merged[i] = replace(other, allowed=values, meaning=meaning)
                break
        else:
            is_tag = key.only_with == f"{key.name}: {key.allowed}"
            merged.append(replace(key, only_with="", meaning=_tag(key)) if is_tag else key)
    return merged


def _tag(key: Key) -> str:
    return f"{key.allowed}: {key.meaning}"


Inside = tuple[type[BaseModel], str, str]


def _described(path: str, field: FieldInfo, only_with: str) -> tuple[Key, list[Inside]]:
    """Return a field's key, and the models that lie under it, each with its path."""
    annotation, more, nullable = opened(field.annotation)
    metadata = [*field.metadata, *more]
    words, allowed, inside = _type_of(path, annotation, metadata)
    default = None if field.is_required() else _plain(field.get_default(call_default_factory=True))
    key = Key(
        path,
        f"{words}, or null" if nullable else words,
        field.description or "",
        required=field.is_required(),
        default=default,
        unit=next((mark.name for mark in metadata if isinstance(mark, Unit)), ""),
        allowed=", ".join(part for part in [allowed, *_rules(metadata)] if part),
        only_with=only_with or next((_owners(m) for m in metadata if isinstance(m, KeyOf)), ""),
        table=bool(inside),
    )
    return key, inside


def _owners(mark: KeyOf) -> str:
    return f"networks of {' or '.join(mark.families)}"


def _type_of(path: str, annotation: Any, metadata: list[Any]) -> tuple[str, str, list[Inside]]:
    """Return a type in words, its named values, and the models inside it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "one of", ", ".join(_written(value) for value in arguments), []
    if origin is tuple:
        item, more, _ = opened(arguments[0])
        inside = _models(f"{path}.{_item(item)}", item, more)
        words, allowed, _ = ("tables", "", None) if inside else _type_of(path, item, more)
        return f"list of {words}", allowed, inside
    if origin is dict:
        item, more, _ = opened(arguments[1])
        inside = _models(f"{path}.FIELD", item, more)
        return "table" if inside or item is Any else "table of text", "", inside
    if origin in (Union, types.UnionType):
        if any(get_origin(part) is Literal for part in arguments):
            return _number_or_word(path, arguments)
        return "values", "", []
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table", "", [(annotation, path, "")]
    named = [mark.func for mark in metadata if isinstance(mark, AfterValidator)]
    values = [func.values for func in named if isinstance(func, OneOf)]
    return ("one of", ", ".join(values[0]), []) if values else (_TYPES[annotation], "", [])


def _number_or_word(path: str, parts: tuple[Any, ...]) -> tuple[str, str, list[Inside]]:
    """Return, in words, a type that is a number or one of a few words."""
    words: list[str] = []
    rules: list[str] = []
    for part in parts:
        plain, more, _ = opened(part)
        told, allowed, _ = _type_of(path, plain, more)
        words.append(allowed if get_origin(plain) is Literal else told)
        rules += _rules(more)
    return " or ".join(words), ", ".join(rules), []


def _item(item: Any) -> str:
    return "NAME" if "name" in getattr(item, "model_fields", ()) else "N"


def _models(path: str, item: Any, metadata: list[Any]) -> list[Inside]:
    """Return the models that an item of a list or a table may be."""
    if isinstance(item, type) and issubclass(item, BaseModel):
        return [(item, path, "")]
    members, chosen_by = tagged(item, metadata)
    return [
        (model, path, f"{chosen_by}: {tag}" if chosen_by else f"{tag} axis")
        for tag, model in members.items()
    ]


def opened(annotation: Any) -> tuple[Any, list[Any], bool]:
    """Return a type without Annotated and None around it, what was annotated, whether it had None.

    Raises nothing: what is neither is returned as it is.
    """
    metadata: list[Any] = []
    nullable = False
    while True:
        arguments = get_args(annotation)
        if get_origin(annotation) is Annotated:
            annotation, metadata = arguments[0], [*metadata, *arguments[1:]]
        elif get_origin(annotation) in (Union, types.UnionType) and type(None) in arguments:
            nullable = True
            annotation = Union[tuple(part for part in arguments if part is not type(None))]  # noqa: UP007
        else:
            return annotation, metadata, nullable


def tagged(annotation: Any, metadata: list[Any]) -> tuple[dict[str, type[BaseModel]], str]:
    """Return a tagged union's models by tag, and the key that holds the tag; both may be empty."""
    marks = [getattr(mark, "discriminator", None) for mark in metadata]
    chosen_by = next((mark for mark in marks if mark is not None), None)
    if chosen_by is None or isinstance(annotation, type):
        return {}, ""
    members: dict[str, type[BaseModel]] = {}
    for argument in get_args(annotation):
        model, more, _ = opened(argument)
        if isinstance(chosen_by, str):
            tags = get_args(model.model_fields[chosen_by].annotation)
        else:
            tags = tuple(mark.tag for mark in more if isinstance(mark, Tag))
        members[tags[0]] = model
    return members, chosen_by if isinstance(chosen_by, str) else ""


def _rules(metadata: list[Any]) -> Iterator[str]:
    bounds = {
        name: getattr(mark, name) for mark in metadata for name in _BOUNDS if _has(mark, name)
    }
    if "ge" in bounds and "le" in bounds:
        yield f"{bounds.pop('ge'):g} to {bounds.pop('le'):g}"
    yield from (
        words.format(f"{bounds[name]:g}") for name, words in _BOUNDS.items() if name in bounds
    )
    for mark in metadata:
        if (least := getattr(mark, "min_length", None)) is not None:
            yield f"at least {least} given" if least > 1 else "not empty"
        if (pattern := getattr(mark, "pattern", None)) is not None:
            yield PATTERNS.get(pattern, f"matching {pattern}")
        if isinstance(mark, FieldInfo):
            yield from _rules(mark.metadata)


def _has(mark: Any, name: str) -> bool:
    return getattr(mark, name, None) is not None


def _plain(value: Any) -> Any:
    """Return a default as JSON has it."""
    if isinstance(value, BaseModel):
        return {}  # Its keys have defaults of their own.
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
