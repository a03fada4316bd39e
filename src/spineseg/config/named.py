"""Which file a study's name stands for: the study on record, or one of the configs here.

The rules, in this order:

1. A file that is there is that file; a folder that holds a `study.yaml` is that study.
2. A bare name is a study on record, `ROOT/work/studies/NAME/study.yaml`; ROOT is `mlruns`, or what
   `store.root` is set to. Where `configs/studies/NAME.yaml` is there, too, and describes a study
   of another name, NAME means two studies and is refused.
3. Else it is `configs/studies/NAME.yaml`, or the one config in that folder that has `name: NAME`;
   two that have it are refused.

The root under which a study's folder lies counts, not the one that its `study.yaml` tells: the
folder may have been copied.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from spineseg.config.model import SLUG
from spineseg.errors import ConfigError
from spineseg.places import StudyPlaces, has_runs, studies_on_record

CONFIGS = Path("configs/studies")
_NAME_LINE = re.compile(r"""^(?:name|"name"|'name')\s*:\s*["']?([^\s"'#]+)""", re.MULTILINE)


@dataclass(frozen=True)
class Named:
    """The file of a study, and, where it is the study's own on record, the root that it is in."""

    file: Path
    root: Path | None = None


def named_study(asked: Path, root: Path) -> Named:
    """Return the file that `asked`, a file, a study's folder or a bare name, stands for.

    A path to nothing comes back as it is, for the reader to refuse. Raises ConfigError, naming the
    remedy, for a name that nothing or two things have.
    """
    if asked.is_file():
        return _on_record(asked)
    if (asked / "study.yaml").is_file():
        return _on_record(asked / "study.yaml")
    name = str(asked)
    if not re.fullmatch(SLUG, name):
        return Named(asked)
    places = StudyPlaces(root, name)
    own, others = CONFIGS / f"{name}.yaml", _configs_named(name)
    if places.config.is_file():
        told = name_told(own)
        if told not in (None, name):
            raise ConfigError(
                f"{name}: is a study on record, and {own} describes study {told!r}; name the file "
                f"that you mean: {places.config}, or {own}"
            )
        return Named(places.config, root)
    if own.is_file():
        others = [own, *(file for file in others if file != own)]
    if len(others) > 1:
        raise ConfigError(
            f"{name}: {' and '.join(map(str, others))} can be meant; name the file, and give each "
            "study its own name"
        )
    if others:
        return Named(others[0])
    if has_runs(places.folder):
        raise ConfigError(
            f"{name}: its runs are on record without their config, as an earlier version left "
            "them; name the study's own file"
        )
    raise ConfigError(f"{name}: {_nothing(name, root)}")


def name_told(file: Path) -> str | None:
    """Return the name that a config's text gives its study; None where it gives none."""
    try:
        found = _NAME_LINE.search(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return None
    return found[1] if found else None


def _on_record(file: Path) -> Named:
    """Return a file that was named; one in a study's folder brings its root."""
    place = file if len(file.parts) > 4 else file.absolute()
    study = place.parent
    if (file.name, study.parent.name, study.parent.parent.name) == (
        "study.yaml",
        "studies",
        "work",
    ):
        return Named(file, study.parents[2])
    return Named(file)


def _configs_named(name: str) -> list[Path]:
    return [file for file in sorted(CONFIGS.glob("*.yaml")) if name_told(file) == name]


def _nothing(name: str, root: Path) -> str:
    """Return that there is no such study, with what there is."""
    recorded, configs = studies_on_record(root), [file.stem for file in CONFIGS.glob("*.yaml")]
    close = difflib.get_close_matches(name, {*recorded, *configs}, n=2)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return (
        f"no study on record in {root}, no file and none of {CONFIGS} is called so; {hint}on "
        f"record: {', '.join(recorded) or 'none'}; configs: {', '.join(sorted(configs)) or 'none'}"
    )
