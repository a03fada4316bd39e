"""What a person may have meant: the keys nearest to a word, by spelling and by meaning."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from spineseg.config.key import Key

_CLOSE_SPELLING = 0.85  # From here on it is a slip of the pen: 'epoch', 'val_fraction'.
_NEAR = 0.65
_SAME_WORDS = 0.9  # Every word of the key is in the other's name or meaning: 'learning_rate'.
_MOST = 3


def did_you_mean(wrong: str, own: Sequence[Key], everywhere: Sequence[Key]) -> str:
    """Return a question that names the keys nearest to a wrong one; empty where none is near.

    `own` are the keys of the table that it stood in; one of another table is named by its path.
    """
    near = nearest(wrong, own)
    elsewhere = [key.path for key in everywhere if key.name == wrong]
    slip = near and _spelling(wrong, near[0].name) >= _CLOSE_SPELLING
    if near and (slip or not elsewhere):
        return question(key.name for key in near)
    return question(elsewhere[:_MOST] or [key.path for key in nearest(wrong, everywhere)])


def question(names: Iterable[str]) -> str:
    """Return `names` as a question; empty where there is none."""
    quoted = [repr(name) for name in dict.fromkeys(names)]
    return f"did you mean {' or '.join(quoted)}?" if quoted else ""


def spelled_like(wrong: str, values: Iterable[str]) -> list[str]:
    """Return the value that `wrong` may be a slip of the pen for, in a list; or none."""
    best = max(values, key=lambda value: _spelling(wrong, value), default="")
    return [best] if _spelling(wrong, best) >= _NEAR else []


def nearest(wrong: str, keys: Iterable[Key]) -> list[Key]:
    """Return the keys near to `wrong`, nearest first, three at most.

    Where one is spelled almost alike, those that only mean alike are left out.
    """
    scored = [(_spelling(wrong, key.name), _meaning(wrong, key), key) for key in keys]
    close = [entry for entry in scored if entry[0] >= _CLOSE_SPELLING]
    near = close or [entry for entry in scored if max(entry[:2]) >= _NEAR]
    near.sort(key=lambda entry: -max(entry[:2]))
    return [entry[2] for entry in near[:_MOST]]


def _spelling(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio()


def _meaning(wrong: str, key: Key) -> float:
    """Return the share of the words of `wrong` that a key has; the fewer others, the more."""
    wanted = words(wrong)
    has = words(f"{key.name} {key.meaning} {key.allowed}")
    if not wanted:
        return 0.0
    return (_SAME_WORDS + 0.05 / len(has)) * len(wanted & has) / len(wanted)


def words(text: str) -> set[str]:
    """Return the words of a text in lower case, without the ends that only inflect them."""
    found = re.findall(r"[a-z]+\d*|\d+", text.lower())
    return {re.sub(r"(?<=...)(ing|ed|er|s)$", "", word) for word in found}
