"""What two studies were asked for differently, in words: data, baseline, search, confirmation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from spineseg.config.study import StudyConfig
from spineseg.films import PARTS
from spineseg.runs import Run
from spineseg.study_record import StudyRecord

NOTHING = "nothing"
_LONGEST = 60


class Asked(NamedTuple):
    """A study: what was asked, what it left, and what it is called beside another."""

    label: str
    config: StudyConfig
    study: StudyRecord


def differences(one: Asked, other: Asked) -> dict[str, list[str]]:
    """Return topic -> what differs there, each as "KEY VALUE against VALUE"; equal ones left out.

    Values are those of `one`, then of `other`. Where records are kept, which devices train and who
    is told make no other study.
    """
    before, now = (_topics(asked) for asked in (one, other))
    found = {topic: list(_unlike(before[topic], now[topic])) for topic in before}
    if one.study.manifest.fingerprint == other.study.manifest.fingerprint:
        found["data"] = []  # However they were named.
    return {topic: lines for topic, lines in found.items() if lines}


def _topics(asked: Asked) -> dict[str, dict[str, Any]]:
    config, manifest = asked.config.model_dump(mode="json"), asked.study.manifest
    first = _first(asked.study)
    films = {f"{part} films": manifest.count(part) for part in PARTS}
    return {
        "data": films | config["data"],
        "baseline": config["baseline"] | {"weights SHA-256": (first.job.weights_sha256 or "")[:12]},
        "variants": {v["name"]: v["changes"] for v in config["variants"]},
        "search": config["search"],
        "confirmation": {"confirm": config["confirm"]},
        "numbering": {key: config[key] for key in ("numbering", "transitional")},
        "code": {"version": first.job.code_version},
    }


def _first(study: StudyRecord) -> Run:
    return study.run("baseline") or study.runs[0]


def _unlike(before: Any, now: Any, key: str = "") -> Iterator[str]:
    """Yield each value that differs under its dotted key."""
    if isinstance(before, list) and isinstance(now, list):
        before, now = (dict(enumerate(values)) for values in (before, now))
    if isinstance(before, dict) and isinstance(now, dict):
        for name in {**before, **now}:
            below = f"{key}.{name}" if key else str(name)
            yield from _unlike(before.get(name), now.get(name), below)
    elif before != now:
        words = in_words(before), in_words(now)
        if words[0] == words[1]:  # They differ in a later digit.
            words = repr(before), repr(now)
        yield f"{key} {words[0]} against {words[1]}"


def in_words(value: Any) -> str:
    """Return a value of a config in a few words."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        text = ", ".join(f"{name} {in_words(each)}" for name, each in value.items())
        return f"({text})" if len(text) <= _LONGEST else f"({text[: _LONGEST - 3]}...)"
    if isinstance(value, list | tuple):
        return " or ".join(in_words(each) for each in value) or NOTHING
    return f"{value:.3g}" if isinstance(value, float) else str(value)
