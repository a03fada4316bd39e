"""YAML files and `key=value` overrides in, checked config models out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel

from spineseg.config.data import DataConfig
from spineseg.config.named import CONFIGS, Named, named_study
from spineseg.config.problems import AnyModel, checked
from spineseg.config.recorded import refuse_blotted, with_paths_found
from spineseg.config.study import StoreConfig, StudyConfig
from spineseg.config.training import TrainConfig, carried
from spineseg.errors import ConfigError

WRITE_ANEW = "remove the file, and `spineseg run` the study's own: it is written anew"
"""What helps where a study's config on record cannot be read."""
_FILES = ("data", "baseline", "baseline.extends")
"""Keys that may name a file, which is read before anything is overridden."""


def load_study(path: Path, overrides: Iterable[str] = ()) -> StudyConfig:
    """Return the study that `path`, a file or a study's name, describes, `overrides` applied.

    An override is as "search.trials=4". `data` and `baseline` may name other files, relative to the
    study's; a baseline may be a mapping with `extends: FILE` and what it changes. What a name
    stands for, `named` says; records lie where a study on record was found. Raises ConfigError
    naming file, key and remedy.
    """
    overrides = list(overrides)
    found = study_named(path, overrides)
    content = read_mapping(found.file, WRITE_ANEW if found.root is not None else "")
    if isinstance(content.get("data"), str):
        content["data"] = read_mapping(_beside(found.file, content["data"], "data"))
    content["baseline"] = _baseline(content.get("baseline", {}), found.file)
    if found.root is not None:
        content = _placed(content, found.file, found.root)
    study = _checked(StudyConfig, content, overrides, found.file)
    refuse_blotted(study, found.file)
    return study


def study_named(path: Path, overrides: Iterable[str] = ()) -> Named:
    """Return the file that `path`, a file or a name, stands for, with `store.root` overridden.

    Raises ConfigError for a name that nothing or two things have.
    """
    key = "store.root="
    roots = [text.removeprefix(key) for text in overrides if text.startswith(key)]
    return named_study(path, Path(roots[-1]) if roots else StoreConfig().root)


def _placed(content: dict[str, Any], file: Path, root: Path) -> dict[str, Any]:
    """Return a study on record as of the root where it lies."""
    if content.get("name") != file.parent.name:
        raise ConfigError(
            f"{file}: is the config of study {content.get('name')!r}; give its folder that name "
            "again"
        )
    store = content.get("store")
    content["store"] = (store if isinstance(store, dict) else {}) | {"root": str(root)}
    return with_paths_found(content, file)


def load_data(path: Path, overrides: Iterable[str] = ()) -> DataConfig:
    """Return the data that `path` describes: a data config, or a study's, or a study by its name.

    Raises ConfigError naming file, key and remedy.
    """
    overrides = list(overrides)
    file = study_named(path, overrides).file
    content = read_mapping(file)
    if "sources" not in content and "data" in content:
        return load_study(path, overrides).data
    own, _ = _told_apart(overrides)
    return _checked(DataConfig, content, own, file)


def _told_apart(overrides: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the overrides of a data config, and those of the store, which it has none of."""
    overrides = list(overrides)
    store = [text for text in overrides if text.startswith("store.")]
    return [text for text in overrides if text not in store], store


def _baseline(content: Any, path: Path) -> Any:
    if isinstance(content, str):
        return read_mapping(_beside(path, content, "baseline"))
    if isinstance(content, dict) and "extends" in content:
        own = {key: value for key, value in content.items() if key != "extends"}
        parent = _beside(path, str(content["extends"]), "baseline.extends")
        checked(TrainConfig, read_mapping(parent), parent)
        return carried(read_mapping(parent), own)
    return content


def _beside(path: Path, name: str, key: str) -> Path:
    target = path.parent / name
    if not target.is_file():
        raise ConfigError(f"{path}: {key}: no file {target}; name one, relative to {path.name}")
    return target


def read_mapping(path: Path, remedy: str = "") -> dict[str, Any]:
    """Return the YAML mapping in `path`.

    Raises ConfigError where there is none, with `remedy` where that is given.
    """
    folder = f"see {CONFIGS} for those that are" if CONFIGS.is_dir() else "name one that is there"
    example = remedy or "write its keys into it, as `spineseg keys` lists them"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; {remedy or folder}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(
            f"{where}: cannot be read as YAML ({problem}); {remedy or 'mend that line'}"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a YAML file") from None
    if content is None:
        raise ConfigError(f"{path}: is empty; {example}")
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path}: must be a mapping of keys, got {type(content).__name__}; {example}"
        )
    return content


def _overridden(content: dict[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigError(
                f"--set {override!r}: must be key=value, as search.trials=4; a "
                "value with spaces wants quotes of its own, as path='My Films'"
            )
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ConfigError(f"--set {override!r}: the value cannot be read as YAML") from None
        if key in _FILES and isinstance(value, str):
            raise ConfigError(
                f"--set {override!r}: a file is named for {key} in the study's own file only; "
                f"override single keys, as `spineseg keys {key.partition('.')[0]}` lists them"
            )
        _set(content, key.split("."), value, override)
    return content


def _checked(
    model: type[AnyModel], content: dict[str, Any], overrides: Sequence[str], file: Path
) -> AnyModel:
    """Return a config with overrides. Raises ConfigError with the override or the file to mend."""
    try:
        return checked(model, _overridden(deepcopy(content), overrides), file)
    except ConfigError:
        override = next(
            (
                text
                for i, text in enumerate(overrides)
                if _holds(model, content, [*overrides[:i], *overrides[i + 1 :]])
            ),
            None,
        )
        if override is None:
            raise
    return checked(model, _overridden(deepcopy(content), overrides), f"--set {override!r}")


def _holds(model: type[BaseModel], content: dict[str, Any], overrides: Sequence[str]) -> bool:
    """Return whether nothing is wrong with a config and these overrides."""
    try:
        checked(model, _overridden(deepcopy(content), overrides), "")
    except ConfigError:
        return False
    return True


def _set(content: Any, keys: list[str], value: Any, override: str) -> None:
    *path, last = keys
    for i, key in enumerate(path):
        content = _child(content, key, _Place(override, keys[:i]))
    place = _Place(override, path)
    if isinstance(content, list):
        content[_index(content, last, place)] = value
    elif isinstance(content, dict):
        content[last] = value
    else:
        raise place.error(f"is a single value, {content!r}, and has no key {last!r}")


class _Place(NamedTuple):
    """Where in a config an override has come to."""

    override: str
    path: list[str]

    def error(self, rule: str) -> ConfigError:
        name = ".".join(self.path)
        return ConfigError(f"--set {self.override!r}: {name} {rule}; see `spineseg keys {name}`")


def _child(content: Any, key: str, place: _Place) -> Any:
    if isinstance(content, list):
        return content[_index(content, key, place)]
    if not isinstance(content, dict):
        raise place.error(f"is a single value, {content!r}, and has no key {key!r}")
    if content.get(key) is None:
        content[key] = {}
    return content[key]


def _index(content: list[Any], key: str, place: _Place) -> int:
    names = [item.get("name") if isinstance(item, dict) else None for item in content]
    if key in names:
        return names.index(key)
    if key.isdigit() and int(key) < len(content):
        return int(key)
    has = ", ".join(f"{i} ({name})" if name else str(i) for i, name in enumerate(names))
    raise place.error(
        f"has no item {key!r}: it is a list of {len(content)}, {has or 'empty'}; "
        "name one by its number or name"
    )


def load_store(path: Path, overrides: Iterable[str] = ()) -> StoreConfig:
    """Return where the config at `path`, or of that name, keeps its records: or the default."""
    overrides = list(overrides)
    content = read_mapping(study_named(path, overrides).file)
    if "data" in content:
        return load_study(path, overrides).store
    _, own = _told_apart(overrides)
    return checked(StoreConfig, _overridden({}, [t.removeprefix("store.") for t in own]), path)
